import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Appender, Warehouse } from '../../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { type BigQueryFake, startBigQueryFake } from '../../support/bigquery-fake.ts';
import { page } from '../../support/bigquery-inserts.ts';
import { problem } from '../../support/bigquery-store.ts';
import { tempFolder } from '../../support/temp.ts';
import { appendRow, appendSpec, errorOf, loadRequest, rowsFile } from '../../support/warehouse-files.ts';

const PLACE = { stream: '', offset: 0 };

describe('insertAll when things go wrong', () => {
  const folder = tempFolder();
  const table = appendSpec('builds');
  let server: BigQueryFake;
  let warehouse: Warehouse;
  let appender: Appender;
  beforeEach(async () => {
    server = await startBigQueryFake();
    warehouse = await openWarehouse('bigquery:fake-project:fake', {
      timeoutMs: 5_000,
      loadTimeoutMs: 10_000,
      endpoint: server.endpoint,
    });
    appender = warehouse.appender('insert-all');
    await warehouse.ensureTable(table);
  });
  afterEach(() => server.stop());
  const append = (rows: readonly unknown[], version = 1) =>
    appender.append({
      table,
      place: PLACE,
      rows: rows.map((row) => appender.encode(table, appendRow(row, version))),
    });
  const paths = (count: number, more = {}) =>
    Array.from({ length: count }, (_, i) => ({ path: `p${i}`, ...more }));
  const count = async () =>
    (await warehouse.query(`SELECT COUNT(*) AS found FROM ${warehouse.tableName('builds')}`))[0]?.found;
  const sent = () => server.requests.filter((line) => line.endsWith('/insertAll')).length;

  it('an answer lost is an open outcome, and within a minute the same rows come in once', async () => {
    server.faults.lostInserts = 1;
    expect((await errorOf(append(paths(3)))).code).toBe('network');
    await append(paths(3));
    expect(await count()).toBe(3);
    await append(paths(3), 2);
    expect(await count()).toBe(6);
  });

  it('is at least once: BigQuery may forget an insert id', async () => {
    server.faults.dedupe = false;
    await append(paths(3));
    await append(paths(3));
    expect(await count()).toBe(6);
  });

  it('503 is for another try, and nothing inside tries it', async () => {
    server.faults.unavailableInserts = 1;
    expect(await errorOf(append(paths(1)))).toMatchObject({ code: 'unavailable', status: 503 });
    expect(sent()).toBe(1);
  });

  it.each([
    ['413 in HTML', page(413, 'Your client issued a request that was too large.')],
    ['400 in HTML', page(400, 'Your client has issued a malformed or illegal request.')],
    ['413 in JSON', problem(413, 'uploadTooLarge', 'Request Entity Too Large')],
    ['400 in JSON', problem(400, 'badRequest', 'Request payload size exceeds the limit: 10485760 bytes.')],
  ])(
    'a request refused for its size (%s) is halved, and a single row so refused is named',
    async (_what, answer) => {
      server.faults.proxy = { bytesMax: 2_000, answer };
      const rows = paths(40).map((row, i) =>
        i === 17 ? { ...row, test: [{ name: 'x'.repeat(3_000) }] } : row,
      );
      expect(await append(rows)).toEqual({ refused: [], tooLarge: [17] });
      expect(await count()).toBe(39);
      expect(sent()).toBeGreaterThan(3);
    },
  );

  it('a 400 for another reason is refused, not halved', async () => {
    server.faults.proxy = { bytesMax: 0, answer: problem(400, 'invalid', 'Invalid dataset') };
    expect((await errorOf(append(paths(8)))).code).toBe('refused');
    expect(sent()).toBe(1);
  });

  it('refused rows keep their index through the halves', async () => {
    server.faults.proxy = { bytesMax: 2_000, answer: page(413, 'too large') };
    const rows = paths(40);
    const narrow = { ...table, name: 'narrow', schema: table.schema.filter(({ name }) => name !== 'number') };
    await warehouse.ensureTable(narrow);
    const encoded = rows.map((row, i) =>
      appender.encode(table, appendRow(i === 33 ? { ...row, number: 1 } : row)),
    );
    const outcome = await appender.append({ table: narrow, place: PLACE, rows: encoded });
    expect(outcome).toMatchObject({
      refused: [{ index: 33, reason: 'no such field: number' }],
      tooLarge: [],
    });
  });

  it('a row that failed through no fault of its own is for another try', async () => {
    server.faults.rowErrors.push('timeout');
    expect(await errorOf(append(paths(2)))).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('something is slow'),
    });
    expect(await append(paths(2))).toEqual({ refused: [], tooLarge: [] });
    expect(await count()).toBe(2);
  });

  it('a table made moments ago is for another try; one that is not there is missing', async () => {
    server.faults.fresh.add('builds');
    expect((await errorOf(append(paths(1)))).code).toBe('unavailable');
    server.faults.fresh.clear();
    const gone = appendSpec('gone');
    const rows = [appender.encode(gone, appendRow({ path: 'a' }))];
    expect((await errorOf(appender.append({ table: gone, place: PLACE, rows }))).code).toBe('missing');
  });

  it('a server that never answers costs one deadline', async () => {
    server.faults.silent = /insertAll/;
    const rows = [appender.encode(table, appendRow({ path: 'a' }))];
    const appending = appender.append({ table, place: PLACE, rows }, { timeoutMs: 200 });
    expect((await errorOf(appending)).code).toBe('timeout');
  });

  it('rows that were just appended cannot be superseded by a load, and the message says how long to wait', async () => {
    await append(paths(1));
    const load = loadRequest(table, rowsFile(folder, [{ path: 'p0' }]), { superseded: ['p0'] });
    expect(await errorOf(warehouse.load(load))).toMatchObject({
      code: 'refused',
      remedy: expect.stringContaining('90 minutes'),
    });
  });
});
