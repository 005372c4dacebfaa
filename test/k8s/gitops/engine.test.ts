import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { startGitHttp } from '../../support/git-http.ts';
import { tempFolder } from '../../support/temp.ts';
import { botOf, configOf } from './bots.ts';
import { bareRepository } from './repository.ts';

const PASSWORD = 'a-token-of-the-bot';
const root = tempFolder();
const http = await startGitHttp(root, PASSWORD);
afterAll(() => http.close());
writeFileSync(join(root, 'token'), `${PASSWORD}\n`);
let names = 0;

/** A repository of its own, as each transport reaches it. */
const TRANSPORTS = {
  file: (name: string) => ({ url: `file://${join(root, name)}`, more: '' }),
  'smart HTTP': (name: string) => ({ url: `${http.url}/${name}`, more: '' }),
};

async function world(transport: keyof typeof TRANSPORTS, more = '') {
  names += 1;
  const repository = bareRepository(root, `configs-${names}.git`);
  const { url } = TRANSPORTS[transport](`configs-${names}.git`);
  const config = await configOf(url, more);
  const token = transport === 'file' ? {} : { httpTokenPath: join(root, 'token') };
  return { repository, config: { ...config, git: { ...config.git, ...token } } };
}

const FILE = 'api/overlays/dev/kustomization.yaml';

describe.each(Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[])('over %s', (transport) => {
  test('a deploy is one commit with a diff of one line, an author and trailers', async () => {
    const { repository, config } = await world(transport);
    const { ask } = botOf({ config, root });
    const reply = await ask('deploy api env=dev image-tag=v2');
    expect(reply).toMatchObject({ state: 'done', commit: repository.log('%H')[0] });
    expect(repository.git('show', '--format=', '--unified=0', 'main').split('\n').slice(-3)).toEqual([
      '-  newTag: v1    # set by the bot',
      '+  newTag: v2    # set by the bot',
      '',
    ]);
    expect(repository.log('%an <%ae>')[0]).toBe('Samovar(+ann) <samovar@localhost>');
    expect(repository.git('log', '-1', '--format=%B', 'main').trim().split('\n')).toEqual([
      'deploy(api/dev): deployed by +ann',
      '',
      'Set image-tag(images.1.newTag) to v2 (was v1)',
      '',
      'by "deploy api env=dev image-tag=v2"',
      '',
      'Requested-by: ann <cli:ann>',
      'Request-id: request-1',
    ]);
  });

  test('the same tag again commits nothing', async () => {
    const { repository, config } = await world(transport);
    const { ask } = botOf({ config, root });
    expect((await ask('deploy api env=dev image-tag=v1')).state).toBe('unchanged');
    expect(repository.log()).toHaveLength(1);
  });

  test('where somebody else pushes between fetch and push, it is made again on top of theirs', async () => {
    const { repository, config } = await world(transport);
    let races = 3;
    const check = async () => {
      if (races-- > 0) repository.pushed();
    };
    const { ask, logs } = botOf({ config, root, engine: { check } });
    expect((await ask('deploy api env=dev image-tag=v2')).state).toBe('done');
    expect(repository.log()).toEqual([
      'deploy(api/dev): deployed by +ann',
      "somebody's commit 3",
      "somebody's commit 2",
      "somebody's commit 1",
      'the beginning',
    ]);
    expect(logs.filter((text) => text.includes('pushed first'))).toHaveLength(3);
  });

  test('a race that is always lost ends, and says so', async () => {
    const { repository, config } = await world(transport);
    const { ask } = botOf({ config, root, engine: { check: async () => repository.pushed(), triesMax: 3 } });
    await expect(ask('deploy api env=dev image-tag=v2')).rejects.toMatchObject({ code: 'conflict' });
    expect(repository.show(FILE)).toContain('newTag: v1 ');
  });

  test('what the server refuses is not tried again, and its words are told', async () => {
    const { repository, config } = await world(transport);
    let checks = 0;
    const { ask } = botOf({ config, root, engine: { check: async () => void checks++ } });
    repository.hook('pre-receive', 'echo "main is protected" >&2; exit 1');
    await expect(ask('deploy api env=dev image-tag=v2')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/pre-receive hook declined.*main is protected/),
    });
    expect(checks).toBe(1);
    repository.hook('pre-receive', 'exit 0');
    expect((await ask('deploy api env=dev image-tag=v3')).state).toBe('done');
    expect(repository.log()).toHaveLength(2);
  });

  test('after history was rewritten it goes on from what is there', async () => {
    const { repository, config } = await world(transport);
    const { ask } = botOf({ config, root });
    await ask('deploy api env=dev image-tag=v2');
    repository.rewritten();
    await ask('deploy api env=dev image-tag=v3');
    expect(repository.log()).toEqual(['deploy(api/dev): deployed by +ann', 'history is rewritten']);
  });

  test('50 commands at once are 50 commits, whatever others push meanwhile', {
    timeout: 300_000,
  }, async () => {
    const { repository, config } = await world(transport);
    const many = 50;
    let checks = 0;
    const check = async () => {
      checks += 1;
      if (checks % (many / 2 - 1) === 0) repository.pushed();
    };
    const { ask } = botOf({ config, root, engine: { check } });
    const tags = Array.from({ length: many }, (_, at) => `t${at}x`);
    const replies = await Promise.all(tags.map((tag) => ask(`deploy api env=dev image-tag=${tag}`)));
    const commits = replies.map(({ commit }) => commit);
    expect(new Set(commits).size).toBe(many);
    const ours = repository.log('%H %s').filter((line) => line.includes('deploy('));
    expect(ours.map((line) => line.split(' ')[0]).reverse()).toEqual(commits);
    expect(repository.log().filter((line) => line.startsWith('somebody')).length).toBeGreaterThanOrEqual(2);
    const lines = repository.git('log', '-p', '--unified=0', '--format=', 'main', '--', FILE).split('\n');
    const set = lines.flatMap((line) => /^\+ {2}newTag: (t\w+) /.exec(line)?.[1] ?? []).reverse();
    expect(set).toEqual(tags);
  });

  test('two bots on one repository lose races to each other, and nothing else', {
    timeout: 120_000,
  }, async () => {
    const { repository, config } = await world(transport);
    const ways = { sleep: (ms: number) => sleep(ms), random: Math.random, triesMax: 200 };
    const bots = [botOf({ config, root, engine: ways }), botOf({ config, root, engine: ways })];
    const asked = bots.flatMap(({ ask }, of) =>
      [1, 2, 3, 4].map((at) => ask(`deploy api env=dev image-tag=b${of}-${at}`)),
    );
    const replies = await Promise.all(asked);
    expect(repository.log('%H').slice(0, -1).sort()).toEqual(
      replies.map(({ commit }) => commit ?? '').sort(),
    );
  });
});

