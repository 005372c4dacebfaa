import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fetched } from '../../pipeline/cache/contract.ts';
import { BUGZILLA_KEY, type Kitchen, loadText, openKitchen } from '../support/cache-providers.ts';

let kitchen: Kitchen;
beforeEach(async () => {
  kitchen = await openKitchen();
});
afterEach(() => kitchen.close());

const listOf = (fetched: Fetched | undefined) => {
  if (fetched?.kind !== 'value') throw new Error(`no value but ${JSON.stringify(fetched)}`);
  return fetched.value as readonly Record<string, unknown>[];
};

describe('pages', () => {
  test('are followed to the end, each once', async () => {
    await kitchen.fetch('bodhi_updates');
    const pages = kitchen.upstreams
      .log('bodhi')
      .map((url) => new URLSearchParams(url.split('?')[1]).get('page'));
    expect(pages.sort()).toEqual(['1', '2', '3']);
  });

  test('of pull requests too, with the flags of each', async () => {
    const names = ['kernel', 'gtk4', 'bash', 'vim', 'git', 'curl', 'nginx'];
    const counts = [];
    for (const name of names) counts.push(listOf(await kitchen.fetch('package_prs', name)).length);
    // The server gives four at once.
    expect(Math.max(...counts)).toBeGreaterThan(4);
    const flags = kitchen.upstreams.log('src').filter((url) => url.endsWith('/flag'));
    expect(flags).toHaveLength(counts.reduce((sum, count) => sum + count, 0));
  });

  test('an upstream without end is not followed for ever', async () => {
    kitchen.upstreams.trouble('bodhi', { body: '{"updates": [], "pages": 1000000}' });
    await expect(kitchen.fetch('bodhi_updates')).rejects.toMatchObject({ code: 'too-large' });
    expect(kitchen.upstreams.requests('bodhi')).toBe(1);
  });
});

describe('what has not changed', () => {
  test.each(['koschei_data', 'orphans', 'package_versions_generic'])('is said so: %s', async (name) => {
    await kitchen.fetch('fedora_releases');
    expect((await kitchen.fetch(name)).kind).toBe('value');
    expect((await kitchen.fetch(name)).kind).toBe('unchanged');
  });

  test('is no answer when another release has become Rawhide', async () => {
    await kitchen.fetch('fedora_releases');
    await kitchen.fetch('koschei_data');
    const fedora = {
      values: [42, 43, 44, 45],
      stable: 43,
      branched: 44,
      branched_frozen: false,
      rawhide: 45,
    };
    kitchen.values.set('fedora_releases', new Map([['', { fedora, epel: [] }]]));
    const after = await kitchen.fetch('koschei_data');
    expect(JSON.stringify(after)).toContain('Fedora 44');
  });

  test('of two documents both are asked; when one changed, both are read', async () => {
    await kitchen.fetch('packages_owners_json');
    expect((await kitchen.fetch('packages_owners_json')).kind).toBe('unchanged');
    expect(kitchen.upstreams.requests('src')).toBe(4);
    kitchen.upstreams.change('src');
    const after = await kitchen.fetch('packages_owners_json');
    expect(JSON.stringify(after)).toContain('new-package-1');
    expect(JSON.stringify(after)).toContain('"main":"');
    expect(kitchen.upstreams.requests('src')).toBe(7);
  });

  test('of the last good build is kept when a package fails', async () => {
    await kitchen.fetch('koschei_data');
    const name = 'python-flask';
    const before = kitchen.read('koschei_data', '') as Record<
      string,
      { status: string; last_success: unknown }[]
    >;
    kitchen.upstreams.change('koschei');
    await kitchen.fetch('koschei_data');
    const after = kitchen.read('koschei_data', '') as typeof before;
    const good = before[name]?.findIndex(
      ({ status, last_success }) => status === 'ok' && last_success !== null,
    );
    expect(good).toBeGreaterThanOrEqual(0);
    expect(after[name]?.[good ?? 0]?.status).not.toBe('ok');
    expect(after[name]?.[good ?? 0]?.last_success).toEqual(before[name]?.[good ?? 0]?.last_success);
  });
});

