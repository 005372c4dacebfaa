import { setTimeout as timer } from 'node:timers/promises';
import type { Fetched, Json, Provider, ProviderClocks, Upstream } from '../../pipeline/cache/contract.ts';
import type { RunRecord } from '../../pipeline/cache/engine.ts';
import { openCache } from '../../pipeline/cache/open.ts';
import type { CacheParts } from '../../pipeline/cache/parts.ts';
import { type ScheduleOptions, scheduleOnce } from '../../pipeline/cache/scheduler.ts';
import { type WorkerOptions, workOnce } from '../../pipeline/cache/worker.ts';
import { randomFor } from '../../pipeline/demo/random.ts';
import { openStore } from '../../pipeline/store/open.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** ttl 10 min, stale for 50 min more, in error for a day more. */
export const CLOCKS: ProviderClocks = {
  ttlMs: 10 * MINUTE,
  staleMs: 50 * MINUTE,
  errorMs: DAY,
  negativeMs: 5 * MINUTE,
};

export const BUDGETS = {
  standard: { concurrency: 4, gapMs: 0, failuresMax: 5, openMs: 5 * MINUTE },
  hosts: {},
};

type Fetch = NonNullable<Provider['fetch']>;

export function single(name: string, fetch: Fetch, more: Partial<Provider> = {}): Provider {
  return {
    ...{ name, title: name, kind: 'single', schema: {}, version: 1, clocks: CLOCKS },
    ...{ concurrency: 2, tags: [], dependsOn: [], fetch },
    ...more,
  };
}

export function keyed(name: string, fetch: Fetch, more: Partial<Provider> = {}): Provider {
  return single(name, fetch, { kind: 'keyed', ...more });
}

export function derived(
  name: string,
  dependsOn: readonly string[],
  derive: NonNullable<Provider['derive']>,
  more: Partial<Provider> = {},
): Provider {
  const { fetch: _fetch, ...rest } = single(name, async () => got(null));
  return { ...rest, kind: 'derived', dependsOn, derive, ...more };
}

export const got = (value: Json, more: Partial<Extract<Fetched, { kind: 'value' }>> = {}): Fetched => ({
  kind: 'value',
  value,
  ...more,
});

/** No provider of these tests asks over HTTP. */
const NO_HTTP: Upstream = {
  getJson: () => Promise.reject(new Error('no upstream')),
  getText: () => Promise.reject(new Error('no upstream')),
};

export interface PlaceOptions {
  readonly file?: string;
  readonly clock?: { nowMs: number };
  readonly seenMs?: number;
  readonly http?: Upstream;
  /** Instead of one of its own. */
  readonly store?: CacheParts['store'];
}

/** A cache with a worker, a scheduler and a clock of its own. Places with the same file and clock are processes of one cache. */
export function openPlace(providers: readonly Provider[], options: PlaceOptions = {}) {
  const clock = options.clock ?? { nowMs: Date.UTC(2030, 0, 1) };
  const nowMs = () => clock.nowMs;
  const own = options.store === undefined ? openStore(options.file ?? ':memory:', { nowMs }) : undefined;
  const store = options.store ?? (own as NonNullable<typeof own>);
  const notices: string[] = [];
  const runs: RunRecord[] = [];
  const parts: CacheParts = {
    ...{ store, providers, hosts: BUDGETS, nowMs, seenMs: 7 * DAY },
    onNotice: (text) => notices.push(text),
    ...(options.seenMs !== undefined && { seenMs: options.seenMs }),
  };
  const cache = openCache(parts);
  const random = randomFor('cache');
  const worker = (more: Partial<WorkerOptions> = {}): WorkerOptions => ({
    ...parts,
    ...{ http: options.http ?? NO_HTTP, name: 'w1', concurrency: 8, random: () => random.next() },
    sleep: (ms, signal) => timer(Math.min(ms, 1), undefined, signal && { signal }),
    signal: new AbortController().signal,
    onRun: (run) => runs.push(run),
    ...more,
  });
  return {
    ...{ cache, store, clock, parts, notices, runs, worker },
    work: (more: Partial<WorkerOptions> = {}) => workOnce(worker(more)),
    schedule: (more: Partial<ScheduleOptions> = {}) => scheduleOnce({ ...parts, name: 's1', ...more }),
    close: () => own?.close(),
  };
}

export type Place = ReturnType<typeof openPlace>;
