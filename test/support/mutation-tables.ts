import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { loadMutations, type MutationTablesContext } from '../../pipeline/jobs/mutation-tables.ts';
import { loadMutationTables, type MutationTable } from '../../pipeline/jobs/mutation-tables-config.ts';
import type { LogReader } from '../../pipeline/jobs/mutation-tables-rows.ts';
import type { LogRecord } from '../../pipeline/mutation-log/contract.ts';
import type { Mutation } from '../../pipeline/records/mutation/types.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { recordsOf } from './corpus.ts';
import { NOW_MS, testStore } from './store.ts';

export const TABLES: readonly MutationTable[] = await loadMutationTables();

/** The log of o/r, in memory. */
export interface TestLog extends LogReader {
  readonly records: readonly LogRecord[];
  add(...mutations: readonly Mutation[]): void;
  /** A copy that has only the first so many records. */
  shortened(records: number): LogReader;
  /** Another log takes its place. */
  replace(...mutations: readonly Mutation[]): void;
  /** Records that were read from it so far. */
  reads(): number;
}

export function testLog(): TestLog {
  let records: LogRecord[] = [];
  let reads = 0;
  const add = (...mutations: readonly Mutation[]) => {
    records.push(...recordsOf(mutations, { offset: records.at(-1)?.end ?? 0 }));
  };
  const readerOf = (some: () => readonly LogRecord[]): LogReader => ({
    segments: () => {
      const size = some().at(-1)?.end ?? 0;
      return size === 0 ? [] : [{ number: 0, size, sha224: '', name: '0000', growing: true }];
    },
    read: async function* ({ from } = {}) {
      const offset = from?.offset ?? 0;
      const isPlace =
        offset === 0 || some().some((record) => record.offset === offset || record.end === offset);
      if (!isPlace) throw new SamovarError('conflict', `there is no record at ${offset}`);
      for (const record of some().filter((one) => one.offset >= offset)) {
        reads += 1;
        yield record;
      }
    },
  });
  return {
    ...readerOf(() => records),
    get records() {
      return records;
    },
    add,
    shortened: (count) => readerOf(() => records.slice(0, count)),
    replace: (...mutations) => {
      records = [];
      add(...mutations);
    },
    reads: () => reads,
  };
}

export interface TestTables {
  readonly store: Store;
  readonly warehouse: Warehouse;
  readonly log: TestLog;
  readonly context: MutationTablesContext;
  /** The corpus applies what the log has beyond it. */
  replay(): void;
  load(options?: { readonly replace?: boolean }): ReturnType<typeof loadMutations>;
  /** Columns of a table, by default in the order of its keys. */
  rows(table: string, columns: string, order?: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export interface TestTablesOptions {
  readonly warehouse?: Warehouse;
  readonly store?: Store;
  readonly log?: TestLog;
  readonly tables?: readonly MutationTable[];
}

/** Everything real but the log: SQLite, and DuckDB in a file. */
export async function testTables(folder: string, options: TestTablesOptions = {}): Promise<TestTables> {
  const store = options.store ?? testStore(folder);
  const warehouse = options.warehouse ?? (await testWarehouse(`${store.file}.duckdb`));
  const { log = testLog(), tables = TABLES } = options;
  const context: MutationTablesContext = {
    store,
    warehouse,
    corpus: store.corpus,
    openLog: async () => log,
    signal: new AbortController().signal,
    nowMs: () => NOW_MS,
    sleep: async () => undefined,
    workDir: join(folder, 'work'),
  };
  return {
    store,
    warehouse,
    log,
    context,
    replay: () => store.transaction(() => store.corpus.repo('o', 'r').apply(log.records)),
    load: ({ replace = false } = {}) => loadMutations(context, { tables, replace, check: true }),
    rows: (table, columns, order = 'path') =>
      warehouse.query(`SELECT ${columns} FROM ${warehouse.tableName(table)} ORDER BY ${order}`),
  };
}

export async function testWarehouse(file: string): Promise<Warehouse> {
  const warehouse = await openWarehouse(`duckdb:${file}`, { timeoutMs: 60_000, loadTimeoutMs: 60_000 });
  onTestFinished(() => warehouse.close());
  return warehouse;
}
