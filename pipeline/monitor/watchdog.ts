import type { Progress, StuckTask } from './contract.ts';
import { dumpText } from './progress.ts';

export interface WatchdogOptions {
  readonly progress: Progress;
  readonly everyMs: number;
  readonly monotonicMs: () => number;
  /** Called once, with what is stuck and everything that was under way. */
  readonly onStuck: (stuck: readonly StuckTask[], dump: string) => void;
}

/**
 * Looks now and then whether everything under way makes progress; gives what ends the looking. A look that itself comes far too late
 * shows that nothing ran (the machine slept, the process was stopped): that time is not held against the tasks. Only that time, so
 * that a process which is held up again and again still sees a task that hangs.
 */
export function startWatchdog({ progress, everyMs, monotonicMs, onStuck }: WatchdogOptions): () => void {
  let last = monotonicMs();
  const look = () => {
    const now = monotonicMs();
    const lateMs = now - last - everyMs;
    last = now;
    if (lateMs > everyMs) progress.forgive(lateMs);
    const stuck = progress.stuck();
    if (stuck.length === 0) return;
    clearInterval(timer);
    onStuck(stuck, dumpText(progress));
  };
  const timer = setInterval(look, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
