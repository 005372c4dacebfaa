import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json, Provider } from '../../pipeline/cache/contract.ts';
import { type Kitchen, loadText, NOW_MS, openHttp, openKitchen } from '../support/cache-providers.ts';

let kitchen: Kitchen;
const client = openHttp();
beforeAll(async () => {
  kitchen = await openKitchen();
});
afterAll(async () => {
  await client.close();
  await kitchen.close();
});

async function one(entry: string, secret: (name: string) => string | undefined = () => undefined) {
  const { providers } = await loadText(`http_json:\n  mine:\n${entry}\n`, { secret });
  return providers[0] as Provider;
}

function fetch(provider: Provider, key: string, previous?: { readonly value: Json; readonly etag: string }) {
  const signal = new AbortController().signal;
  const around = { http: client.http, read: () => undefined, nowMs: NOW_MS, signal, key };
  return provider.fetch?.({ ...around, ...(previous && { previous: { ...previous, fetchedAtMs: 0 } }) });
}

const koschei = () => `    url: ${kitchen.upstreams.urls.koschei}/api/v1/packages`;
const faf = () => `    url: ${kitchen.upstreams.urls.faf}/problems/?component_names={key}`;

describe('a provider by configuration alone', () => {
  test('keeps what its expression takes, and asks whether it changed', async () => {
    const provider = await one(`${koschei()}\n    select: "length([?state == 'ok'])"`);
    const first = await fetch(provider, '');
    expect(first).toMatchObject({ kind: 'value', value: expect.any(Number), etag: expect.any(String) });
    const { etag = '' } = first as { readonly etag?: string };
    expect(await fetch(provider, '', { value: 1, etag })).toEqual({ kind: 'unchanged' });
  });

  test('without an expression keeps the whole answer', async () => {
    const fetched = await fetch(await one(koschei()), '');
    expect(fetched).toMatchObject({ kind: 'value', value: expect.arrayContaining([null]) });
  });

  test('puts its key into the URL as one part, whatever is in it', async () => {
    const provider = await one(faf());
    for (const key of ['a/../b?c=d&e#f %', '$&', 'häß', '\ud800']) {
      await fetch(provider, key);
      const query = new URLSearchParams(kitchen.upstreams.log('faf')[0]?.split('?')[1]);
      expect([...query.keys()]).toEqual(['component_names']);
      expect(query.get('component_names')).toBe(key.toWellFormed());
    }
  });

  test.each(['.', '..', 'x'.repeat(501)])('asks for no key that climbs or is no name: %s', async (key) => {
    const before = kitchen.upstreams.requests('faf');
    expect(await fetch(await one(faf()), key)).toMatchObject({ kind: 'absent' });
    expect(kitchen.upstreams.requests('faf')).toBe(before);
  });

  test('what the expression cannot take is malformed, and what is not there is absent', async () => {
    const provider = await one(`${koschei()}\n    select: "sum(@)"`);
    await expect(fetch(provider, '')).rejects.toMatchObject({ code: 'malformed' });
    const gone = await one(`    url: ${kitchen.upstreams.urls.koschei}/nothing`);
    expect(await fetch(gone, '')).toMatchObject({ kind: 'absent' });
  });

  test('gives a secret header from its secret, and does not begin without', async () => {
    const url = kitchen.upstreams.urls.bugzilla;
    const entry = `    url: ${url}/rest/bug?component=kernel&f1=bug_group\n    select: total_matches\n    secret_headers: {Authorization: MINE}`;
    await expect(one(entry)).rejects.toMatchObject({ code: 'config' });
    const provider = await one(entry, (name) => (name === 'provider:MINE' ? 'Bearer wrong' : undefined));
    expect(await fetch(provider, '')).toMatchObject({ kind: 'value', value: 0 });
  });

  test('its keys are given, another list, or those asked for', async () => {
    expect((await one(`${faf()}\n    keys: [a, b]`)).keys).toEqual({ rule: 'given', keys: ['a', 'b'] });
    expect((await one(faf())).keys).toEqual({ rule: 'seen' });
    expect(kitchen.providers.get('problem_counts')?.kind).toBe('keyed');
  });
});

describe('a wrong file of providers says where and what', () => {
  test.each([
    ['another scheme', 'http_json: {a: {url: "file:///etc/passwd"}}', /url/],
    ['a password in a URL', 'http_json: {a: {url: "https://me:hunter2@example.org/"}}', /url/],
    ['no URL at all', 'http_json: {a: {url: "https://"}}', /url/],
    ['a password in an upstream', 'fedora: {upstreams: {src: "https://me:hunter2@example.org"}}', /src/],
    ['the key in the host', 'http_json: {a: {url: "https://{key}.example.org/"}}', /url/],
    ['an impossible port', 'http_json: {a: {url: "https://example.org:99999/"}}', /url/],
    ['a name that is none', 'http_json: {A-b: {url: "https://example.org/"}}', /A-b/],
    ['a name of Fedora', 'fedora: {}\nhttp_json: {orphans: {url: "https://example.org/"}}', /orphans/],
    ['a broken expression', 'http_json: {a: {url: "https://example.org/", select: "a["}}', /JMESPath/],
    ['keys without their place', 'http_json: {a: {url: "https://example.org/", keys: [b]}}', /\{key\}/],
    ['keys of nobody', 'http_json: {a: {url: "https://example.org/{key}", keys_of: nobody}}', /nobody/],
    ['a time without unit', 'http_json: {a: {url: "https://example.org/", interval: 10}}', /interval/],
    [
      'a provider that there is not',
      'fedora: {providers: {bodhi_updatez: {enabled: false}}}',
      /bodhi_updatez/,
    ],
    ['nothing', 'http_json: {}', /no provider/],
  ])('%s', async (_, text, message) => {
    const wrong = await loadText(`${text}\n`).then(
      () => undefined,
      (cause: unknown) => cause as Error & { code: string },
    );
    expect(wrong).toMatchObject({ code: 'config' });
    expect(wrong?.message).toMatch(message);
    expect(wrong?.message).not.toContain('hunter2');
  });
});
