import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fetched, Json } from '../../pipeline/cache/contract.ts';
import { type Kitchen, openKitchen } from '../support/cache-providers.ts';

let kitchen: Kitchen;
beforeAll(async () => {
  kitchen = await openKitchen();
  await kitchen.warm();
});
afterAll(() => kitchen.close());

/** UPDATE_GOLDEN=1 writes what is now; then `npx biome check --write test/golden/cache`. */
function matchesGolden(name: string, value: Json | undefined): void {
  const file = new URL(`../golden/cache/${name}.json`, import.meta.url);
  // Upstreams have another port each time.
  const text = JSON.stringify(value ?? null).replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'http://upstream');
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, `${text}\n`);
  expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
}

const gotOf = (fetched: Fetched | undefined) => {
  if (fetched?.kind !== 'value') throw new Error(`no value but ${JSON.stringify(fetched)}`);
  return fetched;
};

const SINGLES = [
  ...['fedora_releases', 'bodhi_updates', 'bodhi_overrides', 'package_versions_generic', 'pagure_groups'],
  ...['koschei_data', 'packages_owners_json', 'orphans', 'calendars', 'schedule'],
  ...['all_fedora_packages', 'all_fedora_packagers', 'all_fedora_groups'],
];

describe('what is made of the recorded upstreams', () => {
  test.each(SINGLES)('%s is as it was, and fits its schema', (name) => {
    const value = kitchen.read(name, '');
    expect(kitchen.misfit(name, value ?? null)).toBeUndefined();
    matchesGolden(name, value);
  });

  test.each([
    ['package_static', ['gtk4', 'kernel', 'constructor', 'python-flask']],
    ['user_packages', ['adamova', 'orphan']],
    ['group_packages', ['python-sig', 'gnome-sig']],
  ])('%s is as it was, and fits its schema', (name, keys) => {
    const all = kitchen.values.get(name) ?? new Map<string, Json>();
    for (const [key, value] of all) expect(kitchen.misfit(name, value), key).toBeUndefined();
    matchesGolden(name, Object.fromEntries(keys.map((key) => [key, all.get(key) ?? null])));
  });

  test.each([
    ['package_prs', 'gtk4'],
    ['abrt_issues', 'kernel'],
    ['abrt_issues', 'gtk4'],
  ])('%s of %s is as it was, and fits its schema', async (name, key) => {
    const { value } = gotOf(await kitchen.fetch(name, key));
    expect(kitchen.misfit(name, value)).toBeUndefined();
    matchesGolden(`${name}-${key}`, value);
  });

  test('bugs of many packages are as they were, and fit their schema', async () => {
    const found = await kitchen.fetchMany('package_bugs', [
      'kernel',
      'gtk4',
      'constructor',
      'no-such-package',
    ]);
    const values = [...found].map(([key, fetched]) => [key, gotOf(fetched).value] as const);
    for (const [, value] of values) expect(kitchen.misfit('package_bugs', value)).toBeUndefined();
    matchesGolden('package_bugs', Object.fromEntries(values));
  });

  test('the order of the list is the order of warming', () => {
    expect([...kitchen.providers.keys()].slice(0, 7)).toEqual([
      ...['fedora_releases', 'bodhi_updates', 'bodhi_overrides', 'package_versions_generic'],
      ...['pagure_groups', 'koschei_data', 'packages_owners_json'],
    ]);
    const seen = new Set<string>();
    for (const { name, dependsOn } of kitchen.providers.values()) {
      for (const source of dependsOn) expect(seen, `${source} before ${name}`).toContain(source);
      seen.add(name);
    }
  });
});

describe('strangers names and broken items', () => {
  test.each(['bodhi_updates', 'packages_owners_json', 'koschei_data', 'pagure_groups', 'orphans'])(
    '%s leaves out what does not fit, and counts it',
    async (name) => {
      const other = await openKitchen();
      try {
        expect(gotOf(await other.fetch(name)).leftOut).toBeGreaterThan(0);
      } finally {
        await other.close();
      }
    },
  );

  test('nothing of theirs is in any value', () => {
    const all = JSON.stringify([...kitchen.values].map(([name, entries]) => [name, [...entries]]));
    for (const bad of ['__proto__', 'mallory', 'javascript:', 'x'.repeat(3000)])
      expect(all).not.toContain(bad);
  });

  test('a package may be called constructor', () => {
    const block = kitchen.read('package_static', 'constructor') as { maintainers: { users: string[] } };
    expect(block.maintainers.users.length).toBeGreaterThan(0);
    expect(kitchen.read('package_static', 'toString')).toBeUndefined();
  });

  test.each([
    ['not JSON', '<html>'],
    ['a list', '[1, 2]'],
    ['null', 'null'],
    ['a text', '"hello"'],
    ['other members', '{"releases": 3, "updates": {}, "rpms": [], "status_change": 1}'],
  ])('an answer that is %s is refused and changes nothing', async (_, body) => {
    const other = await openKitchen();
    try {
      for (const host of Object.keys(other.upstreams.urls)) other.upstreams.trouble(host, { body });
      // The schedule first wants releases.
      other.values.set('fedora_releases', new Map([['', kitchen.read('fedora_releases', '') ?? null]]));
      for (const { name, kind } of other.providers.values()) {
        if (kind !== 'single' || name.startsWith('koschei_failing')) continue;
        await expect(other.fetch(name), name).rejects.toMatchObject({ code: 'malformed' });
      }
      await expect(other.fetch('package_prs', 'gtk4')).rejects.toMatchObject({ code: 'malformed' });
      await expect(other.fetch('abrt_issues', 'gtk4')).rejects.toMatchObject({ code: 'malformed' });
      await expect(other.fetchMany('package_bugs', ['gtk4'])).rejects.toMatchObject({ code: 'malformed' });
    } finally {
      await other.close();
    }
  });
});
