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
 * Looks now and then whether everything under way makes progress. A look that itself comes far too late (the machine slept, or the
 * process was stopped) proves nothing: tasks get their time anew.
 */
export function startWatchdog({ progress, everyMs, monotonicMs, onStuck }: WatchdogOptions): () => void {
  let last = monotonicMs();
  let forgivenMs = 0;
  const look = () => {
    const now = monotonicMs();
    const lateMs = now - last - everyMs;
    last = now;
    if (lateMs > everyMs) forgivenMs += lateMs;
    const stuck = progress.stuck().filter(({ silentMs, limitMs }) => silentMs - forgivenMs > limitMs);
    if (progress.stuck().length === 0) forgivenMs = 0;
    if (stuck.length === 0) return;
    clearInterval(timer);
    onStuck(stuck, dumpText(progress));
  };
  const timer = setInterval(look, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
