import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { listAll } from '../../pipeline/backends/bucket/list-all.ts';
import { shardedBucket } from '../../pipeline/collect/shard-list.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { shardOf } from '../../pipeline/records/shard.ts';
import { collect, root, storedRows } from '../support/collect.ts';
import { junitXml, prowFolder } from '../support/prow.ts';
import { folderBucket } from '../support/shards.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
// Many small files, each synced: on a busy disk that takes its time.
vi.setConfig({ testTimeout: 120_000 });
const DAY_MS = 86_400_000;
const PAGE = 10;

/** A real bucket that gives short pages, and counts them. */
function paged(bucket: Bucket) {
  const seen = { pages: 0 };
  const list: Bucket['list'] = (prefix, options) => {
    seen.pages += 1;
    return bucket.list(prefix, { ...options, pageSize: PAGE });
  };
  return { seen, bucket: { ...bucket, list } };
}

async function names(bucket: Bucket, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of listAll(bucket, prefix, { delimited: true }))
    found.push(...page.prefixes.map((name) => name.slice(prefix.length, -1)));
  return found;
}

/** A hot job of twenty builds a day, and among them ids of other kinds. */
function hotJob(folder: string): readonly string[] {
  const daily = Array.from({ length: 400 }, (_, at) =>
    snowflakeAt(NOW_MS - 20 * DAY_MS + (at * DAY_MS) / 20),
  );
  const others = ['1', '12', '1948', '20', '2100', '21166', '21170', '9', '20200722182231', 'run-9', '2117x'];
  const builds = [...daily, ...others];
  const prow = prowFolder(folder);
  for (const build of builds) prow.put(`logs/hot/${build}/finished.json`, '{}');
  return builds.sort();
}

describe('the listing of a job for a shard', () => {
  const folder = join(temp, 'listing');
  const builds = hotJob(folder);
  const url = `file:${folder}/logs/`;
  const owned = (index: number, count: number) =>
    builds.filter((build) => shardOf({ root: url, job: 'hot', build }, count) === index);

  it.each([1, 2, 3, 8])(
    'has every build of the shard, and costs no more than the whole, of %d',
    async (count) => {
      const whole = paged(folderBucket(folder));
      expect([...(await names(whole.bucket, 'logs/hot/'))].sort()).toEqual(builds);
      let pages = 0;
      for (let index = 0; index < count; index += 1) {
        const part = paged(folderBucket(folder));
        const bucket = shardedBucket({ bucket: part.bucket, prefix: 'logs/' }, root(url), { index, count });
        const listed = new Set(await names(bucket, 'logs/hot/'));
        expect(owned(index, count).filter((build) => !listed.has(build))).toEqual([]);
        expect(part.seen.pages).toBeLessThanOrEqual(whole.seen.pages);
        pages += part.seen.pages;
      }
      // Twenty days of two pages each: one page too many for each run of days, not eight listings.
      if (count === 8) expect(pages).toBeLessThan(whole.seen.pages * 4);
    },
  );

  it('passes over pages in a directory of pointers too', async () => {
    const pointers = join(temp, 'pointers');
    const prow = prowFolder(pointers);
    for (let at = 0; at < 200; at += 1)
      prow.put(`pr-logs/directory/pull/${snowflakeAt(NOW_MS - 20 * DAY_MS + (at * DAY_MS) / 10)}.txt`, 'x');
    const pr = root(`file:${pointers}/pr-logs/`, { pr: true });
    const found: string[] = [];
    for (let index = 0; index < 4; index += 1) {
      const part = paged(folderBucket(pointers));
      const bucket = shardedBucket({ bucket: part.bucket, prefix: 'pr-logs/' }, pr, { index, count: 4 });
      for await (const page of listAll(bucket, 'pr-logs/directory/pull/'))
        for (const { name } of page.objects) {
          const build = name.split('/').at(-1)?.slice(0, -4) ?? '';
          if (shardOf({ root: pr.url, job: 'pull', build }, 4) === index) found.push(build);
        }
      expect(part.seen.pages).toBeLessThan(20);
    }
    expect(new Set(found).size).toBe(200);
    expect(found).toHaveLength(200);
  });
});

/** Folders, presubmits with and without pointers, and builds that are counted. */
function everyKind(folder: string) {
  const prow = prowFolder(folder);
  const build = (startedMs: number) => ({
    started: { timestamp: startedMs / 1000 },
    finished: { timestamp: startedMs / 1000 + 60, passed: true },
    files: { 'artifacts/junit.xml': junitXml({ passed: 1 }) },
  });
  for (let at = 0; at < 24; at += 1) {
    const ms = NOW_MS - 30 * DAY_MS + at * DAY_MS;
    prow.build(`ci-${at % 2}`, snowflakeAt(ms), build(ms));
    if (at < 12) prow.presubmit('k_k', at, 'pull', snowflakeAt(ms), build(ms));
    if (at < 12)
      prow.put(`pr-logs/pull/batch/many/${snowflakeAt(ms)}/finished.json`, `{"timestamp":${ms / 1000}}`);
    prow.put(`numbered/small/${at + 1}/finished.json`, `{"timestamp":${ms / 1000}}`);
  }
  prow.put('numbered/small/latest-build.txt', '24');
  return [
    root(`file:${folder}/logs/`),
    root(`file:${folder}/pr-logs/`, { pr: true, prefix: 'pr:' }),
    root(`file:${folder}/numbered/`, { sequential: true }),
  ];
}

describe('collecting in shards', () => {
  const roots = everyKind(join(temp, 'kinds'));
  const rowsOf = async (shard?: { index: number; count: number }) => {
    const store = testStore(temp);
    for (const one of roots) {
      const wrap = (bucket: Bucket) =>
        shard === undefined
          ? bucket
          : shardedBucket({ bucket, prefix: one.url.slice(bucket.url.length + 1) }, one, shard);
      await collect(store, [one], { selection: { shard } }, { wrap });
    }
    return storedRows(store);
  };

  it.each([2, 3, 5])('finds every build once, in one of %d, as one run finds it', async (count) => {
    const alone = (await rowsOf()).map((row) => JSON.stringify(row)).sort();
    expect(alone).toHaveLength(24 + 12 + 12 + 24);
    const parts: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const rows = await rowsOf({ index, count });
      expect(rows.length).toBeGreaterThan(0);
      parts.push(...rows.map((row) => JSON.stringify(row)));
    }
    expect(parts.sort()).toEqual(alone);
  });
});
