import { SamovarError } from '../errors.ts';
import type { CacheParts } from './parts.ts';

export interface WarmOptions extends CacheParts {
  /** Only this provider and what depends on it; undefined: all. */
  readonly from?: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Told when a provider's jobs are wanted and when they are done. */
  readonly onProgress?: (progress: WarmProgress) => void;
}

export interface WarmProgress {
  readonly provider: string;
  readonly state: 'wanted' | 'done' | 'failed';
  readonly entries: number;
}

/** Refreshes providers in the order of their dependencies, a level at a time; workers (here or elsewhere) do the work. Names of those that failed. */
export async function warm(_options: WarmOptions): Promise<readonly string[]> {
  throw new SamovarError('internal', 'not there yet');
}