test('a push whose answer is lost is not made twice', async () => {
  const { repository, config } = await world('smart HTTP');
  const { ask } = botOf({ config, root });
  await ask('deploy api env=dev image-tag=v2');
  http.loseAnswers(1);
  const reply = await ask('deploy api env=dev image-tag=v3');
  expect(reply).toMatchObject({ state: 'done', commit: repository.log('%H')[0] });
  expect(repository.log()).toHaveLength(3);
});

test('a wrong token is told as such, and not shown', async () => {
  const { config } = await world('smart HTTP');
  writeFileSync(join(root, 'wrong'), 'not-the-token');
  const git = { ...config.git, httpTokenPath: join(root, 'wrong') };
  const { ask } = botOf({ config: { ...config, git }, root });
  const error = await ask('deploy api env=dev image-tag=v2').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'denied' });
  expect(String(error)).not.toContain('not-the-token');
});

test('a clone that somebody broke is made anew', async () => {
  const { repository, config } = await world('file');
  const folder = join(root, 'broken-clone');
  const { ask } = botOf({ config, root, engine: { folder } });
  await ask('deploy api env=dev image-tag=v2');
  rmSync(join(folder, '.git', 'objects'), { recursive: true, force: true });
  writeFileSync(join(folder, '.git', 'index.lock'), '');
  await ask('deploy api env=dev image-tag=v3');
  expect(repository.log()).toHaveLength(3);
});

test('what a killed process left in the clone is not in the way', async () => {
  const { repository, config } = await world('file');
  const folder = join(root, 'left-clone');
  await botOf({ config, root, engine: { folder } }).ask('deploy api env=dev image-tag=v2');
  for (const name of ['index.lock', 'HEAD.lock', 'shallow.lock'])
    writeFileSync(join(folder, '.git', name), '');
  writeFileSync(join(folder, 'api/overlays/dev/kustomization.yaml'), 'half a fi');
  writeFileSync(join(folder, 'untracked'), 'x');
  await botOf({ config, root, engine: { folder } }).ask('deploy api env=dev image-tag=v3');
  expect(repository.log()).toHaveLength(3);
  expect(repository.git('ls-tree', '--name-only', 'main')).not.toContain('untracked');
});
