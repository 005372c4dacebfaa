import { isRetryable, SamovarError } from '../errors.ts';
import type { Metrics, Progress } from '../monitor/contract.ts';
import type { Store } from '../store/open.ts';
import { type Batcher, createBatcher } from '../stream/batcher.ts';
import type { Lags } from '../stream/lags.ts';
import { destinationOf, mustReplace } from './tables.ts';
import type { TableWriter } from './writer.ts';

const BUILDS_MAX = 1_000;
const RETRY_DELAY_MS = 1_000;
const RETRY_DELAY_MAX_MS = 60_000;

export interface StreamTablesContext {
  readonly store: Store;
  readonly warehouseUrl: string;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly lags: Lags;
  /** One write may take so long before the watchdog takes it for stuck. */
  readonly writeLimitMs: number;
  readonly warn: (message: string, details: Readonly<Record<string, unknown>>) => void;
  /** A table has these builds. */
  readonly onReached: (table: string, builds: readonly number[]) => void;
}

/** One table of a stream: what it lacks of the builds it is told of, in batches. */
export interface StreamTable {
  readonly name: string;
  readonly batcher: Batcher;
  /** Rows written so far. */
  rows(): number;
  /** Everything the table lacks, or the whole table when its window has moved too far. */
  catchUp(): Promise<void>;
}

export function createStreamTable(
  context: StreamTablesContext,
  writer: TableWriter,
  intervalMs: number,
): StreamTable {
  const { name } = writer.table;
  const stage = context.progress.stage(`table ${name}`);
  let rows = 0;
  const patient = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const task = stage.task(what, { limitMs: context.writeLimitMs });
    try {
      return await retried(context, name, work, () => task.step());
    } finally {
      task.end();
    }
  };
  const batcher = createBatcher({
    intervalMs,
    buildsMax: BUILDS_MAX,
    sleep: context.sleep,
    nowMs: context.nowMs,
    handOver: async (builds) => {
      rows += await patient(`${builds.length} builds`, () => writer.write(builds));
      assertSettled(context, writer);
      tellLags(context, name, builds);
      context.onReached(name, builds);
    },
  });
  return {
    name,
    batcher,
    rows: () => rows,
    catchUp: () =>
      batcher.between(async () => {
        const { store, warehouseUrl, nowMs } = context;
        const replace = mustReplace(store, writer.table, warehouseUrl, nowMs());
        rows += (await patient('everything it lacks', () => writer.writeAll({ replace }))).rows;
      }),
  };
}

/** What may pass is tried again until the stream ends: nothing is acknowledged meanwhile. */
async function retried<T>(
  context: StreamTablesContext,
  table: string,
  work: () => Promise<T>,
  onTry: () => void,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error) || context.signal.aborted) throw error;
      context.metrics.retry(`table ${table}`);
      context.warn('a table could not be written to; it is tried again', { table, reason: String(error) });
      onTry();
      await context.sleep(Math.min(RETRY_DELAY_MS * 2 ** (tries - 1), RETRY_DELAY_MAX_MS), context.signal);
    }
  }
}

/** The last thing before an acknowledgement: no batch of this table may have an open fate. */
function assertSettled({ store, warehouseUrl }: StreamTablesContext, { table }: TableWriter): void {
  const open = store.ledger.open(destinationOf(store, table, warehouseUrl));
  if (open.length === 0) return;
  throw new SamovarError(
    'internal',
    `table ${table.name} has a batch of unknown fate; nothing is acknowledged`,
  );
}

function tellLags(
  { store, nowMs, metrics, lags }: StreamTablesContext,
  table: string,
  builds: readonly number[],
): void {
  for (const id of builds) {
    const finishedAt = store.builds.byId(id)?.finishedAt;
    if (finishedAt === undefined || finishedAt === null) continue;
    const lagMs = Math.max(0, nowMs() - finishedAt * 1_000);
    metrics.rowWritten(table, lagMs);
    lags.add(lagMs);
  }
}
