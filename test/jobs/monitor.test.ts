import { describe, expect, it } from 'vitest';
import type { TableInfo, Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { type MonitorContext, monitor } from '../../pipeline/jobs/monitor.ts';
import type { MonitorLimits } from '../../pipeline/jobs/monitor-limits.ts';
import { monitorText } from '../../pipeline/show/monitor.ts';
import { monitorPrometheus } from '../../pipeline/show/monitor-prometheus.ts';
import { inspectDatabase } from '../../pipeline/store/inspect.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { parsePage } from '../monitor/page.ts';
import { memoryWarehouse } from '../support/memory-warehouse.ts';
import { addRow, NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const HOUR_MS = 3_600_000;
const URL = 'bigquery:project:dataset';
const GB = 1e9;
const ROOMY: MonitorLimits = { diskFreeBytesMin: GB, pagesLeftMin: 1000 };

interface Given {
  readonly store?: Store;
  readonly infos?: Readonly<Record<string, TableInfo>>;
  readonly fails?: SamovarError;
  readonly limits?: Partial<MonitorLimits>;
  readonly over?: Partial<MonitorContext>;
}

function look({ store, infos = {}, fails, limits = {}, over = {} }: Given = {}) {
  const warehouse: Warehouse = { ...memoryWarehouse(URL), tableInfo: async (name) => infos[name] };
  return monitor({
    file: store?.file ?? 'none.db',
    inspect: () => (store === undefined ? undefined : inspectDatabase(store.file)),
    tables: [{ name: 'all', warehouse: URL, days: 0 }],
    roots: ['gs://bucket/logs/'],
    openWarehouse: async () => {
      if (fails !== undefined) throw fails;
      return warehouse;
    },
    disk: async () => ({ freeBytes: 5 * GB, sizeBytes: 9 * GB }),
    nowMs: () => NOW_MS,
    signal: new AbortController().signal,
    limits: { ...ROOMY, ...limits },
    ...over,
  });
}

const info = (hoursOld: number): TableInfo => ({
  rows: 5,
  bytes: 100,
  modifiedMs: NOW_MS - hoursOld * HOUR_MS,
});
const HELD = new SamovarError('conflict', `${URL} is open in another process`);

/** A database of which a table has had everything so many hours ago. */
async function loaded(hoursAgo: number): Promise<Store> {
  let nowMs = NOW_MS - hoursAgo * HOUR_MS;
  const store = testStore(tempFolder(), () => nowMs);
  const { id } = await addRow(store);
  const batch = store.ledger.begin(store.ledger.destination(`${URL}/all`), false);
  store.ledger.add(batch, [{ item: id, version: store.rows.get(id)?.version ?? 0 }]);
  store.ledger.send(batch, { jobId: 'j', warehouse: URL, attempt: 1 });
  store.ledger.commit(batch);
  nowMs = NOW_MS;
  return store;
}

describe('what a monitor tells', () => {
  it('is the size, the rows and the age of each table, as the warehouse has them', async () => {
    const { tables, problems, at } = await look({ infos: { all: info(2) } });
    expect(at).toBe('2026-11-20T12:00:00.000Z');
    expect(tables).toEqual([
      {
        ...{ table: 'all', warehouse: URL, seen: 'warehouse', rows: 5, bytes: 100 },
        ...{ modifiedAt: '2026-11-20T10:00:00.000Z', hoursOld: 2 },
      },
    ]);
    expect(problems).toEqual([]);
  });

  it('is what waits for a table, since when, and how old buckets and dead letters are', async () => {
    const store = testStore(tempFolder(), () => NOW_MS - 4 * HOUR_MS);
    await addRow(store, { finishedAt: NOW_MS / 1000 - 5 * 3600 });
    store.deadLetters.add({ kind: 'load', subject: 's', code: 'refused', reason: 'r' });
    const report = await look({ store, infos: { all: info(0) } });
    expect(report.tables[0]).toMatchObject({ committed: 0, waiting: 1, lagHours: 4 });
    expect(report.buckets).toEqual([
      { bucket: 'gs://bucket/logs/', builds: 1, newestAt: '2026-11-20T07:00:00.000Z', hoursOld: 5 },
    ]);
    expect(report.deadLetters).toEqual({ count: 1, kinds: [{ kind: 'load', count: 1 }], newInDay: 1 });
    expect(report.database).toMatchObject({ file: store.file, diskFreeBytes: 5 * GB });
    expect(report.database?.pagesLeft).toBeGreaterThan(1e9);
  });

  it('takes the newer of what the warehouse and the ledger say of a table', async () => {
    const store = await loaded(1);
    expect((await look({ store, infos: { all: info(9) } })).tables[0]?.hoursOld).toBe(1);
    expect((await look({ store, infos: { all: info(0.5) } })).tables[0]?.hoursOld).toBe(0.5);
  });

  it('goes by the ledger while another process has the file, and says so', async () => {
    const report = await look({ store: await loaded(3), fails: HELD, limits: { staleHours: 6 } });
    expect(report.tables[0]).toMatchObject({ seen: 'ledger', hoursOld: 3, committed: 1 });
    expect(report.unseen).toEqual([{ what: `warehouse ${URL}`, code: 'conflict', why: HELD.message }]);
    expect(report.problems).toEqual([]);
    expect(monitorText(report)).toContain(`Not looked at: warehouse ${URL}`);
  });

  it('needs no database for what the warehouse tells', async () => {
    const report = await look({ infos: { all: info(7) }, limits: { staleHours: 6 } });
    expect(report.problems.map(({ check }) => check)).toEqual(['stale']);
    expect(report.database).toBeUndefined();
  });

  it('looks at what it can when the warehouse fails, and asks it once', async () => {
    const fails = new SamovarError('denied', 'the account may not see it');
    const tables = ['all', 'day'].map((name) => ({ name, warehouse: URL, days: 0 }));
    const report = await look({ store: await loaded(3), fails, over: { tables }, limits: { staleHours: 6 } });
    expect(report.problems).toMatchObject([
      { check: 'unseen', message: expect.stringContaining('the account may not see it') },
    ]);
    expect(report.buckets).toHaveLength(1);
  });
});

describe('what is beyond its limit', () => {
  const checksOf = async (given: Given) => (await look(given)).problems.map(({ check }) => check);

  it('a table older than so many hours, by name', async () => {
    const given = { infos: { all: info(6.5) } };
    const { problems } = await look({ ...given, limits: { staleHours: 6 } });
    expect(problems).toMatchObject([
      { check: 'stale', subject: 'all', message: 'table all is 6.5 hours old; at most 6 are allowed' },
    ]);
    expect(await checksOf({ ...given, limits: { staleHours: 7 } })).toEqual([]);
    expect(await checksOf(given)).toEqual([]);
  });

  it('a table that is not there, once ages are asked for', async () => {
    expect(await checksOf({ limits: { staleHours: 6 } })).toEqual(['missing']);
    expect(await checksOf({})).toEqual([]);
  });

  it('a build that waits, a quiet bucket, dead letters in all and of a day', async () => {
    const store = testStore(tempFolder(), () => NOW_MS - 4 * HOUR_MS);
    await addRow(store, { finishedAt: NOW_MS / 1000 - 5 * 3600 });
    store.deadLetters.add({ kind: 'load', subject: 's', code: 'refused', reason: 'r' });
    const infos = { all: info(0) };
    const low = { lagHours: 3, bucketHours: 4, deadLettersMax: 0, newDeadLettersMax: 0 };
    const high = { lagHours: 4, bucketHours: 5, deadLettersMax: 1, newDeadLettersMax: 1 };
    expect(await checksOf({ store, infos, limits: low })).toEqual([
      'lag',
      'bucket',
      'dead-letters',
      'dead-letters',
    ]);
    expect(await checksOf({ store, infos, limits: high })).toEqual([]);
  });

  it('a bucket that never had a build', async () => {
    const store = testStore(tempFolder());
    const given = { store, infos: { all: info(0) }, limits: { bucketHours: 24 } };
    expect((await look(given)).problems).toMatchObject([{ message: 'gs://bucket/logs/ has no builds' }]);
  });

  it('too little room on the disk, or in the database', async () => {
    const given = { store: testStore(tempFolder()), infos: { all: info(0) } };
    expect(await checksOf({ ...given, limits: { diskFreeBytesMin: 6 * GB } })).toEqual(['disk']);
    expect(await checksOf({ ...given, limits: { pagesLeftMin: 1e12 } })).toEqual(['pages']);
  });

  it('a limit that nothing can be held against: silence is no good news', async () => {
    const infos = { all: info(0) };
    expect(await checksOf({ infos, limits: { lagHours: 3 } })).toEqual(['unseen']);
    expect(await checksOf({ fails: HELD, limits: { staleHours: 6 } })).toEqual(['unseen']);
    expect(await checksOf({ fails: HELD })).toEqual([]);
    const broken = () => {
      throw new SamovarError('storage', 'damaged');
    };
    expect(await checksOf({ infos, over: { inspect: broken } })).toEqual(['unseen']);
  });

  it('every problem says what to do', async () => {
    const { problems } = await look({
      limits: { staleHours: 6, lagHours: 1, bucketHours: 1, deadLettersMax: 0 },
    });
    expect(problems.length).toBeGreaterThan(1);
    for (const { message, remedy } of problems)
      expect([message, remedy].every((text) => text.length > 10)).toBe(true);
  });
});

describe('as Prometheus reads it', () => {
  it('times are seconds, names from outside are escaped, and what is not known is left out', async () => {
    const store = testStore(tempFolder());
    const odd = 'gs://b/"quoted\\/\n';
    const report = await look({ store, infos: { all: info(1) }, over: { roots: [odd] } });
    const page = parsePage(`${monitorPrometheus(report)}\n`);
    const labels = { table: 'all', warehouse: URL };
    expect(page.value('samovar_monitor_table_modified_seconds', labels)).toBe(NOW_MS / 1000 - 3600);
    expect(page.value('samovar_monitor_table_waiting', labels)).toBe(0);
    expect(page.value('samovar_monitor_last_look_seconds')).toBe(NOW_MS / 1000);
    expect(page.samples.some(({ name }) => name === 'samovar_monitor_bucket_newest_build_seconds')).toBe(
      false,
    );
    expect(
      page.samples.find(({ name }) => name === 'samovar_monitor_bucket_builds')?.labels.bucket,
    ).toContain('quoted');
    const nothing = parsePage(`${monitorPrometheus(await look({ fails: HELD }))}\n`);
    expect(nothing.value('samovar_monitor_unseen')).toBe(2);
    expect(nothing.types.has('samovar_monitor_table_rows')).toBe(false);
  });
});

describe('for people', () => {
  it('tells a terminal nothing but letters', async () => {
    const report = await look({
      infos: { all: info(7) },
      limits: { staleHours: 6 },
      over: {
        roots: ['gs://b/\u001b[31mred\u202e/'],
        tables: [{ name: 'al\u001bl', warehouse: URL, days: 0 }],
      },
    });
    expect(monitorText(report)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });
});
