import { SamovarError } from '../errors.ts';
import { asError, isOurs } from './backoff.ts';
import type { Claim } from './claim.ts';
import type { Fetched, Upstream } from './contract.ts';
import { runDerived } from './derive.ts';
import type { RunRecord } from './engine.ts';
import { type Known, knownOf, type Prepared, prepare, subjectOf } from './prepare.ts';
import { readJson } from './read.ts';
import { type SettleContext, type Settled, settle } from './settle.ts';

export interface ExecuteContext extends SettleContext {
  readonly http: Upstream;
  readonly name: string;
  readonly onRun?: (run: RunRecord) => void;
}

/** Jobs whose ends are written by one transaction. */
const JOBS_AT_ONCE = 100;

/** Fetches what was claimed and writes what came of it. Never rejects: what goes wrong is the job's error, or a notice. */
export async function execute(context: ExecuteContext, claim: Claim, signal: AbortSignal): Promise<void> {
  try {
    if (claim.provider.kind === 'derived') {
      const settled = await runDerived(context, claim, signal);
      tell(
        context,
        context.store.cache.transaction(() => record(context, claim, [settled])),
      );
    } else await executeFetch(context, claim, signal);
  } catch (cause) {
    // Not even its failure could be written: its lease ends, and it is taken again.
    const error = asError(cause, claim.provider.name);
    context.onNotice?.(`${claim.provider.name}: the end of a job could not be written: ${error.message}`);
  }
}

async function executeFetch(context: ExecuteContext, claim: Claim, signal: AbortSignal): Promise<void> {
  const { provider, jobs } = claim;
  const known = new Map(jobs.map(({ key }) => [key, knownOf(context, provider, key)]));
  const fetched = await fetchAll(context, claim, known, signal);
  const results: Prepared[] = [];
  for (const { key } of jobs) {
    const of = known.get(key) ?? { previous: undefined, migrated: undefined };
    results.push(await prepareSafely(context, claim, key, fetched(key), of));
  }
  for (let at = 0; at < jobs.length; at += JOBS_AT_ONCE) {
    const part = { ...claim, jobs: jobs.slice(at, at + JOBS_AT_ONCE) };
    tell(context, settleAll(context, part, results.slice(at, at + JOBS_AT_ONCE)));
  }
}

async function prepareSafely(
  context: ExecuteContext,
  { provider }: Claim,
  key: string,
  fetched: Fetched | SamovarError,
  known: Known,
): Promise<Prepared> {
  try {
    return await prepare(context, provider, key, fetched, known);
  } catch (cause) {
    return { kind: 'failed', error: asError(cause, subjectOf(provider, key)) };
  }
}

/** One transaction; where the disk is full or the like, each job fails with that, and the old values stay. */
function settleAll(
  context: ExecuteContext,
  claim: Claim,
  results: readonly Prepared[],
): readonly RunRecord[] {
  const { cache } = context.store;
  const all = (of: (at: number) => Prepared) =>
    cache.transaction(() => {
      const settled = claim.jobs.map((job, at) => settle(context, claim, job, of(at)));
      return record(context, claim, settled);
    });
  const none: Prepared = { kind: 'failed', error: lost(claim) };
  try {
    return all((at) => results[at] ?? none);
  } catch (cause) {
    const error = asError(cause, claim.provider.name);
    context.onNotice?.(error.message);
    return all(() => ({ kind: 'failed', error }));
  }
}

const lost = ({ provider }: Claim) =>
  new SamovarError('internal', `${provider.name}: a job without a result`, { subject: provider.name });

async function fetchAll(
  context: ExecuteContext,
  { provider, jobs }: Claim,
  known: ReadonlyMap<string, Known>,
  signal: AbortSignal,
): Promise<(key: string) => Fetched | SamovarError> {
  const around = {
    http: context.http,
    read: (name: string, key: string) => readJson(context, name, key),
    nowMs: context.nowMs(),
    signal,
  };
  const keys = jobs.map(({ key }) => {
    const previous = known.get(key)?.previous;
    return { key, ...(previous !== undefined && { previous }) };
  });
  try {
    if (provider.fetchMany !== undefined) {
      const answers = await abortable(provider.fetchMany.fetch({ ...around, keys }), signal);
      return (key) => answers.get(key) ?? unanswered(subjectOf(provider, key));
    }
    const [first] = keys;
    const fetch = provider.fetch;
    if (first === undefined || fetch === undefined) return () => unanswered(provider.name);
    const answer = await abortable(fetch({ ...around, ...first }), signal);
    return () => answer;
  } catch (cause) {
    const error = signal.aborted ? abortError(signal) : asError(cause, provider.name);
    if (isOurs(error)) context.onNotice?.(error.message);
    return () => error;
  }
}

function unanswered(subject: string): SamovarError {
  return new SamovarError('malformed', `${subject}: the upstream's answer has nothing of it`, { subject });
}

/** The worker's deadline is a failure; everything else that aborts gives the job back. */
function abortError({ reason }: AbortSignal): SamovarError {
  if (reason instanceof SamovarError && reason.code === 'timeout') return reason;
  return new SamovarError('aborted', 'given up before it was done', { cause: reason });
}

/** Ends with the signal, even where a provider does not heed it. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const give = () => reject(signal.reason);
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}

/** Writes down what was done; inside of the transaction that does it. */
function record(
  { store, nowMs, name }: ExecuteContext,
  claim: Claim,
  settled: readonly Settled[],
): readonly RunRecord[] {
  const durationMs = Math.max(0, nowMs() - claim.startedAtMs);
  return claim.jobs.map(({ key, reason, attempt }, at) => {
    const { outcome = 'superseded', bytes, error } = settled[at] ?? {};
    const run = {
      ...{ provider: claim.provider.name, key, reason, outcome, attempt: attempt + 1 },
      ...{ durationMs, worker: name },
    };
    const { code, message } = error ?? {};
    const { startedAtMs } = claim;
    const id = store.cache.runs.add({
      ...{ ...run, startedAt: startedAtMs },
      ...{ bytes: bytes ?? null, code: code ?? null, message: message ?? null },
    });
    return { id, ...run, startedAtMs, bytes, code, message };
  });
}

function tell({ onRun }: ExecuteContext, runs: readonly RunRecord[]): void {
  for (const run of runs) onRun?.(run);
}
