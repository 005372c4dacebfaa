import type { Progress } from '../../pipeline/monitor/contract.ts';
import { createProgress } from '../../pipeline/monitor/progress.ts';

export interface Clocks {
  readonly progress: Progress;
  /** Both go on. */
  pass(ms: number): void;
  /** Somebody sets the clock on the wall. */
  jump(ms: number): void;
  readonly monotonicMs: () => number;
}

export const LIMIT_MS = 60_000;

/** A progress whose two clocks the test moves. */
export function withClocks(limitMs = LIMIT_MS): Clocks {
  let wall = Date.parse('2026-01-01T00:00:00Z');
  let monotonic = 5_000;
  const monotonicMs = () => monotonic;
  return {
    progress: createProgress({ nowMs: () => wall, monotonicMs, limitMs }),
    pass: (ms) => {
      wall += ms;
      monotonic += ms;
    },
    jump: (ms) => {
      wall += ms;
    },
    monotonicMs,
  };
}
