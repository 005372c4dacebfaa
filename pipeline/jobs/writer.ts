import type { Appender, TableSpec } from '../backends/warehouse/contract.ts';
import { ROW_VERSION, ROW_WRITTEN } from '../backends/warehouse/contract.ts';
import { textLiteral } from '../backends/warehouse/literals.ts';
import type { TableConfig } from '../config/tables.ts';
import { SamovarError } from '../errors.ts';
import { type AppendContext, appendRows, isAppend, recoverAppend } from '../load/append.ts';
import { type PackedRow, packRow, unpackRow } from '../records/chunk.ts';
import type { PendingRow } from '../store/rows.ts';
import {
  destinationOf,
  emitTable,
  fileOf,
  loadFile,
  recover as recoverLoads,
  type TableResult,
  type TablesContext,
  updateTable,
  windowStart,
} from './tables.ts';

const PAGE_ROWS = 500;
/** Loads refused for their rows in one write, before the table itself is at fault and not some row. */
const REFUSALS_MAX = 24;

/** Brings rows into one table by the way its configuration names, and keeps its ledger. */
export interface TableWriter {
  readonly table: TableConfig;
  /** Makes the table and ends what an earlier run left open; gives the rows that were found to be in. */
  open(): Promise<number>;
  /** Of these builds, writes what the table lacks. When it returns each of them is in, has a dead letter, or is not of this table. */
  write(builds: readonly number[]): Promise<number>;
  /** Makes the table, ends what was left open, and writes everything the table lacks; `replace`: makes it anew. */
  writeAll(options: { readonly replace: boolean }): Promise<TableResult>;
  close(): Promise<void>;
}

export interface WriterContext extends TablesContext {
  readonly onRetry?: () => void;
}

export function openTableWriter(context: WriterContext, table: TableConfig, spec: TableSpec): TableWriter {
  return table.writer === 'load'
    ? loadWriter(context, table, spec)
    : appendWriter(context, table, spec, context.warehouse.appender(table.writer));
}

function loadWriter(context: WriterContext, table: TableConfig, spec: TableSpec): TableWriter {
  return {
    table,
    open: async () => {
      await context.warehouse.ensureTable(spec, { signal: context.signal });
      return recoverLoads(context, table, spec);
    },
    write: async (builds) => {
      // A load whose outcome stayed open is cleared up before anything else is sent.
      const recovered = await recoverLoads(context, table, spec);
      return recovered + (await loadBuilds(context, table, spec, builds));
    },
    writeAll: (options) => updateTable(context, table, spec, options),
    close: async () => undefined,
  };
}

/** A load that is refused for its rows is halved until the row is found: that one gets a dead letter, the others go in. */
async function loadBuilds(
  context: WriterContext,
  table: TableConfig,
  spec: TableSpec,
  builds: readonly number[],
  transform?: (row: PendingRow) => Promise<PackedRow>,
): Promise<number> {
  const queue: (readonly number[])[] = [builds];
  let rows = 0;
  let refusals = 0;
  for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
    const emission = await emitTable(context, table, {
      replace: false,
      builds: part,
      ...(transform && { transform }),
    });
    if (emission.rows === 0) {
      context.store.transaction(() => context.store.ledger.discard(emission.batch));
      continue;
    }
    try {
      rows += (await loadFile(context, table, spec, emission.batch)).rows;
    } catch (error) {
      refusals += 1;
      if (!isRowRefusal(error) || refusals > REFUSALS_MAX) throw error;
      if (part.length === 1) settleRefused(context, table, part[0] ?? 0, error);
      else queue.unshift(part.slice(0, part.length / 2), part.slice(part.length / 2));
    }
  }
  return rows;
}

const isRowRefusal = (error: unknown): error is SamovarError =>
  error instanceof SamovarError && error.code === 'malformed';

