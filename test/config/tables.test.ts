import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSchema } from '../../pipeline/config/shipped.ts';
import { kettleLedgerOf, loadTables, parseTables, tableSpec } from '../../pipeline/config/tables.ts';

const schema = await readSchema('tables');
const parse = (text: string) => parseTables(text, { file: 'tables.yaml', schema });

test('a table has its window, its rolling and the ledger Kettle had for that window', () => {
  expect(parse('day: {days: 1, replace_after_days: 1.9}\nall: {days: 0, cluster: [job]}\n')).toMatchObject([
    { name: 'day', days: 1, replaceAfterDays: 1.9, kettleLedger: 'build_emitted_1', cluster: [] },
    { name: 'all', days: 0, kettleLedger: 'build_emitted', cluster: ['job'] },
  ]);
});

test.each([
  [0, 'build_emitted'],
  [7, 'build_emitted_7'],
  [0.5, 'build_emitted_0_5'],
])("Kettle's ledger of %d days is %s", (days, name) => {
  expect(kettleLedgerOf(days)).toBe(name);
});

test.each([
  [
    'a name BigQuery refuses',
    'my-day: {days: 1}\n',
    /tables\.yaml:1:1: "my-day" cannot be used; allowed: table names/,
  ],
  [
    'two names that differ by case',
    'Day: {days: 1}\nday: {days: 1}\n',
    /tables\.yaml:2:1: differs from "Day" only by case/,
  ],
  ['no window', 'day: {}\n', /tables\.yaml:1:6: day: the key "days" is missing/],
  [
    'rolling before the window is over',
    'week:\n  days: 7\n  replace_after_days: 2\n',
    /tables\.yaml:3:23: .*2 is below days \(7\)/,
  ],
  [
    'rolling what keeps everything',
    'all:\n  days: 0\n  replace_after_days: 2\n',
    /tables\.yaml:3:23: .*never made anew/,
  ],
  ['five columns to cluster by', 'all: {days: 0, cluster: [a, b, c, d, e]}\n', /one to four/],
  [
    'a ledger of another name',
    'all: {days: 0, kettle_ledger: build}\n',
    /allowed: the table of an old Kettle database/,
  ],
])('%s is refused', (_, text, expected) => {
  expect(() => parse(text)).toThrow(expected);
});

describe('with columns', () => {
  let folder = '';
  const columns = [
    { name: 'path', type: 'STRING' },
    { name: 'started', type: 'TIMESTAMP' },
    { name: 'test', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'name', type: 'STRING' }] },
  ];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'samovar-tables-'));
    await writeFile(join(folder, 'columns.json'), JSON.stringify(columns));
    await writeFile(join(folder, 'not-columns.json'), '[{"name": "path"}]');
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function load(text: string) {
    const file = join(folder, 'tables.yaml');
    await writeFile(file, text);
    return loadTables(file);
  }

  test('the specification for the warehouse holds columns, partition and clustering', async () => {
    const [table] = await load(
      `all: {days: 0, partition: started, cluster: [path], schema: ${folder}/columns.json}\n`,
    );
    if (table === undefined) throw new Error('no table');
    expect(await tableSpec(table)).toEqual({
      name: 'all',
      schema: columns,
      partitionBy: 'started',
      clusterBy: ['path'],
      key: 'path',
    });
  });

  test('a partition by what is no time, and clustering by what is not there, name the line and the columns there are', async () => {
    const text = `all:\n  days: 0\n  partition: path\n  cluster: [path, gone, test]\n  schema: ${folder}/columns.json\n`;
    await expect(load(text)).rejects.toThrow(
      /:3:14: all → partition: "path" is no TIMESTAMP column of .*; allowed: started/,
    );
    await expect(load(text)).rejects.toThrow(
      /:4:19: all → cluster → 1: "gone" is no plain column of .*; allowed: path, started/,
    );
    await expect(load(text)).rejects.toThrow(/:4:25: all → cluster → 2: "test"/);
  });

  test('a schema file that is none says why', async () => {
    await expect(load(`all: {days: 0, schema: ${folder}/not-columns.json}\n`)).rejects.toThrow(
      /entry 1 has no name or no type/,
    );
    await expect(load(`all: {days: 0, schema: ${folder}/gone.json}\n`)).rejects.toMatchObject({
      code: 'config',
    });
  });
});

test('the shipped tables are day and week, which are rolled, and all, which is not; all flat', async () => {
  const tables = await loadTables('config/tables.yaml');
  expect(
    tables.map(({ name, days, replaceAfterDays, partition }) => [name, days, replaceAfterDays, partition]),
  ).toEqual([
    ['day', 1, 1.9, undefined],
    ['week', 7, 7.9, undefined],
    ['all', 0, undefined, undefined],
  ]);
  expect((await loadTables('config/tables-staging.yaml')).map(({ name, days }) => [name, days])).toEqual([
    ['staging', 0],
  ]);
});
