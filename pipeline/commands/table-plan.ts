import type { TableConfig } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { destinationName, type TableStep, type TablesContext, windowStart } from '../jobs/tables.ts';
import { byteSize } from '../show/progress.ts';
import { textTable } from '../show/table.ts';
import type { Store } from '../store/open.ts';
import type { PendingRow } from '../store/rows.ts';
import { counting } from './counting.ts';

const PAGE_ROWS = 500;
/** No destination has it: nothing was emitted to it. */
const NOWHERE = -1;

/** What a table would get of what is stored now. */
export interface TablePlan {
  readonly table: string;
  readonly rows: number;
  /** Of NDJSON. */
  readonly bytes: number;
}

export interface PendingRequest {
  /** The ledger's; undefined: nothing was ever emitted there. */
  readonly destination: number | undefined;
  /** Window; 0: all. */
  readonly days: number;
  /** Rows that were emitted before, too. */
  readonly everything: boolean;
}

/** Counts the rows that an emission would write, and writes nothing. */
export function countPending(
  { nowMs, signal }: Pick<Context, 'nowMs' | 'signal'>,
  store: Store,
  { destination = NOWHERE, days, everything }: PendingRequest,
): { readonly rows: number; readonly bytes: number } {
  const finishedSince = windowStart(days, nowMs());
  const filter = { destination, finishedSince, finishedBefore: Number.MAX_SAFE_INTEGER, everything };
  let rows = 0;
  let bytes = 0;
  let after: PendingRow | undefined;
  while (!signal.aborted) {
    const page = store.rows.pending(filter, after, PAGE_ROWS);
    rows += page.length;
    bytes += page.reduce((sum, row) => sum + row.bytes, 0);
    after = page.at(-1);
    if (after === undefined || page.length < PAGE_ROWS) break;
  }
  return { rows, bytes };
}

/** Runs work on tables while the rows it writes are shown, with their rate and, of `total`, the time left. */
export function shownTables<T>(
  context: Context,
  tables: TablesContext,
  { label, total }: { readonly label: string; readonly total: number },
  work: (tables: TablesContext) => Promise<T>,
): Promise<T> {
  return counting(context, { label, unit: 'rows' }, (state) => {
    let before = 0;
    state.total = total;
    const onStep = ({ table, step, rows }: TableStep) => {
      state.details = `${step} ${table}`;
      if (step === 'writing') state.done = before + rows;
      else if (step === 'loaded') before = state.done;
      tables.onStep?.({ table, step, rows });
    };
    return work({ ...tables, onStep });
  });
}

/** How many rows a table lacks, for whoever watches: it takes a look at every build, which an idle cycle in the background is spared. */
export function pendingCount(
  { settings, nowMs, interactive }: Pick<Context, 'nowMs' | 'settings' | 'interactive'>,
  { ledger, rows }: Store,
  table: TableConfig,
  everything = false,
): number {
  if (!interactive) return 0;
  return rows.pendingCount({
    destination: ledger.findDestination(destinationName(table, settings.warehouse)) ?? NOWHERE,
    finishedSince: windowStart(table.days, nowMs()),
    finishedBefore: Number.MAX_SAFE_INTEGER,
    everything,
  });
}

export function planTable(
  context: Pick<Context, 'nowMs' | 'signal' | 'settings'>,
  store: Store,
  table: TableConfig,
  everything = false,
): TablePlan {
  const destination = store.ledger.findDestination(destinationName(table, context.settings.warehouse));
  return {
    table: table.name,
    ...countPending(context, store, { destination, days: table.days, everything }),
  };
}

export function plansText(plans: readonly TablePlan[]): string {
  return textTable(
    [{ title: 'table' }, { title: 'rows it would get', align: 'right' }, { title: 'NDJSON', align: 'right' }],
    plans.map(({ table, rows, bytes }) => [table, rows, byteSize(bytes)]),
  );
}
