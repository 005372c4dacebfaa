import { setImmediate as turn } from 'node:timers/promises';

export interface VirtualTime {
  nowMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Wakes who is due, one by one in order, and lets each do what it can do without time, talk to servers among it. */
  advance(ms: number): Promise<void>;
  /** How many sleep now. */
  sleepers(): number;
}

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A short real time in which everything on this machine that was begun comes to rest: no more requests are under way. */
async function quiet(busy: () => number): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) {
    await turn();
    if (busy() > 0) turns = 0;
  }
}

/** Time that passes only when a test says so. `busy`: how many requests are under way, which have to end before it passes. */
export function virtualTime(startMs = 1_700_000_000_000, busy: () => number = () => 0): VirtualTime {
  const sleepers = new Set<Sleeper>();
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    sleepers: () => sleepers.size,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = { dueMs: nowMs + ms, wake: () => over(resolve) };
        const onAbort = () => over(() => reject(signal?.reason));
        const over = (how: () => void) => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', onAbort);
          how();
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        sleepers.add(sleeper);
      }),
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      await quiet(busy);
      while (true) {
        const [next] = [...sleepers]
          .filter(({ dueMs }) => dueMs <= untilMs)
          .sort((a, b) => a.dueMs - b.dueMs);
        if (next === undefined) break;
        nowMs = Math.max(nowMs, next.dueMs);
        next.wake();
        await quiet(busy);
      }
      nowMs = untilMs;
    },
  };
}