describe('bugs', () => {
  const KEYS = ['kernel', 'gtk4', 'bash', 'vim', 'git', 'curl', 'nginx', 'glibc', 'gcc', 'emacs'];

  test('of many packages are asked for at once, and all pages of them', async () => {
    const found = await kitchen.fetchMany('package_bugs', KEYS);
    expect([...found.keys()]).toEqual(KEYS);
    const count = [...found.values()].reduce((sum, one) => sum + listOf(one).length, 0);
    // The server gives twenty at once.
    expect(count).toBeGreaterThan(20);
    expect(kitchen.upstreams.requests('bugzilla')).toBeLessThanOrEqual(Math.ceil(count / 20) + 1);
  });

  test('that are private are with the key only, and the public ones never are among them', async () => {
    const open = [...(await kitchen.fetchMany('package_bugs', KEYS)).values()].flatMap(listOf);
    const sealed = [...(await kitchen.fetchMany('package_private_bugs', KEYS)).values()].flatMap(listOf);
    expect(sealed.length).toBeGreaterThan(0);
    expect(open.every((bug) => bug.private === false)).toBe(true);
    expect(sealed.every((bug) => bug.private === true)).toBe(true);
    expect(kitchen.upstreams.log('bugzilla').join()).not.toContain(BUGZILLA_KEY);
  });

  test('that a server shows by mistake to everybody are not kept as public', async () => {
    const bug = { id: 7, summary: 'secret', status: 'NEW', component: 'vim', groups: ['security'] };
    const strange = { ...bug, id: 8, groups: 'security' };
    const fine = { ...bug, id: 9, groups: [] };
    kitchen.upstreams.trouble('bugzilla', { body: JSON.stringify({ bugs: [bug, strange, fine] }) });
    const found = await kitchen.fetchMany('package_bugs', ['vim']);
    expect(listOf(found.get('vim')).map(({ bug_id }) => bug_id)).toEqual([9]);
  });

  test('private ones are off without the secret', async () => {
    const { providers } = await loadText('fedora: {upstreams: {bugzilla: "https://bugzilla.example.org"}}\n');
    expect(providers.map(({ name }) => name)).toEqual(['health_check', 'package_bugs']);
  });
});

describe('upstreams that are not there', () => {
  test('leave out what needs them, and nothing depends on it', async () => {
    const { providers } = await loadText('fedora: {upstreams: {src: "https://src.example.org"}}\n');
    expect(providers.map(({ name }) => name)).toEqual([
      ...['pagure_groups', 'packages_owners_json', 'health_check', 'package_static', 'user_packages'],
      ...[
        'group_packages',
        'all_fedora_packages',
        'all_fedora_packagers',
        'all_fedora_groups',
        'package_prs',
      ],
    ]);
    const names = new Set(providers.map(({ name }) => name));
    expect(providers.flatMap(({ dependsOn }) => dependsOn).filter((name) => !names.has(name))).toEqual([]);
  });

  test('an unknown package is absent, not an error', async () => {
    expect((await kitchen.fetch('package_prs', 'no-such-package')).kind).toBe('absent');
  });

  test('a key with a slash or dots stays one part of the path', async () => {
    await kitchen.fetch('package_prs', '../../extras/pagure_poc.json?');
    expect(kitchen.upstreams.log('src')[0]).toMatch(/^\/api\/0\/rpms\/\.\.%2F\.\.%2Fextras%2F/);
  });

  test('what was derived before its owners are known says what is missing', () => {
    expect(() => [...(kitchen.derive('package_static') ?? [])]).toThrow(/owners/);
  });

  test('a block of which nothing is cached is named as missing', async () => {
    await kitchen.fetch('packages_owners_json');
    const block = kitchen.derive('package_static').get('gtk4');
    expect(block).toMatchObject({ updates: [], missing: expect.arrayContaining(['updates', 'koschei']) });
  });
});

test('versions come package by package from an mdapi', async () => {
  const other = await openKitchen((yaml) => yaml.replace('/versions.json', ''));
  try {
    await other.fetch('fedora_releases');
    const fetched = await other.fetch('package_versions_generic', 'gtk4');
    expect(fetched).toMatchObject({ kind: 'value' });
    expect(Object.keys(listOf(fetched))).toEqual(['Fedora Rawhide', 'Fedora 41', 'Fedora 42', 'Fedora 43']);
    expect((await other.fetch('package_versions_generic', 'no-such-package')).kind).toBe('absent');
    await other.fetch('packages_owners_json');
    expect(other.derive('package_static').get('gtk4')).toMatchObject({
      package_versions: { 'Fedora 43': { stable: null, testing: expect.stringContaining('gtk4-') } },
    });
  } finally {
    await other.close();
  }
});
