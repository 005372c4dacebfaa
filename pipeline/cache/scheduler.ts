import { asError } from './backoff.ts';
import type { Provider } from './contract.ts';
import { keepWarm } from './keep-warm.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { jobsPerMinute, MINUTE_MS, nextSlot } from './schedule-time.ts';
import { wantEntries } from './want.ts';

export interface SchedulerOptions extends CacheParts {
  /** Of its own among all schedulers: host and process id. */
  readonly name: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Between two looks; default 5 s. */
  readonly tickMs?: number;
  /** Told when it begins or ceases to be the one that schedules. */
  readonly onLead?: (leads: boolean) => void;
}

export type ScheduleOptions = Omit<SchedulerOptions, 'sleep' | 'signal' | 'tickMs' | 'onLead'>;

export interface Scheduled {
  /** False: another scheduler has the lease, and nothing was done. */
  readonly leads: boolean;
  /** Jobs made. */
  readonly wanted: number;
}

const TICK_MS = 5000;
/** Without a sign for so long, another scheduler takes over. */
export const SCHEDULER_LEASE_MS = 30_000;
const LEASE_NAME = 'scheduler';
/** How often keys are compared with what is to be kept warm. */
const KEYS_EVERY_MS = 5 * 60_000;
const KEYS_AT_ONCE = 500;
/** Signs of workers that are gone. */
const FORGET_MS = 60 * 60_000;

/** Makes jobs of what is due until `signal`: only one scheduler of a database does so at a time, the others wait to take over. */
export async function runScheduler(options: SchedulerOptions): Promise<void> {
  const { sleep, signal, tickMs = TICK_MS, onLead, onNotice, store, name } = options;
  let leads = false;
  try {
    while (!signal.aborted) {
      try {
        const now = scheduleOnce(options);
        if (now.leads !== leads) onLead?.(now.leads);
        leads = now.leads;
      } catch (cause) {
        onNotice?.(`scheduling: ${asError(cause, name).message}`);
      }
      await sleep(tickMs, signal).catch(() => undefined);
    }
  } finally {
    if (leads) {
      onLead?.(false);
      store.cache.leases.release('scheduler', LEASE_NAME, name);
    }
  }
}

/** One look. */
export function scheduleOnce(options: ScheduleOptions): Scheduled {
  const { store, nowMs, name } = options;
  const { leases } = store.cache;
  const atMs = nowMs();
  const untilMs = atMs + SCHEDULER_LEASE_MS;
  if (!leases.take({ role: 'scheduler', name: LEASE_NAME, owner: name, nowMs: atMs, untilMs }))
    return { leads: false, wanted: 0 };
  leases.forget('worker', atMs - FORGET_MS);
  let wanted = 0;
  for (const provider of registryOf(options.providers).ordered) {
    const state = store.cache.states.get(provider.name);
    const { intervalMs } = provider.clocks;
    if (provider.kind === 'retired' || state.paused === 1 || intervalMs === undefined) continue;
    if (provider.kind === 'keyed') {
      if (atMs - state.keysAt >= KEYS_EVERY_MS || atMs < state.keysAt) {
        keepWarm(options, provider);
        store.cache.states.setKeysAt(provider.name, atMs);
      }
      wanted += scheduleKeys(options, provider, intervalMs);
    } else wanted += scheduleWhole(options, provider, intervalMs);
  }
  return { leads: true, wanted };
}

/** Of what never was fetched the first refresh is due at once. */
function scheduleWhole({ nowMs, ...parts }: CacheParts, provider: Provider, intervalMs: number): number {
  const { states } = parts.store.cache;
  const next = states.get(provider.name).nextAt ?? 0;
  const latestMs = nowMs() + intervalMs;
  // A time further away was set under a longer interval, or by a clock that was wrong.
  if (next > nowMs() && next <= latestMs) return 0;
  states.setNext(provider.name, nextSlot(provider.name, '', intervalMs, nowMs()));
  return next > latestMs ? 0 : wantEntries({ ...parts, nowMs }, provider, [''], 'schedule');
}

function scheduleKeys(parts: CacheParts, provider: Provider, intervalMs: number): number {
  const { states, selections, transaction } = parts.store.cache;
  const { name } = provider;
  const atMs = parts.nowMs();
  if (selections.due(name, atMs, 1).length === 0) return 0;
  const minute = Math.floor(atMs / MINUTE_MS);
  const state = states.get(name);
  let made = state.minute === minute ? state.minuteJobs : 0;
  const most = jobsPerMinute(selections.scheduled(name).keys, intervalMs);
  let wanted = 0;
  while (made < most) {
    const keys = selections.due(name, atMs, Math.min(KEYS_AT_ONCE, most - made));
    if (keys.length === 0) break;
    made += keys.length;
    wanted += transaction(() => {
      for (const key of keys) selections.setNext(name, key, nextSlot(name, key, intervalMs, atMs), atMs);
      states.setMinute(name, minute, made);
      return wantEntries(parts, provider, keys, 'schedule');
    });
  }
  return wanted;
}
