import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Field, Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { loadRoots } from '../../pipeline/config/buckets.ts';
import { makeDemo } from '../../pipeline/demo/index.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { collect, type Row, storedRows } from '../support/collect.ts';
import type { BigQueryEmulator } from '../support/emulators.ts';

/** When the demo is made and asked: expected answers hold for this moment. */
export const DEMO_NOW_MS = Date.UTC(2026, 10, 20, 10, 0, 30);
const TIMEOUTS = { timeoutMs: 60_000, loadTimeoutMs: 120_000 };
const TIMES = ['started', 'finished'];

/** The rows of the whole demo, with the paths that a user's has. */
export async function demoRows(folder: string): Promise<readonly Row[]> {
  const dir = join(folder, 'data');
  await makeDemo({ dir, nowMs: DEMO_NOW_MS, rootUrl: `file://${dir}/demo` });
  const buckets = join(folder, 'buckets.yaml');
  const shipped = await readFile('config/demo-buckets.yaml', 'utf8');
  await writeFile(buckets, shipped.replaceAll('file:data/', `file://${dir}/`));
  const store = openStore(join(folder, 'demo.db'), { nowMs: () => DEMO_NOW_MS });
  try {
    await collect(store, await loadRoots(buckets), {}, { nowMs: () => DEMO_NOW_MS });
    const rows = storedRows(store);
    return JSON.parse(JSON.stringify(rows).replaceAll(`file://${dir}/`, 'file:data/')) as readonly Row[];
  } finally {
    store.close();
  }
}

export async function buildSchema(): Promise<readonly Field[]> {
  return JSON.parse(await readFile('schemas/build.json', 'utf8')) as readonly Field[];
}

/** A DuckDB file with these rows in its table `all`. */
export async function duckDbOf(folder: string, rows: readonly object[]): Promise<Warehouse> {
  const warehouse = await openWarehouse(`duckdb:${join(folder, 'demo.duckdb')}`, TIMEOUTS);
  await put(warehouse, folder, { name: 'all', schema: await buildSchema(), rows });
  return warehouse;
}

/**
 * The same in the emulator, which does not keep the order of fields in records it loads, and takes only texts for times: builds and
 * tests are loaded flat, and a query puts the table together. Metadata, which no query looks at, stays away.
 */
export async function bigQueryOf(
  folder: string,
  rows: readonly Row[],
  { endpoint, project, dataset }: BigQueryEmulator,
): Promise<Warehouse> {
  const warehouse = await openWarehouse(`bigquery:${project}:${dataset}`, { ...TIMEOUTS, endpoint });
  const schema = await buildSchema();
  const flat = schema.filter(({ mode }) => mode !== 'REPEATED');
  const test = schema.find(({ name }) => name === 'test')?.fields ?? [];
  const builds = rows.map((row) =>
    Object.fromEntries(flat.map(({ name }) => [name, plain(name, row[name])])),
  );
  const tests = rows.flatMap(({ path, test: all }) => all.map((one, nth) => ({ path, nth, ...one })));
  await put(warehouse, folder, { name: 'flat', schema: flat, rows: builds });
  const place: readonly Field[] = [
    { name: 'path', type: 'STRING' },
    { name: 'nth', type: 'INTEGER' },
  ];
  await put(warehouse, folder, { name: 'tests', schema: [...place, ...test], rows: tests });
  const fields = test.map(({ name }) => name).join(', ');
  await warehouse.query(`
    CREATE TABLE ${warehouse.tableName('all')} AS
    SELECT f.*, t.test AS test FROM ${warehouse.tableName('flat')} AS f LEFT JOIN (
      SELECT path, ARRAY_AGG(STRUCT(${fields}) ORDER BY nth) AS test FROM ${warehouse.tableName('tests')} GROUP BY path
    ) AS t ON t.path = f.path`);
  return warehouse;
}

function plain(name: string, value: unknown): unknown {
  return TIMES.includes(name) && typeof value === 'number'
    ? new Date(value * 1000).toISOString()
    : (value ?? null);
}

async function put(
  warehouse: Warehouse,
  folder: string,
  {
    name,
    schema,
    rows,
  }: { readonly name: string; readonly schema: readonly Field[]; readonly rows: readonly object[] },
): Promise<void> {
  const file = join(folder, `${name}.json`);
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const table = { name, schema, key: 'path' };
  await warehouse.ensureTable(table);
  await warehouse.load({ table, jobId: `load-${name}`, file, replace: true, superseded: [] });
}
