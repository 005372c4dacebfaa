import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TableSpec } from '../../pipeline/backends/warehouse/contract.ts';
import type { TableConfig } from '../../pipeline/config/tables.ts';
import {
  destinationOf,
  emitTable,
  isOlder,
  mustReplace,
  type TablesContext,
  updateTable,
} from '../../pipeline/jobs/tables.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { type LoadFault, type MemoryWarehouse, memoryWarehouse } from '../support/memory-warehouse.ts';
import { addRow, NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const DAY_S = 86_400;
const NOW_S = NOW_MS / 1000;
let folders = 0;

const all: TableConfig = {
  name: 'all',
  days: 0,
  cluster: [],
  writer: 'load' as const,
  kettleLedger: 'build_emitted',
  schemaFile: '',
};
const day: TableConfig = {
  name: 'day',
  days: 1,
  replaceAfterDays: 1.9,
  cluster: [],
  writer: 'load' as const,
  kettleLedger: 'build_emitted_1',
  schemaFile: '',
};
const spec = (table: TableConfig): TableSpec => ({ name: table.name, schema: [], key: 'path' });

function setUp(fault?: (n: number) => LoadFault, silent?: () => boolean) {
  folders += 1;
  const store = testStore(temp);
  const warehouse = memoryWarehouse('bigquery:p:d', fault, silent);
  const context: TablesContext = {
    store,
    warehouse,
    signal: new AbortController().signal,
    nowMs: () => NOW_MS,
    sleep: async () => undefined,
    workDir: join(temp, `work-${folders}`),
  };
  return {
    store,
    warehouse,
    context,
    run: (table = all, replace = false) => updateTable(context, table, spec(table), { replace }),
  };
}

function committed(store: Store, table: TableConfig, warehouse: MemoryWarehouse): number {
  return store.ledger.counts(destinationOf(store, table, warehouse.url)).committed;
}

describe('bringing a table up to date', () => {
  it('loads every row once, however often it is asked', async () => {
    const { store, warehouse, context, run } = setUp();
    await addRow(store, { build: '1' });
    await addRow(store, { build: '2', finishedAt: NOW_S - 10 });
    expect(await run()).toMatchObject({ rows: 2 });
    expect(await run()).toMatchObject({ rows: 0 });
    await addRow(store, { build: '3', finishedAt: NOW_S - 5 });
    expect(await run()).toMatchObject({ rows: 1 });
    expect(warehouse.paths('all')).toEqual(['1', '2', '3'].map((id) => `gs://bucket/logs/ci-job/${id}`));
    expect(warehouse.loads).toHaveLength(2);
    expect(readdirSync(context.workDir)).toEqual([]);
  });

  it('takes into a window only what belongs there', async () => {
    const { store, warehouse, run } = setUp();
    await addRow(store, { build: '1', finishedAt: NOW_S - DAY_S - 1 });
    await addRow(store, { build: '2', finishedAt: NOW_S - DAY_S + 1 });
    await run(day);
    expect(warehouse.paths('day')).toEqual(['gs://bucket/logs/ci-job/2']);
  });

  it('makes a table anew, from what is in its window now', async () => {
    const { store, warehouse, run } = setUp();
    await addRow(store, { build: '1' });
    await run(day);
    await addRow(store, { build: '2' });
    expect(await run(day, true)).toMatchObject({ rows: 2, replaced: true });
    expect(warehouse.paths('day')).toHaveLength(2);
    expect(committed(store, day, warehouse)).toBe(2);
  });

  it('replaces a row whose build was rewritten', async () => {
    const { store, warehouse, run } = setUp();
    await addRow(store, { build: '1' }, '{"path":"gs://bucket/logs/ci-job/1","v":1}\n');
    await addRow(store, { build: '2' }, '{"path":"gs://bucket/logs/ci-job/2","v":1}\n');
    await run();
    await addRow(store, { build: '1' }, '{"path":"gs://bucket/logs/ci-job/1","v":2}\n');
    await run();
    expect(warehouse.loads[1]?.superseded).toEqual(['gs://bucket/logs/ci-job/1']);
    expect([...warehouse.paths('all')].sort()).toEqual([
      'gs://bucket/logs/ci-job/1',
      'gs://bucket/logs/ci-job/2',
    ]);
  });

  it.each(['lost-before', 'lost-after'] as const)(
    'asks again under the same id when the answer was %s',
    async (kind) => {
      const { store, warehouse, run } = setUp((n) => (n <= 2 ? kind : undefined));
      await addRow(store);
      expect(await run()).toMatchObject({ rows: 1 });
      expect(new Set(warehouse.loads.map(({ jobId }) => jobId)).size).toBe(1);
      expect(warehouse.paths('all')).toHaveLength(1);
    },
  );

  it.each(['lost-before', 'lost-after'] as const)(
    'a run that ended with the answer %s is finished by the next one',
    async (kind) => {
      let down = true;
      const { store, warehouse, run } = setUp(
        () => (down ? kind : undefined),
        () => down,
      );
      await addRow(store);
      await expect(run()).rejects.toMatchObject({ code: 'network' });
      down = false;
      expect(committed(store, all, warehouse)).toBe(0);
      await addRow(store, { build: '101' });
      expect(await run()).toMatchObject({ rows: 2 });
      expect(warehouse.paths('all')).toHaveLength(2);
      expect(committed(store, all, warehouse)).toBe(2);
    },
  );

  it('takes a new id for a job that the backend failed, and loads once', async () => {
    const { store, warehouse, run } = setUp((n) => (n <= 2 ? 'backend-error' : undefined));
    await addRow(store);
    expect(await run()).toMatchObject({ rows: 1 });
    expect(new Set(warehouse.loads.map(({ jobId }) => jobId)).size).toBe(3);
    expect(warehouse.paths('all')).toHaveLength(1);
    expect([...store.deadLetters.list()]).toEqual([]);
  });

  it('a sent load whose file is gone is settled by what the warehouse says', async () => {
    let down = true;
    const { store, warehouse, context, run } = setUp(
      () => (down ? 'lost-after' : undefined),
      () => down,
    );
    await addRow(store);
    await expect(run()).rejects.toMatchObject({ code: 'network' });
    down = false;
    for (const name of readdirSync(context.workDir)) writeFileSync(join(context.workDir, name), '');
    expect(await run()).toMatchObject({ rows: 1 });
    expect(warehouse.paths('all')).toHaveLength(1);
    expect(committed(store, all, warehouse)).toBe(1);
  });

  it('refused rows leave a dead letter, nothing in the table and nothing in the ledger; the next try has a new id', async () => {
    const { store, warehouse, run } = setUp((n) => (n === 1 ? 'bad-rows' : undefined));
    await addRow(store);
    await expect(run()).rejects.toMatchObject({ code: 'malformed' });
    expect([...store.deadLetters.list()]).toMatchObject([
      { kind: 'load', code: 'malformed', reason: 'row 1: no such field' },
    ]);
    expect(committed(store, all, warehouse)).toBe(0);
    expect(await run()).toMatchObject({ rows: 1 });
    expect(new Set(warehouse.loads.map(({ jobId }) => jobId)).size).toBe(2);
    expect([...store.deadLetters.list()]).toEqual([]);
  });

  it('a file that was written and never sent is loaded when it is whole, and made again when it is not', async () => {
    for (const damage of [false, true]) {
      const { store, warehouse, context, run } = setUp();
      await addRow(store);
      const emission = await emitTable(context, all, { replace: false });
      expect(emission.rows).toBe(1);
      const file = join(context.workDir, 'build_all.json.gz');
      expect(existsSync(file)).toBe(true);
      if (damage) writeFileSync(file, 'half');
      expect(await run()).toMatchObject({ rows: 1 });
      expect(warehouse.paths('all')).toHaveLength(1);
    }
  });

  it('keeps under the loads that BigQuery takes in a day', async () => {
    const { store, run, warehouse } = setUp();
    await addRow(store);
    const destination = destinationOf(store, all, warehouse.url);
    store.transaction(() => {
      for (let n = 0; n < 1_500; n += 1) {
        const batch = store.ledger.begin(destination, false);
        store.ledger.send(batch, { jobId: `job-${n}`, warehouse: warehouse.url, attempt: 0 });
        store.ledger.commit(batch);
      }
    });
    await expect(run()).rejects.toMatchObject({
      code: 'throttled',
      remedy: expect.stringContaining('Load less often'),
    });
    expect(warehouse.loads).toEqual([]);
  });

  it('keeps what two warehouses have apart', async () => {
    const { store, context, run } = setUp();
    await addRow(store);
    await run();
    const other = memoryWarehouse('bigquery:p:other');
    expect(
      await updateTable({ ...context, warehouse: other }, all, spec(all), { replace: false }),
    ).toMatchObject({ rows: 1 });
  });

  it("takes over Kettle's ledger of the same window for the first BigQuery table, and for no other warehouse", async () => {
    const { store, run, warehouse } = setUp();
    const { id } = await addRow(store);
    const kettle = store.ledger.destination('build_emitted');
    const batch = store.ledger.begin(kettle, false);
    store.ledger.add(batch, [{ item: id, version: store.rows.get(id)?.version ?? 0 }]);
    store.ledger.commit(batch);
    expect(destinationOf(store, all, 'duckdb:x')).not.toBe(kettle);
    expect(await run()).toMatchObject({ rows: 0 });
    expect(warehouse.loads).toEqual([]);
  });
});

describe('rolling a window', () => {
  it('is due when nothing was emitted, or when the oldest row has outlived it', async () => {
    const { store, run, warehouse, context } = setUp();
    const due = () => mustReplace(store, day, warehouse.url, context.nowMs());
    expect(due()).toBe(true);
    await addRow(store, { finishedAt: NOW_S - DAY_S + 60 });
    await run(day);
    expect(due()).toBe(false);
    expect(mustReplace(store, day, warehouse.url, NOW_MS + DAY_S * 1000)).toBe(true);
    expect(mustReplace(store, all, warehouse.url, NOW_MS)).toBe(false);
    expect(isOlder(store, destinationOf(store, day, warehouse.url), 0.5, NOW_MS)).toBe(true);
  });
});
