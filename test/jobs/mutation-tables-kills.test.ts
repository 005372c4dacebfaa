import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openStore, type Store } from '../../pipeline/store/open.ts';
import { at, issueMutation, repoMutation } from '../support/corpus.ts';
import { TABLES, type TestLog, testLog, testTables, testWarehouse } from '../support/mutation-tables.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const CHECKED = ['mutations', 'comments'] as const;
const tables = TABLES.filter(({ kind }) => CHECKED.some((name) => name === kind));

const comment = (id: bigint) => ({ id, user: { id: 1n, login: 'ann' }, body: `said ${id}`, created: at(5) });
const BEFORE = [
  repoMutation({ labels: [{ id: 7n, name: 'bug' }] }),
  issueMutation(1, {
    title: 'one',
    addLabels: [{ id: 7n, name: 'bug' }],
    comments: [comment(1n), comment(2n)],
  }),
  issueMutation(2, { title: 'two', comments: [comment(3n)] }),
];
const AFTER = [
  issueMutation(1, { title: 'one again', samovar: { deletedComments: [2n] } }),
  issueMutation(2, { notExist: true }),
  issueMutation(3, { title: 'three', comments: [comment(4n)] }),
  repoMutation({ labels: [{ id: 7n, name: 'defect' }] }),
];
const ANEW = [issueMutation(2, { title: 'two of another log' })];

interface Killer {
  readonly store: Store;
  readonly warehouse: Warehouse;
  calls(): number;
}

/** Dead from the n-th call of the store's transactions or of the warehouse on: `after` it has been done, or before. */
function dyingAt(n: number, after: boolean, store: Store, warehouse: Warehouse): Killer {
  let calls = 0;
  const die = () => new Error(`killed at call ${n}`);
  const counted =
    <A extends readonly unknown[], T>(call: (...args: A) => T) =>
    (...args: A): T => {
      calls += 1;
      if (calls > n || (calls === n && !after)) throw die();
      const done = call(...args);
      if (calls !== n) return done;
      if (done instanceof Promise) return done.then(() => Promise.reject(die())) as T;
      throw die();
    };
  return {
    calls: () => calls,
    store: { ...store, transaction: counted(store.transaction) as Store['transaction'] },
    warehouse: {
      ...warehouse,
      ensureTable: counted(warehouse.ensureTable),
      load: counted(warehouse.load),
      loadState: counted(warehouse.loadState),
      query: counted(warehouse.query),
    },
  };
}

/** A database and a warehouse that have the first records, to be copied: what comes after is what is tested. */
async function loadedOnce(folder: string) {
  const store = openStore(join(folder, 'run.db'), { nowMs: () => NOW_MS });
  const warehouse = await testWarehouse(join(folder, 'run.duckdb'));
  const log = testLog();
  log.add(...BEFORE);
  const first = await testTables(folder, { store, warehouse, log, tables });
  first.replay();
  expect((await first.load()).complete).toBe(true);
  store.close();
  await warehouse.close();
  // The ledger names the warehouse by its file: that one must come back under its own name.
  for (const kind of ['db', 'duckdb']) renameSync(join(folder, `run.${kind}`), join(folder, `first.${kind}`));
}

/** The log grows (or is replaced), and is loaded in a process that dies; then once more in one that does not. */
async function runKilled(folder: string, n: number, { after, replaced }: Death) {
  const at = (name: string) => join(folder, name);
  rmSync(at('run.db-wal'), { force: true });
  for (const kind of ['db', 'duckdb']) copyFileSync(at(`first.${kind}`), at(`run.${kind}`));
  const store = openStore(at('run.db'), { nowMs: () => NOW_MS });
  const warehouse = await testWarehouse(at('run.duckdb'));
  const log = testLog();
  log.add(...BEFORE);
  grow(log, store, replaced);
  const whole = await testTables(folder, { store, warehouse, log, tables });
  whole.replay();
  const killer = dyingAt(n, after, store, warehouse);
  const dying = await testTables(folder, { ...killer, log, tables });
  const died = await dying.load().then(
    () => false,
    () => true,
  );
  const result = await whole.load();
  const rows = await Promise.all(CHECKED.map((table) => whole.rows(table, '*')));
  await warehouse.close();
  store.close();
  return { died, calls: killer.calls(), result, rows };
}

interface Death {
  readonly after: boolean;
  readonly replaced: boolean;
}

function grow(log: TestLog, store: Store, replaced: boolean): void {
  if (replaced) {
    log.replace(...ANEW);
    store.transaction(() => store.corpus.repo('o', 'r').clear());
  } else log.add(...AFTER);
}

describe('killed at any call of the store or the warehouse: the next load has everything, once', () => {
  it.each([
    ['before the call, the log grew', { after: false, replaced: false }],
    ['after the call, the log grew', { after: true, replaced: false }],
    ['after the call, the log was replaced', { after: true, replaced: true }],
  ] as const)(
    '%s',
    async (_, death) => {
      const folder = mkdtempSync(join(temp, 'killed-'));
      await loadedOnce(folder);
      const clean = await runKilled(folder, Number.POSITIVE_INFINITY, death);
      expect(clean.died).toBe(false);
      expect(clean.calls).toBeGreaterThan(20);
      for (let n = 1; n <= clean.calls; n += 1) {
        const { died, result, rows } = await runKilled(folder, n, death);
        expect([n, died, result.complete]).toEqual([n, true, true]);
        expect(rows, `killed at ${n}`).toEqual(clean.rows);
        const once = result.tables.every(({ warehouse, known }) => warehouse?.rows === known);
        expect(once, `killed at ${n}`).toBe(true);
      }
    },
    300_000,
  );
});
