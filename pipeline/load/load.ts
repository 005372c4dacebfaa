import {
  type LoadRequest,
  ROW_VERSION,
  type TableSpec,
  type Warehouse,
} from '../backends/warehouse/contract.ts';
import { LOADS_PER_TABLE_AND_DAY_MAX, loadBudget } from '../backends/warehouse/limits.ts';
import { describeError, isRetryable, SamovarError } from '../errors.ts';
import type { Batch } from '../store/ledger.ts';
import type { Store } from '../store/open.ts';
import type { RowSource } from '../store/rows.ts';
import { loadJobId } from './job-id.ts';

const ATTEMPTS_MAX = 4;
const RETRY_DELAY_MS = 5_000;
const DAY_MS = 86_400_000;

export interface LoadContext {
  readonly store: Store;
  readonly warehouse: Warehouse;
  /** Whose items the ledger's are; default: the builds' rows. */
  readonly rows?: RowSource;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

export interface LoadInput {
  readonly batch: Batch;
  readonly table: TableSpec;
  readonly file: string;
  readonly sha256: string;
}

/**
 * Loads one batch's file, exactly once: the load's id is stored before it is submitted, an open outcome is asked about before
 * anything is sent again, and the ledger moves only when the warehouse has the rows.
 *
 * Throws what the warehouse refused; the batch is then discarded and its rows are free again, with a dead letter that says why.
 */
export async function loadBatch(context: LoadContext, input: LoadInput): Promise<{ readonly rows: number }> {
  const { store, signal } = context;
  let open = input.batch.state === 'sent' ? input.batch.jobId : null;
  let { attempt } = input.batch;
  for (let tries = 1; ; tries += 1) {
    const known = open === null ? undefined : await context.warehouse.loadState(open, { signal });
    if (known?.state === 'done') return commit(store, input, known.rows);
    if (known?.state === 'failed') attempt += 1;
    assertBudget(context, input);
    open = send(context, input, attempt);
    try {
      const { rows } = await context.warehouse.load(requestOf(context, input, open), { signal });
      return commit(store, input, rows);
    } catch (error) {
      if (signal.aborted) throw error;
      if (!isRetryable(error)) return endRefused(context, input, open, error);
      if (tries >= ATTEMPTS_MAX) throw error;
      // The outcome is open. It is asked about next; until it is known to have failed, the same id asks for the same job.
      await context.sleep(RETRY_DELAY_MS * tries);
    }
  }
}

/**
 * No further try can mend this error, but it does not say whether the load happened: only the warehouse does. While it says nothing
 * the batch stays open, and the next run asks again.
 */
async function endRefused(
  { warehouse, signal, store }: LoadContext,
  input: LoadInput,
  jobId: string,
  error: unknown,
): Promise<{ readonly rows: number }> {
  const known = await warehouse.loadState(jobId, { signal }).catch(() => undefined);
  if (known?.state === 'done') return commit(store, input, known.rows);
  if (known?.state === 'failed' || known?.state === 'unknown') refuse(store, input, error);
  throw error;
}

/** Stores the identity of the load that is about to be submitted. */
function send(
  { store, warehouse }: LoadContext,
  { batch, table, sha256 }: LoadInput,
  attempt: number,
): string {
  const jobId = loadJobId({ table: table.name, generation: batch.generation, sha256, attempt });
  store.transaction(() => store.ledger.send(batch, { jobId, warehouse: warehouse.url, attempt }));
  return jobId;
}

function requestOf(context: LoadContext, { batch, table, file }: LoadInput, jobId: string): LoadRequest {
  // Where rows say their version, older ones stay and the view of the latest tells them apart: rows just appended cannot be deleted.
  const versioned = table.schema.some(({ name }) => name === ROW_VERSION);
  return {
    table,
    jobId,
    file,
    replace: batch.replaces,
    superseded: versioned ? [] : supersededPaths(context, batch),
  };
}

function refuse(store: Store, input: LoadInput, error: unknown): void {
  const code = error instanceof SamovarError ? error.code : 'internal';
  store.transaction(() => {
    store.deadLetters.add({
      kind: 'load',
      subject: `${input.table.name} ← ${input.file}`,
      code,
      reason: describeError(error),
    });
    store.ledger.discard(input.batch);
  });
}

function commit(store: Store, input: LoadInput, rows: number): { readonly rows: number } {
  store.transaction(() => {
    store.ledger.commit(input.batch);
    store.deadLetters.resolve('load', `${input.table.name} ← ${input.file}`);
  });
  return { rows };
}

function supersededPaths({ store, rows = store.rows }: LoadContext, batch: Batch): readonly string[] {
  if (batch.replaces) return [];
  return store.ledger
    .superseded(batch)
    .map((item) => rows.pathOf(item))
    .filter((path) => path !== undefined);
}

function assertBudget({ store, nowMs }: LoadContext, { batch, table }: LoadInput): void {
  const { left, nextMs } = loadBudget(store.ledger.loadTimes(batch.destination, nowMs() - DAY_MS), nowMs());
  if (left > 0) return;
  const minutes = Math.ceil((nextMs - nowMs()) / 60_000);
  throw new SamovarError(
    'throttled',
    `table ${table.name} has had all the loads that BigQuery takes in 24 hours (${LOADS_PER_TABLE_AND_DAY_MAX}); the next is due in ${minutes} min`,
    { subject: table.name, remedy: 'Load less often: larger batches, or wait.' },
  );
}
