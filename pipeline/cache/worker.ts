import { SamovarError } from '../errors.ts';
import type { CacheParts } from './parts.ts';
import type { RunRecord, Upstream } from './worker-types.ts';

export interface WorkerOptions extends CacheParts {
  readonly http: Upstream;
  /** Of its own among all workers: host and process id. */
  readonly name: string;
  /** Jobs at once. */
  readonly concurrency: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** Gives up what is running. */
  readonly signal: AbortSignal;
  /** Takes no new jobs; what is running ends. */
  readonly stopping?: AbortSignal;
  /** Told of every job's end. */
  readonly onRun?: (run: RunRecord) => void;
}

/** Carries out jobs until `stopping` or `signal`. */
export async function runWorker(_options: WorkerOptions): Promise<void> {
  throw new SamovarError('internal', 'not there yet');
}

/** Carries out jobs until none is due any more (those that others run are not waited for); how many were run. */
export async function workOnce(_options: WorkerOptions): Promise<number> {
  throw new SamovarError('internal', 'not there yet');
}
