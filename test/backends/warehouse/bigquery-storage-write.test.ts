import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Appender, AppendPlace, Warehouse } from '../../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { type BigQueryFake, startBigQueryFake } from '../../support/bigquery-fake.ts';
import { appendRow, appendSpec, errorOf } from '../../support/warehouse-files.ts';

describe('the Storage Write API when things go wrong', () => {
  const table = appendSpec('builds');
  let server: BigQueryFake;
  let warehouse: Warehouse;
  let appender: Appender;
  let place: AppendPlace;
  beforeEach(async () => {
    server = await startBigQueryFake();
    warehouse = await openWarehouse('bigquery:fake-project:fake', {
      timeoutMs: 10_000,
      loadTimeoutMs: 10_000,
      endpoint: server.endpoint,
      storageWriteEndpoint: server.storageWriteEndpoint,
    });
    appender = warehouse.appender('storage-write');
    await warehouse.ensureTable(table);
    place = await appender.open(table);
  });
  afterEach(async () => {
    await warehouse.close();
    await server.stop();
  });
  const append = (from: number, rows: number, timeoutMs?: number) =>
    appender.append(
      {
        table,
        place: { ...place, offset: from },
        rows: Array.from({ length: rows }, (_, i) =>
          appender.encode(table, appendRow({ path: `p${from + i}` })),
        ),
      },
      timeoutMs === undefined ? {} : { timeoutMs },
    );
  const count = async () =>
    (await warehouse.query(`SELECT COUNT(*) AS found FROM ${warehouse.tableName('builds')}`))[0]?.found;
  const GOOD = { refused: [], tooLarge: [] };

  it.each([
    ['after the rows were taken', 'lostAppends'],
    ['before the rows were taken', 'resetAppends'],
  ] as const)(
    'a connection reset %s is an open outcome that the same append settles',
    async (_when, fault) => {
      server.storageWrite.faults[fault] = 1;
      expect((await errorOf(append(0, 3))).code).toBe('network');
      expect(await append(0, 3)).toEqual(GOOD);
      expect(await append(3, 2)).toEqual(GOOD);
      expect(await appender.settle(place)).toBe(5);
      expect(await count()).toBe(5);
    },
  );

  it.each([
    ['after the rows were taken', 'stalledAppends'],
    ['before the rows were taken', 'ignoredAppends'],
  ] as const)(
    'a server that goes silent %s costs one deadline, and the same append settles it',
    async (_when, fault) => {
      await append(0, 1);
      server.storageWrite.faults[fault] = 1;
      expect((await errorOf(append(1, 3, 1_000))).code).toBe('timeout');
      expect(await append(1, 3)).toEqual(GOOD);
      expect(await count()).toBe(4);
    },
  );

  it('appends that wait behind a lost one are open outcomes too', async () => {
    server.storageWrite.faults.lostAppends = 1;
    const all = await Promise.allSettled([append(0, 2), append(2, 2), append(4, 2)]);
    for (const each of all) expect(each).toMatchObject({ status: 'rejected', reason: { code: 'network' } });
    for (const from of [0, 2, 4]) expect(await append(from, 2)).toEqual(GOOD);
    expect(await count()).toBe(6);
  });

  it('appends in flight at once are taken in their order', async () => {
    expect(await Promise.all([append(0, 2), append(2, 2), append(4, 2)])).toEqual([GOOD, GOOD, GOOD]);
    expect(await count()).toBe(6);
  });

  it('UNAVAILABLE is for another try, and nothing inside tries it', async () => {
    server.storageWrite.faults.unavailable = 3;
    expect((await errorOf(append(0, 1))).code).toBe('network');
    expect((await errorOf(appender.open(table))).code).toBe('network');
    expect((await errorOf(appender.settle(place))).code).toBe('network');
    expect(server.storageWrite.calls).toEqual([
      'CreateWriteStream',
      'AppendRows 0+1',
      'CreateWriteStream',
      'FinalizeWriteStream',
    ]);
  });

  it('what the server could not do just now is for another try, on the same connection', async () => {
    server.storageWrite.faults.internalAppends = 1;
    expect((await errorOf(append(0, 1))).code).toBe('unavailable');
    expect(await append(0, 1)).toEqual(GOOD);
  });

  it('a question never answered costs one deadline; asked again, the count is the same', async () => {
    await append(0, 2);
    server.storageWrite.faults.stalledCalls = 2;
    expect((await errorOf(appender.open(table, { timeoutMs: 1_000 }))).code).toBe('timeout');
    expect(await append(2, 1), 'connections that work go on').toEqual(GOOD);
    expect((await errorOf(appender.settle(place, { timeoutMs: 1_000 }))).code).toBe('timeout');
    expect(await appender.settle(place)).toBe(3);
    expect(await appender.settle(place)).toBe(3);
  });

  it('a gap is a conflict, and so is a place that was settled', async () => {
    expect((await errorOf(append(7, 1))).code).toBe('conflict');
    expect(await append(0, 1)).toEqual(GOOD);
    await appender.settle(place);
    expect((await errorOf(append(1, 1))).code).toBe('conflict');
    expect(await count()).toBe(1);
  });

  it('a server that is not there is a network error that names the warehouse', async () => {
    await server.stop();
    expect(await errorOf(append(0, 1))).toMatchObject({
      code: 'network',
      message: expect.stringContaining('bigquery:fake-project:fake'),
    });
  });

  it('a server that comes back is found again', async () => {
    await append(0, 1);
    for (let i = 0; i < 3; i += 1) {
      server.storageWrite.faults.resetAppends = 1;
      expect((await errorOf(append(1, 1))).code).toBe('network');
    }
    expect(await append(1, 1)).toEqual(GOOD);
  });

  it('a connection that ends while nobody waits is replaced', async () => {
    await append(0, 1);
    server.storageWrite.reset();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await append(1, 1)).toEqual(GOOD);
  });

  it('rows for a server of the user are not sent to Google, and an address must be one', async () => {
    const options = { timeoutMs: 5_000, loadTimeoutMs: 5_000, endpoint: server.endpoint };
    const one = await openWarehouse('bigquery:fake-project:fake', options);
    expect(() => one.appender('storage-write')).toThrow(expect.objectContaining({ code: 'config' }));
    const other = await openWarehouse('bigquery:fake-project:fake', {
      ...options,
      storageWriteEndpoint: 'here',
    });
    expect((await errorOf(other.appender('storage-write').open(table))).code).toBe('config');
  });

  it('an endpoint of the user gets no credentials of his', async () => {
    await append(0, 1);
    expect([...server.storageWrite.authorizations]).toEqual([]);
  });
});
