import type { Context } from '../context.ts';
import { startProgress } from '../show/progress.ts';

/** How far work is: written by the work, read a few times a second. */
export interface Counting {
  done: number;
  /** 0: not known. */
  total: number;
  details: string;
}

/** Runs one thing that cannot be counted, while the time it takes is shown on stderr. */
export function waiting<T>(
  context: Pick<Context, 'interactive' | 'stderr' | 'log' | 'nowMs'>,
  label: string,
  work: () => Promise<T>,
): Promise<T> {
  return counting(context, { label, unit: '' }, work);
}

/** Runs work while how far it is, its rate and the time left are shown on stderr. */
export async function counting<T>(
  { interactive, stderr, log, nowMs }: Pick<Context, 'interactive' | 'stderr' | 'log' | 'nowMs'>,
  { label, unit }: { readonly label: string; readonly unit: string },
  work: (state: Counting) => Promise<T>,
): Promise<T> {
  const state: Counting = { done: 0, total: 0, details: '' };
  const stop = startProgress({ label, unit, read: () => state, interactive, stderr, log, nowMs });
  try {
    return await work(state);
  } finally {
    stop();
  }
}