function settleRefused(
  context: WriterContext,
  { name }: TableConfig,
  build: number,
  error: SamovarError,
): void {
  const { store } = context;
  const path = (context.rows ?? store.rows).pathOf(build) ?? String(build);
  const letter = {
    kind: 'load',
    subject: `${name} ← ${path}`,
    code: error.code,
    reason: error.message,
  } as const;
  store.transaction(() => {
    store.deadLetters.add(letter);
    store.deadLetters.resolve('load', `${name} ← ${fileOf(context, { name })}`);
  });
}

function appendWriter(
  context: WriterContext,
  table: TableConfig,
  spec: TableSpec,
  appender: Appender,
): TableWriter {
  const destination = destinationOf(context.store, table, context.warehouse.url);
  const target = { destination, table: spec };
  const { rows: source = context.store.rows } = context;
  const around: AppendContext = { ...context, appender, warehouseUrl: context.warehouse.url };
  const append = async (rows: readonly PendingRow[]) => {
    const outcome = await appendRows(around, target, rows);
    const large = outcome.tooLarge.map(({ build }) => build);
    const loaded =
      large.length === 0 ? 0 : await loadBuilds(context, table, spec, large, withColumns(context));
    return outcome.rows.length + loaded;
  };
  const recover = async () => {
    let rows = 0;
    for (const batch of context.store.ledger.open(destination).filter(isAppend)) {
      rows += await recoverAppend(around, target, batch, (items) => presentRows(context, table, items));
    }
    return rows + (await recoverLoads(context, table, spec));
  };
  const filter = () => ({
    destination,
    finishedSince: windowStart(table.days, context.nowMs()),
    finishedBefore: Number.MAX_SAFE_INTEGER,
    everything: false,
  });
  const appendAll = async () => {
    let rows = 0;
    for (let after: PendingRow | undefined; ; ) {
      const page = source.pending(filter(), after, PAGE_ROWS);
      after = page.at(-1);
      if (after === undefined) return rows;
      rows += await append(page);
    }
  };
  const open = async () => {
    await context.warehouse.ensureTable(spec, { signal: context.signal });
    return recover();
  };
  return {
    table,
    open,
    write: async (builds) => {
      // An append whose outcome stayed open is cleared up before anything else is sent.
      const recovered = await recover();
      return recovered + (await append(source.pendingAmong(filter(), builds)));
    },
    writeAll: async ({ replace }) => {
      const recovered = await open();
      // A whole table is what load jobs are for; later rows go the table's own way, so that the newest version can be told.
      const first = context.store.ledger.counts(destination).committed === 0;
      if (replace || first) return updateTable(context, table, spec, { replace });
      const rows = recovered + (await appendAll());
      return { table: table.name, replaced: false, rows, bytes: 0 };
    },
    close: () => appender.close(),
  };
}

/** A row that takes the load job's way into an appended table still says its version. */
function withColumns({ nowMs }: WriterContext) {
  return async (row: PendingRow): Promise<PackedRow> => {
    const line = unpackRow(row.data, row.bytes);
    const columns = `,"${ROW_VERSION}":${row.version},"${ROW_WRITTEN}":${nowMs() / 1000}}\n`;
    // The line ends in `}` and a newline.
    return packRow(Buffer.concat([line.subarray(0, line.length - 2), Buffer.from(columns)]));
  };
}

/** Which of these versions the table has: asked where the writer keeps no count. */
async function presentRows(
  { store, rows: source = store.rows, warehouse, signal }: WriterContext,
  table: TableConfig,
  items: readonly { readonly item: number; readonly version: number }[],
): Promise<ReadonlySet<number>> {
  const paths = new Map(items.map(({ item }) => [source.pathOf(item) ?? '', item]));
  const versions = new Map(items.map(({ item, version }) => [item, version]));
  const list = [...paths.keys()].map((path) => textLiteral(warehouse.dialect, path)).join(', ');
  const rows = await warehouse.query(
    `SELECT path, ${ROW_VERSION} FROM ${warehouse.tableName(table.name)} WHERE path IN (${list})`,
    { signal },
  );
  const found = rows.flatMap((row) => {
    const item = paths.get(String(row.path));
    return item !== undefined && Number(row[ROW_VERSION]) === versions.get(item) ? [item] : [];
  });
  return new Set(found);
}
