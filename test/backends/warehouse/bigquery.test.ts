import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobErrorText, requestError } from '../../../pipeline/backends/warehouse/bigquery-errors.ts';
import type { Field, Warehouse } from '../../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { type BigQueryFake, startBigQueryFake } from '../../support/bigquery-fake.ts';
import { tempFolder } from '../../support/temp.ts';
import { COLUMNS, loadRequest, rowsFile, tableSpec } from '../../support/warehouse-files.ts';

describe('BigQuery tables', () => {
  const folder = tempFolder();
  let server: BigQueryFake;
  let warehouse: Warehouse;
  beforeEach(async () => {
    server = await startBigQueryFake();
    warehouse = await openWarehouse('bigquery:fake-project:fake', {
      timeoutMs: 5_000,
      loadTimeoutMs: 10_000,
      endpoint: server.endpoint,
    });
  });
  afterEach(() => server.stop());

  it('are made with their partitioning and clustering', async () => {
    await warehouse.ensureTable(tableSpec('day', { partitionBy: 'started', clusterBy: ['path'] }));
    const url = `${server.endpoint}/bigquery/v2/projects/fake-project/datasets/fake/tables/day`;
    expect(await (await fetch(url)).json()).toMatchObject({
      timePartitioning: { type: 'DAY', field: 'started' },
      clustering: { fields: ['path'] },
      schema: { fields: COLUMNS },
    });
  });

  it('are not partitioned afterwards', async () => {
    await warehouse.ensureTable(tableSpec('flat'));
    await expect(warehouse.ensureTable(tableSpec('flat', { partitionBy: 'started' }))).rejects.toMatchObject({
      code: 'incompatible',
      message: 'table flat is not partitioned, the configuration wants DAY of started',
    });
  });

  it('made by others in standard SQL have the same types', async () => {
    const names = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL' } as Record<string, string>;
    const theirs = COLUMNS.map((field) => ({ ...field, type: names[field.type] ?? field.type }));
    const table = { tableReference: { tableId: 'sql' }, schema: { fields: theirs } };
    const url = `${server.endpoint}/bigquery/v2/projects/fake-project/datasets/fake/tables`;
    await (await fetch(url, { method: 'POST', body: JSON.stringify(table) })).json();
    expect((await warehouse.ensureTable(tableSpec('sql'))).action).toBe('unchanged');
  });

  it('get no REQUIRED column later', async () => {
    await warehouse.ensureTable(tableSpec('t'));
    const schema: Field[] = [...COLUMNS, { name: 'must', type: 'STRING', mode: 'REQUIRED' }];
    await expect(warehouse.ensureTable(tableSpec('t', { schema }))).rejects.toMatchObject({
      code: 'incompatible',
    });
  });

  it.each([
    ['a key that is no column', { key: 'none' }],
    ['a partition by a column that is no time', { partitionBy: 'path' }],
    ['a cluster by a record', { clusterBy: ['test'] }],
    ['a cluster by five columns', { clusterBy: ['path', 'number', 'elapsed', 'passed', 'started'] }],
    ['a column twice', { schema: [...COLUMNS, { name: 'PATH', type: 'STRING' as const }] }],
    ['a record without fields', { schema: [...COLUMNS, { name: 'r', type: 'RECORD' as const }] }],
  ])('with %s are mistakes in the configuration, and nothing is asked', async (_what, more) => {
    await expect(warehouse.ensureTable(tableSpec('t', more))).rejects.toMatchObject({ code: 'config' });
    expect(server.requests).toEqual([]);
  });

  it('have 1,500 loads a day, and the refusal says what to do', async () => {
    server.faults.loadsBefore = 1_499;
    const table = tableSpec('busy');
    await warehouse.ensureTable(table);
    await warehouse.load(loadRequest(table, rowsFile(folder, [{ path: 'a' }])));
    await expect(warehouse.load(loadRequest(table, rowsFile(folder, [{ path: 'b' }])))).rejects.toMatchObject(
      {
        code: 'refused',
        remedy: expect.stringContaining('load less often'),
      },
    );
  });
});

describe('a question that is too dear', () => {
  const folder = tempFolder();
  it('is refused before it is billed, and says what to do; one within the limit is answered', async () => {
    const server = await startBigQueryFake();
    try {
      const openWith = (queryBytesMax: number) =>
        openWarehouse('bigquery:fake-project:fake', {
          ...{ timeoutMs: 5_000, loadTimeoutMs: 10_000, endpoint: server.endpoint, queryBytesMax },
        });
      const enough = await openWith(20e6);
      await enough.ensureTable(tableSpec('flat'));
      await enough.load(loadRequest(tableSpec('flat'), rowsFile(folder, [{ path: 'a' }])));
      const sql = `SELECT COUNT(*) AS found FROM ${enough.tableName('flat')}`;
      expect(await enough.query(sql)).toEqual([{ found: 1 }]);
      await expect((await openWith(5e6)).query(sql)).rejects.toMatchObject({
        code: 'too-large',
        message: expect.stringContaining('limit for bytes billed: 5000000. 10485760 or higher required'),
        remedy: expect.stringMatching(/fewer days.*raise query_gigabytes/),
      });
    } finally {
      await server.stop();
    }
  });
});

describe('messages of BigQuery', () => {
  it('never show a token', () => {
    const error = Object.assign(
      new Error('401 for Bearer abc.def-123 and ya29.a0AfH6SMBx_y, eyJhbGciOi.eyJzdWIi.sig'),
      { code: 401 },
    );
    const shown = requestError('asking', 'bigquery:p:d', error);
    expect(shown).toMatchObject({
      code: 'denied',
      status: 401,
      remedy: expect.stringContaining('roles/bigquery.dataEditor'),
    });
    expect(JSON.stringify([shown.message, shown.cause])).not.toMatch(/abc|ya29|eyJ/);
  });
  it('show five of a job’s errors and say how many more there are', () => {
    const errors = Array.from({ length: 9 }, (_, i) => ({
      reason: 'invalid',
      message: `row ${i}`,
      location: 'file',
    }));
    expect(jobErrorText([{ reason: 'invalid', message: 'row 0', location: 'file' }, ...errors])).toBe(
      'row 0 (at file); row 1 (at file); row 2 (at file); row 3 (at file); row 4 (at file); and 4 more',
    );
  });
});
