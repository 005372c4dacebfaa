import { join } from 'node:path';
import { ROW_VERSION, ROW_WRITTEN, type TableSpec } from '../backends/warehouse/contract.ts';
import type { TableConfig } from '../config/tables.ts';
import { destinationOf, type TablesContext } from './tables.ts';
import { openTableWriter } from './writer.ts';

export type KindTablesContext = Omit<TablesContext, 'rows'>;

/** A table of the rows of one kind, as the store keeps them by kind. */
export interface KindTable {
  readonly kind: string;
  readonly config: TableConfig;
  readonly spec: TableSpec;
}

export interface KindLoadRequest {
  readonly replace: boolean;
  readonly check: boolean;
  /** Below the work folder: where its files are made. */
  readonly folder: string;
}

export interface KindTableResult {
  readonly table: string;
  /** Written by this load. */
  readonly rows: number;
  /** Of NDJSON. */
  readonly bytes: number;
  /** Rows that there are to be, those of deleted things included. */
  readonly known: number;
  /** Of these, what the warehouse has not confirmed. */
  readonly missing: number;
  /** Seconds since the oldest of the missing; undefined: none is missing, or it tells no time. */
  readonly secondsBehind: number | undefined;
  /** Counted there: rows, and different keys. Undefined: not counted. */
  readonly warehouse: { readonly rows: number; readonly keys: number } | undefined;
  /** Nothing is missing, and what was counted is what there is to be: once where load jobs write. */
  readonly complete: boolean;
}

/**
 * Brings one table up to date with the rows of its kind: what is new, once. `replace`: all of them anew. `check`: counts what the
 * warehouse has.
 */
export async function loadKindTable(
  context: KindTablesContext,
  table: KindTable,
  { replace, check, folder }: KindLoadRequest,
): Promise<KindTableResult> {
  const { store, warehouse, nowMs, signal } = context;
  const { mutationRows } = store;
  const { kind, config, spec } = table;
  const destination = destinationOf(store, config, warehouse.url);
  // What was emitted is emitted again, in files of which a later one must not be passed over.
  if (replace) store.transaction(() => mutationRows.unsettle(destination));
  const around = { ...context, rows: mutationRows.rowsOf(kind), workDir: join(context.workDir, folder) };
  const writer = openTableWriter(around, config, spec);
  const { rows, bytes } = await writer.writeAll({ replace }).finally(() => writer.close());
  if (config.writer !== 'load') await ensureLatest(context, table);
  const left = store.transaction(() => mutationRows.settle(kind, destination));
  const known = mutationRows.counts(kind).rows;
  const counted = check ? await countRows(context, config.name, signal) : undefined;
  // An appended table keeps older rows of a key: only its keys can be compared.
  const right =
    counted === undefined || (counted.keys === known && (config.writer !== 'load' || counted.rows === known));
  return {
    table: config.name,
    rows,
    bytes,
    known,
    missing: left.rows,
    secondsBehind:
      left.oldestAt === undefined ? undefined : Math.max(0, Math.round(nowMs() / 1000 - left.oldestAt)),
    warehouse: counted,
    complete: left.rows === 0 && right,
  };
}

function ensureLatest({ warehouse, signal }: KindTablesContext, { config, spec }: KindTable) {
  const view = { name: latestViewOf(config.name), table: spec, columns: [ROW_WRITTEN, ROW_VERSION] };
  return warehouse.ensureLatestView(view, { signal });
}

async function countRows({ warehouse }: KindTablesContext, table: string, signal: AbortSignal) {
  const sql = `SELECT COUNT(*) AS row_count, COUNT(DISTINCT path) AS key_count FROM ${warehouse.tableName(table)}`;
  const [found] = await warehouse.query(sql, { signal });
  return { rows: Number(found?.row_count ?? 0), keys: Number(found?.key_count ?? 0) };
}

/** What queries read where a table keeps older rows of a key. */
export const latestViewOf = (name: string) => `${name}_latest`;
