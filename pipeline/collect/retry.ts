import { isRetryable, SamovarError } from '../errors.ts';

/** How a call is made again. Clock, randomness and sleep come from the context, so that tests need no waiting. */
export interface RetryOptions {
  /** Calls in all, the first one included. */
  readonly attemptsMax: number;
  /** No new attempt begins later than this after the call; the last one may end later, by one deadline at most. */
  readonly budgetMs: number;
  /** The wait before attempt n is random between 0 and baseDelayMs * 2^(n-2), at most delayMaxMs: full jitter. */
  readonly baseDelayMs: number;
  readonly delayMaxMs: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Milliseconds; only differences count. */
  readonly clock: () => number;
  /** Resolves after `ms`; rejects or resolves at once when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Told before each wait. */
  readonly onRetry?: (event: RetryEvent) => void;
  readonly signal?: AbortSignal;
}

export interface RetryEvent {
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/** Six attempts wait 0 to 1, 2, 4, 8 and 16 s: 15.5 s on average, well past a server's restart. */
export const RETRY_DEFAULTS = {
  attemptsMax: 6,
  budgetMs: 120_000,
  baseDelayMs: 1_000,
  delayMaxMs: 32_000,
} as const satisfies Partial<RetryOptions>;

/**
 * Calls `attempt` until it succeeds, fails for good (by the table in errors.ts), or attempts or budget are used up; then
 * throws its last error, or `aborted` once one of the signals has. A Retry-After is waited for at least; one that is longer than what is left of the budget ends it.
 * (Not p-retry: it has no Retry-After, and takes clock and randomness from globals.)
 */
export async function retry<T>(
  attempt: (number: number) => Promise<T>,
  options: RetryOptions,
  callSignal?: AbortSignal,
): Promise<T> {
  const startMs = options.clock();
  const signals = [options.signal, callSignal].filter((signal) => signal !== undefined);
  for (let number = 1; ; number += 1) {
    throwIfAborted(signals);
    try {
      return await attempt(number);
    } catch (error) {
      if (!isRetryable(error) || number >= options.attemptsMax) throw error;
      throwIfAborted(signals);
      const delayMs = delayBefore(number + 1, error, options);
      if (options.clock() - startMs + delayMs > options.budgetMs) throw error;
      options.onRetry?.({ attempt: number, delayMs, error });
      // Joined only here, where it is rare: a joined signal stays registered with the long-lived one for a while.
      await options.sleep(delayMs, AbortSignal.any(signals));
    }
  }
}

/** Jitter comes on top of a Retry-After too: all who were told the same second must not come back in it. */
function delayBefore(number: number, error: unknown, options: RetryOptions): number {
  const ceilingMs = Math.min(options.delayMaxMs, options.baseDelayMs * 2 ** (number - 2));
  const jitterMs = options.random() * ceilingMs;
  const wishMs = error instanceof SamovarError ? (error.retryAfterMs ?? 0) : 0;
  return Math.round(wishMs + jitterMs);
}

function throwIfAborted(signals: readonly AbortSignal[]): void {
  const ended = signals.find((signal) => signal.aborted);
  if (ended !== undefined)
    throw new SamovarError('aborted', 'given up, the run is ending', { cause: ended.reason });
}
