import { SamovarError } from '../errors.ts';
import type { CacheParts } from './parts.ts';

export interface SchedulerOptions extends CacheParts {
  /** Of its own among all schedulers: host and process id. */
  readonly name: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Between two looks; default 5 s. */
  readonly tickMs?: number;
  /** Told when it begins or ceases to be the one that schedules. */
  readonly onLead?: (leads: boolean) => void;
}

/** Makes jobs of what is due until `signal`: only one scheduler of a database does so at a time, the others wait to take over. */
export async function runScheduler(_options: SchedulerOptions): Promise<void> {
  throw new SamovarError('internal', 'not there yet');
}

export interface Scheduled {
  /** False: another scheduler has the lease, and nothing was done. */
  readonly leads: boolean;
  /** Jobs made. */
  readonly wanted: number;
}

/** One look. */
export function scheduleOnce(
  _options: Omit<SchedulerOptions, 'sleep' | 'signal' | 'tickMs' | 'onLead'>,
): Scheduled {
  throw new SamovarError('internal', 'not there yet');
}
