import type { TableSpec, Warehouse } from '../backends/warehouse/contract.ts';
import { describeError, isRetryable, SamovarError } from '../errors.ts';
import type { Batch } from '../store/ledger.ts';
import type { Store } from '../store/open.ts';
import { loadJobId } from './job-id.ts';

const ATTEMPTS_MAX = 4;
const RETRY_DELAY_MS = 5_000;
const DAY_MS = 86_400_000;
/** BigQuery refuses more loads a table and day, failed ones included; the documented figure. */
const LOADS_A_DAY_MAX = 1_500;

export interface LoadContext {
  readonly store: Store;
  readonly warehouse: Warehouse;
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
  const { store, warehouse } = context;
  let attempt = input.batch.attempt;
  if (input.batch.state === 'sent' && input.batch.jobId !== null) {
    const known = await warehouse.loadState(input.batch.jobId, { signal: context.signal });
    if (known.state === 'done') return commit(store, input, known.rows);
    if (known.state === 'failed') attempt += 1;
  }
  assertBudget(context, input);
  const jobId = loadJobId({
    table: input.table.name,
    generation: input.batch.generation,
    sha256: input.sha256,
    attempt,
  });
  store.transaction(() => store.ledger.send(input.batch, { jobId, warehouse: warehouse.url, attempt }));
  const request = {
    table: input.table,
    jobId,
    file: input.file,
    replace: input.batch.replaces,
    superseded: supersededPaths(store, input.batch),
  };
  const result = await submit(context, input, request);
  return commit(store, input, result.rows);
}

async function submit(
  context: LoadContext,
  input: LoadInput,
  request: Parameters<Warehouse['load']>[0],
): Promise<{ readonly rows: number }> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await context.warehouse.load(request, { signal: context.signal });
    } catch (error) {
      // The outcome is open: the same id asks for the same job, so asking again cannot load twice.
      if (isRetryable(error) && tries < ATTEMPTS_MAX && !context.signal.aborted) {
        await context.sleep(RETRY_DELAY_MS * tries);
        continue;
      }
      if (!isRetryable(error) && !context.signal.aborted) refuse(context.store, input, error);
      throw error;
    }
  }
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

function supersededPaths(store: Store, batch: Batch): readonly string[] {
  if (batch.replaces) return [];
  return store.ledger
    .superseded(batch)
    .map((item) => store.builds.byId(item)?.path)
    .filter((path) => path !== undefined);
}

function assertBudget(context: LoadContext, input: LoadInput): void {
  const loads = context.store.ledger.loadTimes(input.batch.destination, context.nowMs() - DAY_MS).length;
  if (loads < LOADS_A_DAY_MAX) return;
  throw new SamovarError(
    'throttled',
    `table ${input.table.name} has had ${loads} loads in 24 hours; BigQuery takes ${LOADS_A_DAY_MAX}`,
    {
      subject: input.table.name,
      remedy: 'Load less often: larger batches, or wait.',
    },
  );
}
