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
