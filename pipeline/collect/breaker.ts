import { setMaxListeners } from 'node:events';
import { isRetryable, SamovarError } from '../errors.ts';

/** So many failures in a row, with nothing done between them, say that the bucket is sick, not its builds. */
const FAILURES_IN_A_ROW_MAX = 50;

/** Bounds what one bucket may cost a run: time, and failures in a row. */
export interface Breaker {
  /** Aborts when the run ends, the time is up, or too many failures came in a row. */
  readonly signal: AbortSignal;
  succeeded(): void;
  failed(error: unknown): void;
  /** Why this bucket was given up before its end; undefined while it is not. */
  reason(): SamovarError | undefined;
  close(): void;
}

export function createBreaker(
  url: string,
  limits: { readonly timeMs?: number; readonly signal: AbortSignal },
): Breaker {
  const own = new AbortController();
  let failuresInARow = 0;
  let reason: SamovarError | undefined;
  const giveUp = (error: SamovarError) => {
    reason ??= error;
    own.abort(reason);
  };
  const timer =
    limits.timeMs === undefined
      ? undefined
      : setTimeout(() => {
          const minutes = Math.round((limits.timeMs ?? 0) / 60_000);
          giveUp(
            new SamovarError(
              'timeout',
              `${url}: not done within its time budget of ${minutes} min; the next run goes on`,
              { subject: url },
            ),
          );
        }, limits.timeMs);
  timer?.unref();
  const signal = AbortSignal.any([limits.signal, own.signal]);
  // Every request in flight listens to it, and there may be many: that is no leak.
  setMaxListeners(0, signal);
  return {
    signal,
    succeeded: () => {
      failuresInARow = 0;
    },
    failed: (cause) => {
      // Broken content or a refusal is quick, and the item's own affair; only what costs time speaks against the bucket.
      if (!isRetryable(cause)) return;
      failuresInARow += 1;
      if (failuresInARow < FAILURES_IN_A_ROW_MAX) return;
      const message = `${url}: ${failuresInARow} failures in a row, given up for this run`;
      giveUp(
        new SamovarError('unavailable', message, {
          subject: url,
          remedy: 'See `samovar dead-letters list`; the next run tries again.',
          cause,
        }),
      );
    },
    reason: () => reason,
    close: () => clearTimeout(timer),
  };
}
