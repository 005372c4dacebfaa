import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import type { Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { missingShards } from '../../pipeline/emit/shard-manifest.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { type BigQueryFake, startBigQueryFake } from '../support/bigquery-fake.ts';
import { startGcsServer } from '../support/gcs-server.ts';
import { folderBucket, load, ROOT, tableRows, write, writtenLines } from '../support/shards.ts';
import { addRow, NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
// Many small files, each synced: on a busy disk that takes its time.
vi.setConfig({ testTimeout: 120_000 });
const DAY_MS = 86_400_000;
let count = 0;
let fake: BigQueryFake;
beforeAll(async () => {
  fake = await startBigQueryFake();
});
afterAll(() => fake.stop());

type Kind = 'duckdb' | 'bigquery';

async function openOf(kind: Kind, folder: string): Promise<Warehouse> {
  const url = kind === 'duckdb' ? `duckdb:${join(folder, 'w.duckdb')}` : `bigquery:fake-project:fake`;
  const warehouse = await openWarehouse(url, {
    timeoutMs: 10_000,
    loadTimeoutMs: 20_000,
    endpoint: fake.endpoint,
  });
  onTestFinished(() => warehouse.close());
  return warehouse;
}

/** A place of its own: a bucket, a warehouse with the table, and a loader's database. */
async function setUp(kind: Kind = 'duckdb') {
  count += 1;
  const folder = join(temp, `place-${count}`);
  const bucket = folderBucket(folder);
  const warehouse = await openOf(kind, folder);
  const place = { folder, bucket, warehouse, store: testStore(temp) };
  return { ...place, load: (options = {}) => load(place, options), rows: () => tableRows(warehouse) };
}

const BUILDS = Array.from({ length: 40 }, (_, at) => ({
  job: `ci-${at % 3}`,
  build: snowflakeAt(NOW_MS - 20 * DAY_MS + Math.floor(at / 3) * DAY_MS + at * 60_000),
  finishedAt: Math.floor((NOW_MS - 20 * DAY_MS + Math.floor(at / 3) * DAY_MS) / 1000) + at,
}));

/** A shard's database: these builds, looked at at a time. */
async function collected(note: string, builds = BUILDS, checkedMs = NOW_MS): Promise<Store> {
  const store = testStore(temp, () => checkedMs);
  for (const { job, build, finishedAt } of builds) {
    const path = `${ROOT}${job}/${build}`;
    await addRow(
      store,
      { job, build, path, finishedAt },
      `${JSON.stringify({ path, finished: finishedAt, note })}\n`,
    );
  }
  return store;
}

const expected = (note: string, builds = BUILDS) =>
  builds.map(({ job, build }) => `${job}/${build} ${note}`).sort();

async function writeAll(store: Store, bucket: Parameters<typeof write>[1], shards: number): Promise<void> {
  for (let index = 0; index < shards; index += 1) await write(store, bucket, { index, count: shards });
}

describe('what shards write', () => {
  it('is together what one alone writes, byte by byte of the lines, by the days of the rows', async () => {
    const store = await collected('a');
    const alone = folderBucket(join(temp, 'alone'));
    await writeAll(store, alone, 1);
    const wanted = await writtenLines(alone, 'out/');
    expect(wanted).toHaveLength(BUILDS.length);
    for (const shards of [2, 4, 8]) {
      const bucket = folderBucket(join(temp, `of-${shards}`));
      await writeAll(store, bucket, shards);
      expect(await writtenLines(bucket, 'out/')).toEqual(wanted);
    }
    const { manifest } = await write(store, alone, { index: 0, count: 1 });
    expect(new Set(manifest.files.map(({ day }) => day)).size).toBe(14);
    expect(manifest.files.every(({ first, last }) => first.startsWith(ROOT) && last.startsWith(ROOT))).toBe(
      true,
    );
  });

  it('is the same files when it is run again, and what was damaged is mended', async () => {
    const store = await collected('a');
    const { bucket, folder } = await setUp();
    const first = await write(store, bucket, { index: 0, count: 1 });
    const again = await write(store, bucket, { index: 0, count: 1 });
    expect(again.manifest.files).toEqual(first.manifest.files);
    expect(again.reused).toBe(first.manifest.files.length);
    const lines = await writtenLines(bucket, 'out/');
    writeFileSync(join(folder, 'out/all', first.manifest.files[0]?.name ?? ''), 'damaged');
    const mended = await write(store, bucket, { index: 0, count: 1 });
    expect(mended.reused).toBe(first.manifest.files.length - 1);
    expect(await writtenLines(bucket, 'out/')).toEqual(lines);
  });

  it('is split where a day is large, and still all there', async () => {
    const store = await collected('a');
    const { bucket } = await setUp();
    const { manifest } = await write(store, bucket, { index: 0, count: 1 }, { fileBytesMax: 100 });
    expect(manifest.files.length).toBeGreaterThan(14);
    expect(await writtenLines(bucket, 'out/')).toHaveLength(BUILDS.length);
  });

  it('goes by the day of the partition, whatever order the rows are in', async () => {
    const store = testStore(temp);
    for (const [at, days] of [3, 0, 9, 5, 1, 7, 0, 3].entries()) {
      const { job, build, finishedAt } = {
        ...BUILDS[at],
        finishedAt: NOW_MS / 1000 + at,
      } as (typeof BUILDS)[0];
      const path = `${ROOT}${job}/${build}`;
      const head = `{"finished":${finishedAt},"path":"${path}","started":${NOW_MS / 1000 - days * 86_400},"test":[`;
      const { id } = await addRow(store, { job, build, path, finishedAt }, `${head}]}\n`);
      const row = store.rows.get(id);
      if (row !== undefined) store.rows.put({ ...row, testsStart: head.length, testsEnd: head.length });
    }
    const { bucket } = await setUp();
    const { manifest } = await write(store, bucket, { index: 0, count: 1 }, { partition: 'started' });
    const days = manifest.files.map(({ day, rows }) => `${day} ${rows}`).sort();
    expect(new Set(days.map((text) => text.slice(0, 10)))).toEqual(
      new Set([0, 1, 3, 5, 7, 9].map((ago) => new Date(NOW_MS - ago * DAY_MS).toISOString().slice(0, 10))),
    );
    expect(manifest.rows).toBe(8);
  });

  it('stays complete when a later run is not', async () => {
    const store = await collected('a');
    const { bucket } = await setUp();
    const shard = { index: 0, count: 1 };
    expect((await write(store, bucket, shard, { complete: false })).replaced).toBe(true);
    expect((await write(store, bucket, shard, { complete: true })).replaced).toBe(true);
    expect((await write(store, bucket, shard, { complete: false })).replaced).toBe(false);
  });
});

describe.each<Kind>(['duckdb', 'bigquery'])('loading what shards wrote, on %s', (kind) => {
  it('has each row once, however the whole was divided and however often it is loaded', async () => {
    const place = await setUp(kind);
    const store = await collected(`${kind} once`);
    await writeAll(store, place.bucket, 4);
    await writeAll(store, place.bucket, 8);
    const first = await place.load({ loadBytesMax: 600 });
    expect(first).toMatchObject({ rows: BUILDS.length, problems: [] });
    expect(first.present).toBeGreaterThan(0);
    expect(first.loads).toBeGreaterThan(2);
    expect(await place.load()).toMatchObject({ rows: 0, loads: 0, present: BUILDS.length + first.present });
    expect((await place.rows()).filter((row) => row.endsWith(`${kind} once`))).toEqual(
      expected(`${kind} once`),
    );
  });

  it('takes the newer version of a row, in whatever order manifests come, and never goes back', async () => {
    const place = await setUp(kind);
    const builds = BUILDS.map((one) => ({ ...one, job: `${kind}-${one.job}` }));
    const newer = await collected('newer', builds.slice(0, 12), NOW_MS + 1000);
    const older = await collected('older', builds, NOW_MS);
    await writeAll(newer, place.bucket, 4);
    await writeAll(older, place.bucket, 2);
    await place.load();
    const own = async () => (await place.rows()).filter((row) => row.startsWith(kind));
    const wanted = [...expected('newer', builds.slice(0, 12)), ...expected('older', builds.slice(12))].sort();
    expect(await own()).toEqual(wanted);
    expect(await place.load()).toMatchObject({ rows: 0, older: 12 });
    const newest = await collected('newest', builds.slice(5, 7), NOW_MS + 2000);
    await writeAll(newest, place.bucket, 1);
    expect(await place.load()).toMatchObject({ rows: 2 });
    expect((await own()).filter((row) => row.endsWith('newest'))).toHaveLength(2);
    expect(await own()).toHaveLength(BUILDS.length);
  });
});

describe('a bucket of Cloud Storage', () => {
  it('takes each file once and gives it to the load', async () => {
    const gcs = await startGcsServer();
    onTestFinished(() => gcs.close());
    gcs.put('out/other', 'a bucket is there once something is in it');
    const bucket = openBucket('gs://out', { timeoutMs: 10_000, connections: 4, endpoint: gcs.endpoint });
    onTestFinished(() => bucket.close());
    const place = await setUp();
    const store = await collected('cloud');
    await writeAll(store, bucket, 2);
    const { reused, manifest } = await write(store, bucket, { index: 0, count: 2 });
    expect(reused).toBe(manifest.files.length);
    expect(await load({ ...place, bucket })).toMatchObject({ rows: BUILDS.length, problems: [] });
    expect(await place.rows()).toEqual(expected('cloud'));
  });
});

describe('a load of manifests', () => {
  it('says in a dry run what it would do, and does nothing', async () => {
    const place = await setUp();
    await writeAll(await collected('a'), place.bucket, 2);
    expect(await place.load({ dryRun: true })).toMatchObject({ rows: BUILDS.length, loads: 0 });
    expect(place.store.builds.counts().builds).toBe(0);
    await expect(place.rows()).rejects.toThrow(/all/);
  });

  it('names a file that is damaged or gone and loads the others; a shard run again mends it', async () => {
    const place = await setUp();
    const store = await collected('a');
    const { manifest } = await write(store, place.bucket, { index: 0, count: 1 });
    const [damaged, gone, noIndex] = manifest.files.map(({ name }) => name);
    writeFileSync(join(place.folder, 'out/all', damaged ?? ''), 'damaged');
    rmSync(join(place.folder, 'out/all', gone ?? ''));
    rmSync(join(place.folder, 'out/all', manifest.files[2]?.index.name ?? ''));
    const { problems, rows } = await place.load();
    expect(problems).toHaveLength(3);
    expect(problems.join('\n')).toContain(`${damaged} is not the file its manifest describes`);
    expect(problems.join('\n')).toContain(`${gone} is not there`);
    expect(problems.join('\n')).toContain(`${noIndex?.slice(0, 40)}`);
    const missing = manifest.files.slice(0, 3).reduce((sum, file) => sum + file.rows, 0);
    expect(rows).toBe(BUILDS.length - missing);
    await write(store, place.bucket, { index: 0, count: 1 });
    expect(await place.load()).toMatchObject({ rows: missing, problems: [] });
    expect(await place.rows()).toEqual(expected('a'));
  });

  it('leaves to a database what it has read itself', async () => {
    const place = await setUp();
    const own = BUILDS[0];
    const store = await collected('theirs');
    await writeAll(store, place.bucket, 1);
    const loader = await collected('ours', own === undefined ? [] : [own]);
    expect(await load({ ...place, store: loader })).toMatchObject({ rows: BUILDS.length - 1, own: 1 });
  });

  it('takes nothing for known that did not get into the table', async () => {
    const place = await setUp();
    await writeAll(await collected('a'), place.bucket, 1);
    let refused = true;
    const warehouse: Warehouse = {
      ...place.warehouse,
      load: (request, options) => {
        if (refused) return Promise.reject(new Error('refused for good'));
        return place.warehouse.load(request, options);
      },
      loadState: async () => ({ state: 'unknown' }),
    };
    await expect(load({ ...place, warehouse })).rejects.toThrow(/refused for good/);
    expect(place.store.builds.counts().builds).toBe(0);
    refused = false;
    expect(await load({ ...place, warehouse })).toMatchObject({ rows: BUILDS.length });
    expect(await place.rows()).toEqual(expected('a'));
  });
});

it('shards that have no complete manifest are named, unless another division is whole', async () => {
  const store = await collected('a', BUILDS.slice(0, 3));
  const { bucket } = await setUp();
  const manifest = async (index: number, shards: number, complete = true) => ({
    name: '',
    manifest: (await write(store, bucket, { index, count: shards }, { complete })).manifest,
  });
  const halves = [await manifest(0, 2), await manifest(1, 2, false)];
  expect(missingShards(halves)).toEqual(['all: 1 of 2']);
  expect(missingShards([...halves, await manifest(0, 1)])).toEqual([]);
  expect(missingShards([await manifest(2, 3)])).toEqual(['all: 0 of 3', 'all: 1 of 3']);
});
