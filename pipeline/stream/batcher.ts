/** Gathers builds for one table and hands them on, at most once in an interval and one hand-over at a time. */
export interface Batcher {
  add(build: number): void;
  /** Hands over as soon as the one under way has ended, without waiting for the interval: to empty it at the end. */
  drain(): Promise<void>;
  /** Runs `work` between two hand-overs. */
  between<T>(work: () => Promise<T>): Promise<T>;
  waiting(): number;
  /** Rejects with the first failure of a hand-over; resolves after `stop`. */
  readonly ended: Promise<void>;
  stop(): void;
}

export interface BatcherOptions {
  /**
   * One hand-over in each interval, which begin at its multiples: tables of one interval are given the same builds at the same moment,
   * and a slow hand-over is not followed by a whole wait.
   */
  readonly intervalMs: number;
  readonly nowMs: () => number;
  /** Handed over at once, at most. */
  readonly buildsMax: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly handOver: (builds: readonly number[]) => Promise<void>;
}

function untilNext({ intervalMs, nowMs }: BatcherOptions): number {
  return intervalMs === 0 ? 0 : intervalMs - (nowMs() % intervalMs);
}

export function createBatcher(options: BatcherOptions): Batcher {
  let queue: number[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let wake: (() => void) | undefined;
  let hurry = new AbortController();
  const stopped = new AbortController();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const handOver = () =>
    inTurn(async () => {
      const builds = queue.slice(0, options.buildsMax);
      if (builds.length === 0) return;
      await options.handOver(builds);
      // Only now: what was not handed over stays.
      queue = queue.slice(builds.length);
    });
  const loop = async () => {
    while (!stopped.signal.aborted) {
      if (queue.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      await handOver();
      if (queue.length < options.buildsMax) {
        await options.sleep(untilNext(options), AbortSignal.any([stopped.signal, hurry.signal]));
      }
    }
  };
  return {
    add: (build) => {
      queue.push(build);
      wake?.();
    },
    drain: async () => {
      hurry.abort();
      hurry = new AbortController();
      while (queue.length > 0) await handOver();
      await turn;
    },
    between: inTurn,
    waiting: () => queue.length,
    ended: loop(),
    stop: () => {
      stopped.abort();
      wake?.();
    },
  };
}
