import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { runBuildQuery } from '../../pipeline/jobs/build-queries.ts';
import { BUILD_QUERIES } from '../../pipeline/queries/index.ts';
import type { BuildQuery } from '../../pipeline/queries/types.ts';
import type { Row } from '../support/collect.ts';
import { type BigQueryEmulator, emulatorOrSkip, startBigQueryEmulator } from '../support/emulators.ts';
import { tempFolder } from '../support/temp.ts';
import { bigQueryOf, DEMO_NOW_MS, demoRows, duckDbOf } from './demo-table.ts';

const temp = tempFolder();
/** The longest answer has 133 rows: files stay small, and the limit is tested along. */
const LIMIT = 40;
const QUERIES = BUILD_QUERIES.map((query) => [query.name, query] as const);
const found = emulatorOrSkip('bigquery');

let rows: readonly Row[];
beforeAll(async () => {
  rows = await demoRows(temp);
});

async function asksOfNothing(warehouse: Warehouse): Promise<void> {
  const [query] = BUILD_QUERIES;
  if (query === undefined) throw new RangeError('no queries');
  const request = { query, table: 'nowhere', limit: LIMIT, nowMs: DEMO_NOW_MS };
  await expect(runBuildQuery(warehouse, request, new AbortController().signal)).rejects.toMatchObject({
    code: 'missing',
    message: 'the warehouse has no table "nowhere" to ask',
  });
}

async function answer(warehouse: Warehouse, query: BuildQuery, job?: string): Promise<string> {
  const request = { query, table: 'all', job, limit: LIMIT, nowMs: DEMO_NOW_MS };
  const result = await runBuildQuery(warehouse, request, new AbortController().signal);
  return result.rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** `npx vitest run test/queries -u` writes them anew. */
const expected = (name: string) => resolve(`pipeline/queries/${name}/expected.ndjson`);

describe('the demo in DuckDB', () => {
  let warehouse: Warehouse;
  beforeAll(async () => {
    warehouse = await duckDbOf(temp, rows);
  });
  afterAll(() => warehouse.close());

  it.each(QUERIES)('%s gives the expected answer, with rows in it', async (name, query) => {
    const text = await answer(warehouse, query);
    expect(text).not.toBe('');
    await expect(text).toMatchFileSnapshot(expected(name));
  });

  it('regressions has the intervals that Wilson gives', async () => {
    const regressions = BUILD_QUERIES.filter(({ name }) => name === 'regressions');
    const text = await Promise.all(regressions.map((query) => answer(warehouse, query)));
    const found = lines(text.join(''));
    expect(found.length).toBeGreaterThan(10);
    for (const row of found) {
      const [low, high] = wilson(Number(row.pass_rate), Number(row.runs));
      expect(row.pass_rate_low).toBeCloseTo(low, 2);
      expect(row.pass_rate_high).toBeCloseTo(high, 2);
      expect(row.significant).toBe(Number(row.pass_rate_high) < Number(row.before_low));
    }
    expect(found.filter(({ significant }) => significant)).toHaveLength(1);
  });

  it('flaky-tests counts what the rows themselves count', async () => {
    const query = BUILD_QUERIES.find(({ name }) => name === 'flaky-tests');
    if (query === undefined) throw new RangeError('no such query');
    const told = lines(await answer(warehouse, query));
    const counted = flakyCommits(rows);
    expect(told.length).toBeGreaterThan(10);
    for (const { job, test, flaky_commits: flaky } of told)
      expect(flaky, `${String(job)} ${String(test)}`).toBe(
        counted.get(`${String(job)} ${String(test)}`) ?? 0,
      );
    expect(told.filter(({ flaky_commits: flaky }) => Number(flaky) > 0)).toHaveLength(counted.size);
  });

  it('says of a table that is not there what to do', () => asksOfNothing(warehouse));

  it.each(QUERIES)('%s asked of some jobs tells of no other', async (_, query) => {
    const text = await answer(warehouse, query, 'pr:*-unit');
    const jobs = text.split('\n').flatMap((line) => /"job":"([^"]*)"/.exec(line)?.[1] ?? []);
    expect(new Set(jobs)).toEqual(new Set(query.columns.includes('job') ? ['pr:pull-samovar-unit'] : []));
    expect(await answer(warehouse, query, 'pr:')).toBe('');
  });
});

describe.skipIf('skip' in found)(`the demo in BigQuery${'skip' in found ? ` (${found.skip})` : ''}`, () => {
  let emulator: BigQueryEmulator;
  let warehouse: Warehouse;
  beforeAll(async () => {
    emulator = await startBigQueryEmulator();
    warehouse = await bigQueryOf(temp, rows, emulator);
  });
  afterAll(async () => {
    await warehouse?.close();
    await emulator?.stop();
  });

  it.each(QUERIES)(
    '%s gives the same answer',
    async (name, query) => {
      expect(await answer(warehouse, query)).toBe(await readFile(expected(name), 'utf8'));
    },
    120_000,
  );

  it('says of a table that is not there what to do', () => asksOfNothing(warehouse));

  it('says what a query would read, and reads nothing', async () => {
    const sql = `SELECT job FROM ${warehouse.tableName('all')}`;
    expect(await warehouse.queryBytes?.(sql)).toBeGreaterThanOrEqual(0);
    await expect(warehouse.queryBytes?.('SELECT nonsense FROM nowhere')).rejects.toMatchObject({
      name: 'SamovarError',
    });
  });
});

function lines(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

/** The interval as the textbooks write it: where a rate is 1.96 standard errors away. */
function wilson(rate: number, n: number): readonly [number, number] {
  const z2 = 1.96 ** 2;
  const middle = (rate * n + z2 / 2) / (n + z2);
  const half = (1.96 / (n + z2)) * Math.sqrt(n * rate * (1 - rate) + z2 / 4);
  return [middle - half, middle + half];
}

/** Of each job and test, commits on which it failed and passed, counted without SQL. */
function flakyCommits(all: readonly Row[]): ReadonlyMap<string, number> {
  const seen = new Map<string, { readonly test: string; failed: number; passed: number }>();
  for (const row of all) {
    const pull = /[^,]+,[0-9]+:([a-f0-9]+)/.exec(String(row.repos ?? ''))?.[1];
    const started = typeof row.started === 'number' ? row.started * 1000 : 0;
    if (started < DEMO_NOW_MS - 14 * 86_400_000) continue;
    for (const { name, failed } of row.test) {
      const test = `${row.job} ${name}`;
      const key = `${String(pull ?? row.repo_commit)} ${test}`;
      const one = seen.get(key) ?? { test, failed: 0, passed: 0 };
      if (failed === true) one.failed += 1;
      else one.passed += 1;
      seen.set(key, one);
    }
  }
  const flaky = [...seen.values()].filter(({ failed, passed }) => failed > 0 && passed > 0);
  const counts = new Map<string, number>();
  for (const { test } of flaky) counts.set(test, (counts.get(test) ?? 0) + 1);
  return counts;
}
