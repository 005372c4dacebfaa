import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Appender, Warehouse, WriterKind } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { type TableConfig, tableSpec } from '../../pipeline/config/tables.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { destinationOf } from '../../pipeline/jobs/tables.ts';
import { repairLedger, verifyTable } from '../../pipeline/jobs/verify.ts';
import { ensureLatestViews } from '../../pipeline/jobs/views.ts';
import { openTableWriter, type WriterContext } from '../../pipeline/jobs/writer.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { type BigQueryFake, startBigQueryFake } from '../support/bigquery-fake.ts';
import { addRow, NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const OPTIONS = { timeoutMs: 1_500, loadTimeoutMs: 20_000 };
let fake: BigQueryFake;
let tables = 0;
beforeAll(async () => {
  fake = await startBigQueryFake();
});
afterAll(() => fake.stop());

function tableOf(writer: WriterKind): TableConfig {
  tables += 1;
  const name = `t${tables}`;
  return {
    name,
    days: 0,
    cluster: [],
    writer,
    kettleLedger: 'build_emitted',
    schemaFile: 'schemas/build.json',
  };
}

/** A table of its own on the strict server (or DuckDB), with a database of its own. */
async function setUp(writer: WriterKind, where: 'bigquery' | 'duckdb' = 'bigquery') {
  const table = tableOf(writer);
  const url =
    where === 'duckdb' ? `duckdb:${join(temp, `${table.name}.duckdb`)}` : 'bigquery:fake-project:fake';
  const endpoints = { endpoint: fake.endpoint, storageWriteEndpoint: fake.storageWriteEndpoint };
  const warehouse = await openWarehouse(url, { ...OPTIONS, ...(where === 'bigquery' && endpoints) });
  const store = testStore(temp);
  const spec = await tableSpec(table);
  const context: WriterContext = {
    store,
    warehouse,
    signal: new AbortController().signal,
    nowMs: () => NOW_MS,
    sleep: async () => undefined,
    workDir: join(temp, `work-${table.name}`),
  };
  const paths = async () => {
    const rows = await warehouse.query(`SELECT path FROM ${warehouse.tableName(table.name)} ORDER BY path`);
    return rows.map(({ path }) => String(path).split('/').at(-1) ?? '').sort();
  };
  return { table, spec, store, warehouse, context, paths, open: () => openTableWriter(context, table, spec) };
}

type SetUp = Awaited<ReturnType<typeof setUp>>;

const add = async (store: Store, build: string, over: object = {}, line?: string) =>
  (await addRow(store, { build, ...over }, line)).id;

function states({ store, table, warehouse }: SetUp) {
  const { committed, open } = store.ledger.counts(destinationOf(store, table, warehouse.url));
  return { committed, open };
}

/** The warehouse with an appender whose calls can be made to break off, as a process that is killed does. */
function breaking(warehouse: Warehouse, kill: (appender: Appender) => Partial<Appender>): Warehouse {
  return {
    ...warehouse,
    appender: (kind) => ({ ...warehouse.appender(kind), ...kill(warehouse.appender(kind)) }),
  };
}

const KILLED = new SamovarError('internal', 'killed here');

describe.each(['storage-write', 'insert-all'] as const)('%s', (kind) => {
  it('writes what is lacking, once, however often it is asked', async () => {
    const at = await setUp(kind);
    const ids = [await add(at.store, '1'), await add(at.store, '2')];
    const writer = at.open();
    await writer.open();
    expect(await writer.write(ids)).toBe(2);
    expect(await writer.write(ids)).toBe(0);
    expect((await writer.writeAll({ replace: false })).rows).toBe(0);
    expect(await at.paths()).toEqual(['1', '2']);
    expect(states(at)).toEqual({ committed: 2, open: 0 });
  });

  it('an answer that is lost after the rows were taken doubles nothing', async () => {
    const at = await setUp(kind);
    const writer = at.open();
    await writer.open();
    fake.faults.lostInserts = 1;
    fake.storageWrite.faults.lostAppends = 1;
    expect(await writer.write([await add(at.store, '1')])).toBe(1);
    fake.faults.lostInserts = 0;
    fake.storageWrite.faults.lostAppends = 0;
    expect(await at.paths()).toEqual(['1']);
  });

  it.each(['before', 'after'])(
    'killed %s the rows were taken, the next run asks first, and each row is in once',
    async (when) => {
      const at = await setUp(kind);
      const ids = [await add(at.store, '1'), await add(at.store, '2')];
      const dying = breaking(at.warehouse, (appender) => ({
        append: async (request, options) => {
          if (when === 'after') await appender.append(request, options);
          throw KILLED;
        },
      }));
      const writer = openTableWriter({ ...at.context, warehouse: dying }, at.table, at.spec);
      await writer.open();
      await expect(writer.write(ids)).rejects.toThrow('killed here');
      expect(states(at)).toEqual({ committed: 0, open: 2 });
      // Long after: whatever the server remembered of insert ids is forgotten.
      fake.faults.dedupe = false;
      const next = at.open();
      expect(await next.open()).toBe(when === 'after' ? 2 : 0);
      await next.write(ids);
      fake.faults.dedupe = true;
      expect(await at.paths()).toEqual(['1', '2']);
      expect(states(at)).toEqual({ committed: 2, open: 0 });
    },
  );

  it('a row that the table refuses has a dead letter with its reason, and the others are in', async () => {
    const at = await setUp(kind);
    const bad = `${JSON.stringify({ finished: 1, path: 'gs://bucket/logs/ci-job/2', surprise: true })}\n`;
    const ids = [await add(at.store, '1'), await add(at.store, '2', {}, bad), await add(at.store, '3')];
    const writer = at.open();
    await writer.open();
    expect(await writer.write(ids)).toBe(2);
    expect(await at.paths()).toEqual(['1', '3']);
    const letters = [...at.store.deadLetters.list()];
    expect(letters).toMatchObject([
      { kind: 'load', subject: `${at.table.name} ← gs://bucket/logs/ci-job/2` },
    ]);
    expect(letters[0]?.reason).toContain('surprise');
    expect(states(at)).toEqual({ committed: 2, open: 0 });
  });

  it('a row too large to be appended goes in by a load job, with its version', async () => {
    const at = await setUp(kind);
    const path = 'gs://bucket/logs/ci-job/2';
    const large = `${JSON.stringify({ finished: 1, path, test: [{ name: 'x', failure_text: 'y'.repeat(10_000_000) }] })}\n`;
    const ids = [await add(at.store, '1'), await add(at.store, '2', {}, large)];
    const writer = at.open();
    await writer.open();
    expect(await writer.write(ids)).toBe(2);
    const rows = await at.warehouse.query(
      `SELECT path, row_version FROM ${at.warehouse.tableName(at.table.name)} ORDER BY path`,
    );
    expect(rows.map((row) => row.row_version)).toEqual(ids.map((id) => at.store.rows.get(id)?.version));
  });

  it('an older version stays, and the views show the newest', async () => {
    const at = await setUp(kind);
    const first = await add(at.store, '1');
    const writer = at.open();
    await writer.open();
    await writer.write([first]);
    const line = `${JSON.stringify({ finished: NOW_MS / 1000, path: 'gs://bucket/logs/ci-job/1', result: 'FAILURE' })}\n`;
    await add(at.store, '1', {}, line);
    const later = openTableWriter({ ...at.context, nowMs: () => NOW_MS + 60_000 }, at.table, at.spec);
    expect(await later.write([first])).toBe(1);
    expect(await at.paths()).toEqual(['1', '1']);
    const views = await ensureLatestViews(at.warehouse, [{ config: at.table, spec: at.spec }], at.context);
    expect(views.map(({ name }) => name)).toEqual(['build_latest', `build_latest_${at.table.name}`]);
    expect(states(at)).toEqual({ committed: 1, open: 0 });
  });
});

describe('load', () => {
  it('a load that is refused for one row is halved until that row is found: the others are in', async () => {
    const at = await setUp('load');
    const bad = `${JSON.stringify({ finished: 1, path: 'gs://bucket/logs/ci-job/3', surprise: true })}\n`;
    const ids: number[] = [];
    for (const build of ['1', '2', '3', '4', '5'])
      ids.push(await add(at.store, build, {}, build === '3' ? bad : undefined));
    const writer = at.open();
    await writer.open();
    expect(await writer.write(ids)).toBe(4);
    expect(await at.paths()).toEqual(['1', '2', '4', '5']);
    expect([...at.store.deadLetters.list()]).toMatchObject([
      { kind: 'load', subject: `${at.table.name} ← gs://bucket/logs/ci-job/3`, code: 'malformed' },
    ]);
  });

  it('a load whose outcome stayed open is asked about before anything else is sent', async () => {
    const at = await setUp('load');
    const ids = [await add(at.store, '1')];
    const dying: Warehouse = {
      ...at.warehouse,
      load: async (request, options) => {
        await at.warehouse.load(request, options);
        throw KILLED;
      },
      loadState: async () => {
        throw KILLED;
      },
    };
    const writer = openTableWriter({ ...at.context, warehouse: dying }, at.table, at.spec);
    await writer.open();
    await expect(writer.write(ids)).rejects.toThrow();
    const next = at.open();
    await next.write(ids);
    expect(await at.paths()).toEqual(['1']);
  });
});

describe('the ledger against the table', () => {
  async function spoilt() {
    const at = await setUp('load', 'duckdb');
    for (const build of ['1', '2', '3', '4', '5']) {
      const head = {
        finished: NOW_MS / 1000,
        path: `gs://bucket/logs/ci-job/${build}`,
        passed: true,
        tests_run: 3,
        tests_failed: 0,
      };
      await add(at.store, build, {}, `${JSON.stringify(head)}\n`);
    }
    const writer = at.open();
    await writer.writeAll({ replace: false });
    const name = at.warehouse.tableName(at.table.name);
    return { ...at, name, check: () => verifyTable(at.context, at.table, at.spec) };
  }

  it('agrees after a load', async () => {
    const at = await spoilt();
    expect(await at.check()).toMatchObject({
      builds: 5,
      differences: [],
      days: [{ day: '2026-11-20', same: true, rows: 5 }],
    });
  });

  it('names what is missing, doubled, different and unknown, and a repair makes it right', async () => {
    const at = await spoilt();
    const path = (build: number) => `gs://bucket/logs/ci-job/${build}`;
    await at.warehouse.query(`DELETE FROM ${at.name} WHERE path = '${path(1)}'`);
    await at.warehouse.query(`INSERT INTO ${at.name} SELECT * FROM ${at.name} WHERE path = '${path(2)}'`);
    await at.warehouse.query(`UPDATE ${at.name} SET tests_run = 4 WHERE path = '${path(3)}'`);
    const fourth = at.store.builds.byPath(path(4))?.id ?? 0;
    const destination = destinationOf(at.store, at.table, at.warehouse.url);
    at.store.transaction(() => at.store.ledger.forget(destination, [fourth]));
    await at.warehouse.query(`INSERT INTO ${at.name}(path) VALUES ('gs://elsewhere/1')`);
    const found = await at.check();
    expect(found.differences.map((one) => [one.path, one.kind])).toEqual([
      [path(1), 'missing'],
      [path(2), 'doubled'],
      [path(3), 'different'],
      [path(4), 'unknown'],
      ['gs://elsewhere/1', 'unknown'],
    ]);
    expect(repairLedger(at.context, at.table, found)).toEqual({ again: 3, adopted: 1, left: 1 });
    await at.open().writeAll({ replace: false });
    expect((await at.check()).differences).toMatchObject([{ path: 'gs://elsewhere/1', kind: 'unknown' }]);
    expect(await at.paths()).toEqual(['1', '1', '2', '3', '4', '5']);
  });

  it('an older version that waits to be replaced is no difference', async () => {
    const at = await spoilt();
    await add(
      at.store,
      '1',
      {},
      `${JSON.stringify({ finished: NOW_MS / 1000, path: 'gs://bucket/logs/ci-job/1', passed: false })}\n`,
    );
    expect((await at.check()).differences).toEqual([]);
  });
});
