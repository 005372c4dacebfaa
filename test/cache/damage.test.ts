import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrateEntries } from '../../pipeline/cache/check.ts';
import type { Json } from '../../pipeline/cache/contract.ts';
import { randomFor } from '../../pipeline/demo/random.ts';
import { openCacheStore } from '../../pipeline/store/cache.ts';
import { tempFolder } from '../support/temp.ts';
import { derived, got, keyed, openPlace, single } from './place.ts';

const TEXTS = { type: 'array', items: { type: 'string' } } as const;

/** A cache whose entry was stored as a list of texts, opened by a version that wants a mapping. */
async function ofOldVersion(migrate?: (value: Json, version: number) => Json | undefined, schema = MAPPING) {
  const file = join(tempFolder(), 'cache.db');
  const before = openPlace([single('list', async () => got(['a', 'b'], { etag: 'v1' }), { schema: TEXTS })], {
    file,
  });
  before.cache.want('list', '', 'waiting');
  await before.work();
  before.close();
  const seen: unknown[] = [];
  const fetch = async ({ previous }: { previous?: { value: Json; etag?: string } }) => {
    seen.push(previous?.etag);
    return previous?.etag === undefined ? got({ names: ['new'] }) : ({ kind: 'unchanged' } as const);
  };
  const provider = single('list', fetch, { schema, version: 2, ...(migrate && { migrate }) });
  return { ...openPlace([provider], { file, clock: before.clock }), seen };
}

const MAPPING: Record<string, unknown> = { type: 'object', required: ['names'] };
const intoNames = (value: Json) => ({ names: value });

test('a value of an older version is read in the new shape, and stored so once it is looked at', async () => {
  const place = await ofOldVersion(intoNames);
  expect(place.cache.read('list', '')).toMatchObject({ state: 'fresh', json: '{"names":["a","b"]}' });
  place.cache.want('list', '', 'manual');
  await place.work();
  expect(place.seen).toEqual(['v1']);
  expect(place.store.cache.entries.get('list', '')).toMatchObject({
    version: 2,
    value: '{"names":["a","b"]}',
  });
});

test('one that cannot be migrated is stale if it still fits, else missing; and fetched whole', async () => {
  const fits = await ofOldVersion(undefined, {});
  expect(fits.cache.read('list', '')).toMatchObject({ state: 'stale', json: '["a","b"]' });
  for (const migrate of [
    () => undefined,
    () => ({ wrong: 1 }),
    () => {
      throw new Error('cannot');
    },
  ]) {
    const place = await ofOldVersion(migrate);
    expect(place.cache.read('list', '')).toMatchObject({ state: 'missing', json: undefined });
    expect(place.cache.want('list', '', 'waiting')).toBe(true);
    await place.work();
    expect(place.seen).toEqual([undefined]);
    expect(place.cache.read('list', '')).toMatchObject({ state: 'fresh', json: '{"names":["new"]}' });
  }
});

test('all entries can be migrated at once', async () => {
  const place = await ofOldVersion(intoNames);
  const expected = [{ provider: 'list', migrated: 1, stale: 0 }];
  expect(await migrateEntries(place.parts, { dryRun: true })).toEqual(expected);
  expect(await migrateEntries(place.parts, { dryRun: false })).toEqual(expected);
  expect(await migrateEntries(place.parts, { dryRun: false })).toEqual([]);
  const other = await ofOldVersion();
  expect(await migrateEntries(other.parts, { dryRun: false })).toEqual([
    { provider: 'list', migrated: 0, stale: 1 },
  ]);
  expect(other.cache.jobs()).toHaveLength(1);
});

test.each([
  ['cut text', "'[\"a'"],
  ['other text', "'[]'"],
  ['bytes', "x'00ff'"],
  ['a number', '5'],
])('a damaged value (%s) is missing, and fetched anew', async (_, sql) => {
  const file = join(tempFolder(), 'cache.db');
  const large = Array.from({ length: 4000 }, (_, at) => `package-${at}`);
  const place = openPlace(
    [
      keyed('bugs', async () => got(['a'], { etag: 'v1' })),
      keyed('large', async () => got(large)),
      derived('parts', ['one'], () => [{ key: 'k', value: 1 }]),
      single('one', async () => got(1)),
    ],
    { file },
  );
  for (const name of ['bugs', 'large']) place.cache.want(name, 'k', 'waiting');
  place.cache.want('one', '', 'waiting');
  await place.work();
  const db = new Database(file);
  db.exec(`UPDATE cache_entry SET value = ${sql}`);
  db.close();
  for (const name of ['bugs', 'large', 'parts']) expect(place.cache.read(name, 'k').json).toBeUndefined();
  expect(place.cache.read('one', '').json).toBeUndefined();
  expect(place.notices.join()).toContain('damaged');
  await place.work();
  expect(place.cache.read('bugs', 'k')).toMatchObject({ state: 'fresh', json: '["a"]' });
  expect(place.cache.read('large', 'k').json).toBe(JSON.stringify(large));
  expect(place.cache.read('parts', 'k')).toMatchObject({ state: 'fresh', json: '1' });
});

test('on a full disk a job fails with that, and the old value stays', async () => {
  const file = join(tempFolder(), 'cache.db');
  openPlace([], { file }).close();
  const db = new Database(file);
  let value = 'small';
  const place = openPlace([single('list', async () => got(value))], { store: { cache: openCacheStore(db) } });
  const refresh = async () => {
    place.cache.want('list', '', 'manual');
    await place.work();
  };
  await refresh();
  value = randomFor('text').hex(400_000);
  const pages = Number(db.pragma('page_count', { simple: true }));
  db.pragma(`max_page_count = ${pages + 4}`);
  await refresh();
  expect(place.cache.read('list', '')).toMatchObject({ json: '"small"', error: { code: 'storage' } });
  expect(place.cache.jobs()).toMatchObject([{ state: 'failed', attempt: 1 }]);
  expect(place.notices.join()).toContain('cannot write');
  db.pragma('max_page_count = 1000000');
  await refresh();
  expect(place.cache.read('list', '').json).toBe(JSON.stringify(value));
  db.close();
});
