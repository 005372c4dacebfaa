import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type TagCheckOptions, tagCheck } from '../../../pipeline/k8s/gitops/registry.ts';
import { type FakeRegistry, type RegistryOptions, startRegistry } from '../../support/registry.ts';
import { tempFolder } from '../../support/temp.ts';
import { botOf, configOf } from './bots.ts';
import { bareRepository } from './repository.ts';

const root = tempFolder();
const DIGEST = `sha256:${'a'.repeat(64)}`;
const LOGIN = { user: 'bot', password: 'a-password' };
writeFileSync(join(root, 'password'), `${LOGIN.password}\n`);
writeFileSync(join(root, 'wrong'), 'another');
const { signal } = new AbortController();

const open: FakeRegistry[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function registryOf(
  options: Partial<RegistryOptions> = {},
  settings: object = {},
  more: Partial<TagCheckOptions> = {},
) {
  const registry = await startRegistry({ images: ['team/api:v2', `team/api:${DIGEST}`], ...options });
  open.push(registry);
  const registries = { [registry.host]: { url: registry.url, ...settings } };
  const look = tagCheck({ registries, signal, ...more });
  return { registry, look: (reference: string) => look(`${registry.host}/team/api`, reference) };
}

describe('what is in its registry', () => {
  const login = { user: 'bot', passwordPath: join(root, 'password') };
  test.each([
    ['to anybody, by a token', {}, {}],
    ['to who has a password, by a token', { login: LOGIN }, login],
    ['to who has a password', { login: LOGIN, auth: 'basic' as const }, login],
    ['to anybody', { auth: 'none' as const }, {}],
  ])('is found where it is shown %s; what is not there is refused', async (_, options, settings) => {
    const { look } = await registryOf(options, settings);
    expect(await look('v2')).toBeUndefined();
    expect(await look(DIGEST)).toBeUndefined();
    await expect(look('v3')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/team\/api:v3 is not in the registry$/),
    });
  });
});

describe('what cannot be known is a warning', () => {
  test.each([[500], [403], [429], [302]])('where the registry answers %d', async (status) => {
    const { registry, look } = await registryOf();
    registry.broken = status;
    expect(await look('v2')).toContain(`could not be checked: the registry answered ${status}`);
  });
  test('where it does not answer', async () => {
    const { registry, look } = await registryOf({}, {}, { timeoutMs: 100 });
    registry.broken = 'hang';
    expect(await look('v2')).toContain('no answer within 100 ms');
    await registry.close();
    expect(await look('v2')).toContain('could not be checked');
  });
  test('where a password is wrong, and it is not shown', async () => {
    const settings = { user: 'bot', passwordPath: join(root, 'wrong') };
    const said = await (await registryOf({ login: LOGIN }, settings)).look('v2');
    expect(said).toContain('no token was given: 401');
    expect(said).not.toContain('another');
  });
  test('where it sends elsewhere for a token, without TLS: no password goes there', async () => {
    const other = await startRegistry({ images: [] });
    open.push(other);
    const settings = { user: 'bot', passwordPath: join(root, 'password') };
    const { look } = await registryOf({ login: LOGIN, realm: `${other.url}/token` }, settings);
    expect(await look('v2')).toContain('without TLS');
    expect(other.requests).toEqual([]);
  });
  test('where it is none of the registries, which is not asked', async () => {
    const { registry } = await registryOf();
    const look = tagCheck({ registries: { 'registry.test': {} }, signal });
    expect(await look(`${registry.host}/team/api`, 'v2')).toContain('is none of the registries');
    expect(await look('team/api', 'v2')).toContain('docker.io is none');
    expect(await look('registry.test/../x', 'v2')).toContain('is no name of an image');
    expect(registry.requests).toEqual([]);
  });
});

test('a tag that is not there is not committed; one that cannot be looked up is, with a warning', {
  timeout: 60_000,
}, async () => {
  const repository = bareRepository(root);
  const { registry, look } = await registryOf();
  const asked: string[] = [];
  const check = (image: string, reference: string) => {
    asked.push(image);
    return look(reference);
  };
  const { ask } = botOf({ config: await configOf(repository.url), root, bot: { tagCheck: check } });
  await expect(ask('deploy api env=dev image-tag=v3')).rejects.toThrow('is not in the registry');
  await expect(ask('deploy api env=dev image-tag=v3 --dry-run')).rejects.toThrow('is not in the registry');
  expect((await ask('deploy api env=dev image-tag=v2')).lines.join()).not.toContain('warning');
  registry.broken = 503;
  const { lines, state } = await ask('deploy api env=dev image-tag=v4');
  expect([state, lines.at(-1)]).toEqual(['done', expect.stringMatching(/^warning: .*answered 503$/)]);
  expect(new Set(asked)).toEqual(new Set(['example.com/api']));
  expect(repository.log()).toHaveLength(3);
});
