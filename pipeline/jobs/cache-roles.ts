import type { Upstream } from '../cache/contract.ts';
import type { RunRecord } from '../cache/engine.ts';
import { runScheduler } from '../cache/scheduler.ts';
import { runWorker } from '../cache/worker.ts';
import type { Stage } from '../monitor/contract.ts';
import type { OpenedCache } from './cache-open.ts';

export interface RolesContext {
  readonly opened: OpenedCache;
  readonly http: Upstream;
  /** Of this process among all: host and process id. */
  readonly name: string;
  readonly refreshes: number;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Gives up what is running. */
  readonly signal: AbortSignal;
  /** Takes nothing new. */
  readonly stopping: AbortSignal;
  readonly gc: { readonly unseenMs: number; readonly runsMs: number; readonly bytesMax?: number };
  readonly stage?: Stage;
  readonly onRun?: (run: RunRecord) => void;
  readonly onLead?: (leads: boolean) => void;
  readonly onGarbage?: (entries: number) => void;
}

const GC_EVERY_MS = 10 * 60_000;
const FLUSH_EVERY_MS = 30_000;

/** Carries out jobs until it is told to stop. */
export function work(context: RolesContext): Promise<void> {
  const { opened, http, name, refreshes, sleep, random, signal, stopping, onRun } = context;
  return runWorker({
    ...opened.parts,
    ...{ http, name, concurrency: refreshes, sleep, random, signal, stopping },
    ...(onRun && { onRun }),
  });
}

/** Makes jobs of what is due, and removes garbage, until it is told to stop. */
export async function schedule(context: RolesContext): Promise<void> {
  const { opened, name, sleep, stopping, onLead } = context;
  let leads = false;
  const told = (now: boolean) => {
    leads = now;
    onLead?.(now);
  };
  await Promise.all([
    runScheduler({ ...opened.parts, name, sleep, signal: stopping, onLead: told }),
    // Whoever schedules tidies up too: once for all processes.
    every(GC_EVERY_MS, context, () => {
      if (leads) tidy(context);
    }),
  ]);
}

/** Notes now and then what was read, until it is told to stop. */
export function noteReads(context: RolesContext): Promise<void> {
  return every(FLUSH_EVERY_MS, context, () => context.opened.cache.flush());
}

function tidy({ opened, gc, onGarbage }: RolesContext): void {
  const { removed } = opened.cache.collectGarbage({ ...gc, dryRun: false });
  const entries = removed.reduce((sum, { entries }) => sum + entries, 0);
  if (entries > 0) onGarbage?.(entries);
}

async function every(
  ms: number,
  { sleep, stopping }: Pick<RolesContext, 'sleep' | 'stopping'>,
  work: () => void,
): Promise<void> {
  while (!stopping.aborted) {
    await sleep(ms, stopping);
    if (!stopping.aborted) work();
  }
}
