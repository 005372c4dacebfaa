import { SamovarError } from '../../../errors.ts';
import type { CacheHosts } from '../../../store/cache-hosts.ts';
import { budgetOf, type HostBudgets } from './budgets.ts';

export interface TurnContext {
  readonly hosts: CacheHosts;
  readonly budgets: HostBudgets;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

export interface HeldTurn {
  readonly isProbe: boolean;
  release(): void;
}

/** Longer waits are taken in parts: a clock may be put on. */
const WAIT_MAX_MS = 5000;
const WAIT_MIN_MS = 5;

/** Waits for a host's turn, over all processes. Throws `unavailable`, with when to come again, while its breaker is open; `aborted`. */
export async function takeTurn(
  { hosts, budgets, nowMs, sleep, random }: TurnContext,
  host: string,
  leaseMs: number,
  signal: AbortSignal,
): Promise<HeldTurn> {
  const budget = budgetOf(budgets, host);
  for (;;) {
    throwIfAborted(signal, host);
    const turn = hosts.take(host, budget, nowMs(), leaseMs);
    if (turn.kind === 'open') throw openError(host, turn, nowMs());
    if (turn.kind === 'wait') {
      // Not all at the same moment.
      const ms = Math.max(WAIT_MIN_MS, turn.ms * (0.75 + random() / 2));
      await sleep(Math.min(ms, WAIT_MAX_MS), signal).catch(() => undefined);
      continue;
    }
    const release = () => hosts.release(turn.slot);
    try {
      for (let restMs = turn.beginAtMs - nowMs(); restMs > 0; restMs = turn.beginAtMs - nowMs()) {
        await sleep(Math.min(restMs, WAIT_MAX_MS), signal).catch(() => undefined);
        throwIfAborted(signal, host);
      }
    } catch (error) {
      release();
      if (turn.isProbe) hosts.unprobed(host);
      throw error;
    }
    return { isProbe: turn.isProbe, release };
  }
}

function openError(
  host: string,
  { untilMs, reason }: { readonly untilMs: number; readonly reason: string | undefined },
  nowMs: number,
): SamovarError {
  const seconds = Math.ceil((untilMs - nowMs) / 1000);
  const text = `${host} failed too often and is left alone for ${seconds} s`;
  const error = new SamovarError('unavailable', `${text}${reason === undefined ? '' : `; last: ${reason}`}`, {
    subject: host,
    retryAfterMs: untilMs - nowMs,
  });
  leftAlone.add(error);
  return error;
}

const leftAlone = new WeakSet<object>();

/** Nothing was sent, as the breaker is open: not tried again at once. */
export function isLeftAlone(error: unknown): boolean {
  return typeof error === 'object' && error !== null && leftAlone.has(error);
}

function throwIfAborted(signal: AbortSignal, host: string): void {
  if (signal.aborted)
    throw new SamovarError('aborted', `${host}: given up, the run is ending`, { cause: signal.reason });
}
