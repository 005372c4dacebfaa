import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Warehouse } from '../../../pipeline/backends/warehouse/contract.ts';
import { createStage } from '../../../pipeline/backends/warehouse/duckdb-stage.ts';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { tempFolder } from '../../support/temp.ts';
import { loadRequest, rowsFile, tableSpec } from '../../support/warehouse-files.ts';

const folder = tempFolder();
const OPTIONS = { timeoutMs: 20_000, loadTimeoutMs: 60_000 };
const NAMES = ['day', 'week', 'all'];
const ROWS = [
  { path: 'a', number: 1, test: [{ name: 'x' }, { name: 'y' }] },
  { path: "b'\u00e9", number: 2 },
];

describe('one content for several tables', () => {
  let warehouse: Warehouse;
  beforeEach(async () => {
    warehouse = await openWarehouse('duckdb::memory:', OPTIONS);
    for (const name of NAMES) await warehouse.ensureTable(tableSpec(name));
  });
  afterEach(() => warehouse.close());
  const rowsOf = (name: string) =>
    warehouse.query(`SELECT * FROM ${warehouse.tableName(name)} ORDER BY path`);
  const copyOf = (file: string, name: string) => {
    const copy = join(folder, `${name}-${Math.random()}.json.gz`);
    copyFileSync(file, copy);
    return copy;
  };

  it('is in each of them as if each had been loaded alone', async () => {
    const file = rowsFile(folder, ROWS);
    await warehouse.ensureTable(tableSpec('alone'));
    await warehouse.load(loadRequest(tableSpec('alone'), rowsFile(folder, [...ROWS].reverse())));
    const loads = NAMES.map((name) => warehouse.load(loadRequest(tableSpec(name), copyOf(file, name))));
    expect(await Promise.all(loads)).toEqual([{ rows: 2 }, { rows: 2 }, { rows: 2 }]);
    const alone = await rowsOf('alone');
    expect(alone).toHaveLength(2);
    for (const name of NAMES) expect(await rowsOf(name)).toEqual(alone);
    // And so once more, after other rows have been in between.
    await warehouse.load(loadRequest(tableSpec('day'), rowsFile(folder, [{ path: 'c' }])));
    await warehouse.load(loadRequest(tableSpec('week'), copyOf(file, 'week')));
    expect([(await rowsOf('day')).length, (await rowsOf('week')).length]).toEqual([3, 4]);
  });

  it('each table keeps its own way: what it supersedes, whether it is replaced', async () => {
    const file = rowsFile(folder, ROWS);
    for (const name of NAMES)
      await warehouse.load(loadRequest(tableSpec(name), rowsFile(folder, [{ path: 'a' }, { path: 'z' }])));
    await Promise.all([
      warehouse.load(loadRequest(tableSpec('day'), copyOf(file, 'day'), { superseded: ['a'] })),
      warehouse.load(loadRequest(tableSpec('week'), copyOf(file, 'week'), { replace: true })),
      warehouse.load(loadRequest(tableSpec('all'), copyOf(file, 'all'))),
    ]);
    const paths = await Promise.all(NAMES.map(async (name) => (await rowsOf(name)).map(({ path }) => path)));
    const b = "b'\u00e9";
    expect(paths).toEqual([
      ['a', b, 'z'],
      ['a', b],
      ['a', 'a', b, 'z'],
    ]);
  });

  it('one that is no JSON is refused for each table with its own file, and the next one is read', async () => {
    const broken = () => {
      const file = join(folder, `broken-${Math.random()}.json`);
      writeFileSync(file, '{"path": "a"}\n{"path": \n');
      return file;
    };
    const files = [broken(), broken()];
    const outcomes = await Promise.allSettled(
      files.map((file, at) => warehouse.load(loadRequest(tableSpec(NAMES[at] ?? ''), file))),
    );
    for (const [at, outcome] of outcomes.entries())
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'malformed', subject: files[at] },
      });
    const file = rowsFile(folder, ROWS);
    await Promise.all(NAMES.map((name) => warehouse.load(loadRequest(tableSpec(name), file))));
    expect((await rowsOf('day')).length).toBe(2);
  });

  it('a table of another schema reads it in its own way', async () => {
    const short = { ...tableSpec('short'), schema: tableSpec('short').schema.slice(0, 2) };
    await warehouse.ensureTable(short);
    const file = rowsFile(folder, [{ path: 'a', number: 7 }]);
    await Promise.all([
      warehouse.load(loadRequest(tableSpec('day'), file)),
      warehouse.load(loadRequest(tableSpec('week'), file)),
      warehouse.load(loadRequest(short, file)),
    ]);
    expect(await rowsOf('short')).toEqual([{ path: 'a', number: 7 }]);
    expect(await rowsOf('week')).toMatchObject([{ path: 'a', number: 7 }]);
  });
});

it('the second load of a content is given the kept rows, the first and a large one the file', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const stage = createStage();
  await stage.open(connection);
  const request = loadRequest(tableSpec('day'), rowsFile(folder, ROWS));
  const source = async () => stage.source(connection, request, await stage.check(request, {}));
  expect(await source()).toContain('read_json');
  const kept = await source();
  expect(kept).not.toContain('read_json');
  expect((await connection.runAndReadAll(`SELECT count(*) FROM (${kept})`)).getRows()).toEqual([[2n]]);
  const noise = Array.from({ length: 2_000 }, () => ({ path: 'x'.repeat(3_000) }));
  const large = loadRequest(tableSpec('day'), rowsFile(folder, noise, '.json'));
  for (let time = 0; time < 2; time += 1)
    expect(await stage.source(connection, large, await stage.check(large, {}))).toContain('read_json');
  instance.closeSync();
});
