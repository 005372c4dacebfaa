import { describeError, isRetryable, SamovarError } from '../../errors.ts';
import type { Kind } from '../cluster.ts';
import type { Hands } from '../idling/change.ts';
import { startInformer } from '../informer.ts';

export interface Watched {
  readonly kind: Kind;
  readonly namespace: string;
  readonly labels?: string;
  readonly fields?: string;
}

/** Why something is not there yet: in words for a visitor, and what Kubernetes says, for the log. */
export interface Waiting {
  readonly reason: string;
  readonly detail: string;
}

export interface FollowOptions {
  readonly watched: readonly Watched[];
  /** Looks at everything as it is now. Undefined: there; else why not. */
  readonly look: () => Promise<Waiting | undefined>;
  /** Told when why it is not there changes. */
  readonly onReason: (waiting: Waiting) => void;
  readonly deadlineMs: number;
  /** Looked again after so long, whatever watches tell. */
  readonly tickMs: number;
}

const UNANSWERED = 'the cluster does not answer at the moment';

/**
 * Looks again and again, whenever one of the watched changed, until it is there. That a watch ends says nothing: it is begun again,
 * and every look is at the whole. A kind that may not be watched is looked at by time alone. Throws `timeout`, its remedy the last
 * reason.
 */
export async function follow(options: FollowOptions, hands: Hands): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([hands.signal, ended.signal]);
  const bell = createBell();
  const { cluster, sleep, random } = hands;
  const watching = options.watched.map(
    (each) => startInformer({ ...each, cluster, sleep, random, signal, onChange: bell.ring }).done,
  );
  try {
    await lookUntilThere(options, bell, { ...hands, signal });
  } finally {
    ended.abort();
    await Promise.allSettled(watching);
  }
}

async function lookUntilThere(options: FollowOptions, bell: Bell, hands: Hands): Promise<void> {
  let reason: string | undefined;
  for (;;) {
    hands.signal.throwIfAborted();
    const heard = bell.next();
    const seen = await lookOnce(options, hands);
    if (seen === undefined) return;
    if (seen.reason !== reason) options.onReason(seen);
    reason = seen.reason;
    if (hands.nowMs() >= options.deadlineMs)
      throw new SamovarError('timeout', `it is not there in time: ${reason}`, { remedy: reason });
    await Promise.race([heard, quietly(hands.sleep(options.tickMs, hands.signal))]);
  }
}

async function lookOnce({ look }: FollowOptions, { signal }: Hands): Promise<Waiting | undefined> {
  try {
    return await look();
  } catch (error) {
    if (signal.aborted || !isRetryable(error)) throw error;
    return { reason: UNANSWERED, detail: describeError(error) };
  }
}

interface Bell {
  readonly ring: () => void;
  /** Resolves with the first ring after this call. */
  readonly next: () => Promise<void>;
}

function createBell(): Bell {
  let waiting: (() => void)[] = [];
  return {
    ring: () => {
      for (const wake of waiting.splice(0)) wake();
    },
    next: () =>
      new Promise((resolve) => {
        waiting = [resolve];
      }),
  };
}

/** That the wait was cut short is seen by the signal. */
async function quietly(waiting: Promise<void>): Promise<void> {
  try {
    await waiting;
  } catch {
    // As above.
  }
}
