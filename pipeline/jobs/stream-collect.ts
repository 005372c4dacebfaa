import pLimit from 'p-limit';
import { processCandidate, processJunit } from '../collect/process.ts';
import type { RootRun } from '../collect/run.ts';
import { createWriter, type Writer } from '../collect/writer.ts';
import type { BucketRoot } from '../config/buckets.ts';
import type { BuildRecord } from '../store/builds.ts';
import type { FinishedBuild } from '../stream/events.ts';
import { type CollectContext, type CollectRequest, openRun } from './builds.ts';

/** Builds that come together are committed together: a sync each would be the bound. */
const COMMIT_DELAY_MS = 20;

/** How the collection of one build ended. */
export type Collected =
  /** Its row is in the store. `known`: it was, before anything was read. */
  | { readonly kind: 'stored'; readonly id: number; readonly known: boolean }
  /** Its finished.json is there no longer. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface BuildCollector {
  /**
   * Reads one build into the store. Undefined when the stream ended while the build waited for its files. Never rejects but for a
   * database that takes nothing more.
   */
  collect(build: FinishedBuild): Promise<Collected | undefined>;
}

export interface CollectorOptions {
  /** How long after its event a build without JUnit files waits for them. */
  readonly artifactsWaitMs: number;
  /** Builds read at once. */
  readonly threads: number;
  readonly request: CollectRequest;
  /** Ends waiting. */
  readonly stop: AbortSignal;
  /** The database takes nothing more. */
  readonly fatal: (error: unknown) => void;
}

/** The batch path's own reading of builds, one by one as they are told of. */
export function createCollector(context: CollectContext, options: CollectorOptions): BuildCollector {
  const { store } = context;
  const writer = createWriter(store, context.nowMs);
  const commit = createCommit(writer, context.sleep);
  const limit = pLimit(options.threads);
  const runs = new Map<string, RootRun>();
  const runOf = (root: BucketRoot) => {
    const known = runs.get(root.url);
    if (known !== undefined) return known;
    const shared = {
      ...context,
      writer,
      allowance: { left: Number.POSITIVE_INFINITY },
      fatal: options.fatal,
    };
    const run = openRun(shared, options.request, root, tolerant(context.signal));
    runs.set(root.url, run);
    return run;
  };
  const attempt = (work: () => Promise<unknown>, path: string): Promise<Collected> =>
    limit(async () => {
      const error = await work();
      await commit();
      if (error !== undefined) return { kind: 'failed', error };
      const saved = store.builds.byPath(path);
      if (saved === undefined || saved.finishedGeneration === null) return { kind: 'gone' };
      return { kind: 'stored', id: saved.id, known: false };
    });
  const read = (build: FinishedBuild): Promise<Collected> => {
    const known = store.builds.byPath(build.path);
    if (known !== undefined && known.finishedGeneration === build.generation) {
      // Without files it is looked at once more: they may have come since.
      if (isWhole(known)) return Promise.resolve({ kind: 'stored', id: known.id, known: true });
      return attempt(() => processJunit(runOf(build.root), known, build.folder), build.path);
    }
    const { job, build: id, folder } = build;
    const candidate = { job, build: id, folder, ...(known && { known }) };
    return attempt(() => processCandidate(runOf(build.root), candidate), build.path);
  };
  const isWhole = (known: BuildRecord) =>
    known.junit === 'done' &&
    store.rows.get(known.id) !== undefined &&
    store.junit.files(known.id).length > 0;
  return {
    collect: async (build) => {
      const first = await read(build);
      const waitMs = build.publishedMs + options.artifactsWaitMs - context.nowMs();
      if (first.kind !== 'stored' || waitMs <= 0 || store.junit.files(first.id).length > 0) return first;
      // Not everybody writes finished.json last.
      await context.sleep(Math.min(waitMs, options.artifactsWaitMs), options.stop);
      const stored = store.builds.byId(first.id);
      if (stored === undefined || options.stop.aborted) return undefined;
      const again = await attempt(() => processJunit(runOf(build.root), stored, build.folder), build.path);
      return again.kind === 'stored' ? { ...again, known: first.known } : again;
    },
  };
}

/** A stream has no end at which it gives a bucket up: each build has its own attempts. */
function tolerant(signal: AbortSignal): RootRun['breaker'] {
  const nothing = () => undefined;
  return { signal, succeeded: nothing, failed: nothing, reason: nothing, close: nothing };
}

function createCommit(writer: Writer, sleep: (ms: number) => Promise<void>): () => Promise<void> {
  let next: Promise<void> | undefined;
  return () => {
    next ??= sleep(COMMIT_DELAY_MS).then(() => {
      next = undefined;
      writer.flush();
    });
    return next;
  };
}
