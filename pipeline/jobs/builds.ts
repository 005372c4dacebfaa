import type { Bucket } from '../backends/bucket/contract.ts';
import { collectAgain, collectPendingJunit } from '../collect/again.ts';
import { createBreaker } from '../collect/breaker.ts';
import { collectJobs } from '../collect/jobs.ts';
import { createPool } from '../collect/pool.ts';
import type { BuildReaders } from '../collect/reading/contract.ts';
import { roomForFiles } from '../collect/room.ts';
import { makeMissingRows } from '../collect/rowless.ts';
import type { CollectOptions, RootRun } from '../collect/run.ts';
import type { CollectStats } from '../collect/stats.ts';
import { createWriter } from '../collect/writer.ts';
import type { BucketRoot } from '../config/buckets.ts';
import { describeError, SamovarError } from '../errors.ts';
import type { Stage } from '../monitor/contract.ts';
import type { Store } from '../store/open.ts';

/** What a collection works with, given by the context. */
export interface CollectContext {
  readonly store: Store;
  readonly readers: BuildReaders;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Opens a root's bucket (limited and retrying) and says where in it the root lies. */
  readonly open: (root: BucketRoot) => { readonly bucket: Bucket; readonly prefix: string };
  readonly stats: CollectStats;
  readonly stage?: Stage;
  readonly warn: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

export interface CollectRequest extends CollectOptions {
  readonly roots: readonly BucketRoot[];
  /** Builds being read at once, per root. */
  readonly threads: number;
}

/** A root that was given up: its listing failed, its time was up, or everything in it failed. */
export interface RootFailure {
  readonly root: string;
  readonly reason: string;
  readonly remedy: string | undefined;
}

export interface CollectResult {
  readonly failures: readonly RootFailure[];
}

/**
 * Collects every configured root into the store, all at once and each within its own limits, so that a sick bucket costs the
 * others nothing. Ends early, with everything read so far committed, when the signal is aborted.
 */
export async function collectBuilds(
  context: CollectContext,
  request: CollectRequest,
): Promise<CollectResult> {
  const failures: RootFailure[] = [];
  const writer = createWriter(context.store, context.nowMs);
  const stop = new AbortController();
  const fatal = (error: unknown) => stop.abort(error);
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const allowance = { left: request.selection.limit ?? Number.POSITIVE_INFINITY };
  const roots = request.roots.map(async (root) => {
    const shared = { ...context, signal, writer, allowance, fatal };
    const failure = await collectRoot(shared, request, root);
    if (failure !== undefined) failures.push(failure);
  });
  await Promise.all(roots);
  if (stop.signal.aborted) throw stop.signal.reason;
  writer.flush();
  if (!request.dryRun) {
    const onRow = () => {
      context.stats.rows += 1;
    };
    const { roots: all, junit, giveUpMs } = request;
    await makeMissingRows({ ...context, onRow }, { roots: all, junit, giveUpMs });
  }
  return { failures };
}

/** Of a root of which nothing is stored: no build has it. */
const UNKNOWN_ROOT = 0;

export type Shared = CollectContext & Pick<RootRun, 'writer' | 'allowance' | 'fatal'>;

async function collectRoot(
  shared: Shared,
  request: CollectRequest,
  root: BucketRoot,
): Promise<RootFailure | undefined> {
  const breaker = createBreaker(root.url, {
    signal: shared.signal,
    ...(root.timeBudgetMs !== undefined && { timeMs: root.timeBudgetMs }),
  });
  try {
    const run = openRun(shared, request, root, breaker);
    if (!request.skipListing) {
      // New builds first: what fails again and again must not keep them waiting.
      await collectJobs(run).finally(() => run.builds.drain());
      await collectAgain(run);
    }
    if (request.junit) await collectPendingJunit(run);
    return failureOf(root, breaker.reason());
  } catch (error) {
    if (isStorage(error)) shared.fatal(error);
    if (shared.signal.aborted) return undefined;
    const failure = failureOf(root, breaker.reason() ?? error);
    shared.warn('a bucket was given up for this run', { ...failure });
    return failure;
  } finally {
    breaker.close();
  }
}

/** What the collection of one root works with; also for builds that come one by one. */
export function openRun(
  shared: Shared,
  request: CollectRequest,
  root: BucketRoot,
  breaker: RootRun['breaker'],
): RootRun {
  const { bucket, prefix } = shared.open(root);
  const { store } = shared;
  return {
    root,
    rootId: request.dryRun
      ? (store.cursors.findRoot(root.url) ?? UNKNOWN_ROOT)
      : store.transaction(() => store.cursors.rootId(root.url)),
    bucket,
    prefix,
    store,
    readers: shared.readers,
    writer: shared.writer,
    builds: createPool(request.threads),
    room: roomForFiles(shared.readers.count),
    breaker,
    stats: shared.stats,
    ...(shared.stage && { stage: shared.stage }),
    options: request,
    nowMs: shared.nowMs,
    sleep: shared.sleep,
    random: shared.random,
    startedMs: shared.nowMs(),
    fatal: shared.fatal,
    allowance: shared.allowance,
  };
}

/** A database that takes nothing more ends the run: reading on would only lose what is read. */
function isStorage(error: unknown): boolean {
  return error instanceof SamovarError && error.code === 'storage';
}

function failureOf(root: BucketRoot, error: unknown): RootFailure | undefined {
  if (error === undefined) return undefined;
  const remedy = (error as { remedy?: unknown }).remedy;
  return {
    root: root.url,
    reason: describeError(error),
    remedy: typeof remedy === 'string' ? remedy : undefined,
  };
}
