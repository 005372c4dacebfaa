import { budgetOf } from '../collect/sources/http/budgets.ts';
import type { JobRow } from '../store/cache-jobs.ts';
import type { EntryState, JobOutcome, JobReason, Provider } from './contract.ts';
import { derivedView } from './derived-view.ts';
import type { Cache, HostStatus, JobStatus, ProviderStatus, RunRecord } from './engine.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { stateOf } from './state.ts';

const RUNS_MEASURED = 200;

interface Sum {
  readonly states: Record<EntryState, number>;
  bytes: number;
  oldestAtMs: number | undefined;
}

export function providerStates(parts: CacheParts): readonly ProviderStatus[] {
  const { cache } = parts.store;
  return cache.snapshot(() => {
    const sums = sumsOf(parts);
    const counts = new Map(
      cache.jobs.counts().map(({ provider, state, jobs }) => [`${provider} ${state}`, jobs]),
    );
    return registryOf(parts.providers).ordered.map((provider) => {
      const { name } = provider;
      const state = cache.states.get(name);
      const sum = sums.get(name) ?? newSum();
      const { errorCode: code, errorMessage: message, errorAt: atMs } = state;
      const next = [state.nextAt, cache.selections.scheduled(name).nextAt].filter((at) => at !== null);
      return {
        ...{ provider: name, generation: state.generation, paused: state.paused === 1 },
        ...{ retired: provider.kind === 'retired', entries: sum.states, bytes: sum.bytes },
        oldestAgeMs: sum.oldestAtMs === undefined ? undefined : Math.max(0, parts.nowMs() - sum.oldestAtMs),
        waiting: counts.get(`${name} waiting`) ?? 0,
        running: counts.get(`${name} running`) ?? 0,
        failed: counts.get(`${name} failed`) ?? 0,
        lastOkAtMs: state.lastOkAt ?? undefined,
        lastError: atMs === null ? undefined : { code: code ?? 'internal', message: message ?? '', atMs },
        durationMs: durations(parts, name),
        nextAtMs: next.length === 0 ? undefined : Math.min(...next),
      };
    });
  });
}

const newSum = (): Sum => ({
  states: { fresh: 0, stale: 0, error: 0, missing: 0 },
  bytes: 0,
  oldestAtMs: undefined,
});

function sumsOf(parts: CacheParts): ReadonlyMap<string, Sum> {
  const registry = registryOf(parts.providers);
  const nowMs = parts.nowMs();
  const sums = new Map<string, Sum>();
  const views = new Map(
    registry.ordered
      .filter(({ kind }) => kind === 'derived')
      .map((provider) => [provider.name, derivedView(parts, provider, nowMs)] as const),
  );
  for (const group of parts.store.cache.selections.groups()) {
    const provider = registry.find(group.provider);
    if (provider === undefined) continue;
    const sum = sums.get(group.provider) ?? newSum();
    sums.set(group.provider, sum);
    const view = views.get(group.provider);
    const state = view?.state ?? groupState(provider, group, nowMs);
    const checkedAtMs = view === undefined ? (group.checkedAt ?? undefined) : view.checkedAtMs;
    sum.states[state] += group.entries;
    sum.bytes += group.bytes;
    if (state === 'missing' || checkedAtMs === undefined) continue;
    sum.oldestAtMs = Math.min(sum.oldestAtMs ?? checkedAtMs, checkedAtMs);
  }
  return sums;
}

function groupState(
  provider: Provider,
  group: { isKnown: number; absent: number; stale: number; hasError: number; checkedAt: number | null },
  nowMs: number,
): EntryState {
  const signs = {
    isKnown: group.isKnown === 1,
    isAbsent: group.absent === 1,
    isStale: group.stale === 1,
    checkedAtMs: group.checkedAt ?? undefined,
    hasError: group.hasError === 1,
  };
  return stateOf(signs, provider.clocks, nowMs);
}

function durations({ store }: CacheParts, name: string): ProviderStatus['durationMs'] {
  const sorted = [...store.cache.runs.durations(name, RUNS_MEASURED)].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const [p50, p95] = [at(0.5), at(0.95)];
  return p50 === undefined || p95 === undefined ? undefined : { p50, p95 };
}

/** Those that were asked, and those that have a budget of their own. */
export function hostStates({ store, hosts: budgets, nowMs }: CacheParts): readonly HostStatus[] {
  const known = new Map(store.cache.hosts.all(nowMs()).map((row) => [row.host, row]));
  const names = [...new Set([...known.keys(), ...Object.keys(budgets.hosts)])].sort();
  return names.map((host) => {
    const row = known.get(host);
    const openUntilMs = row?.openUntilMs;
    const isOpen = openUntilMs !== undefined && openUntilMs > nowMs();
    return {
      host,
      budget: budgetOf(budgets, host),
      breaker: openUntilMs === undefined ? 'closed' : isOpen ? 'open' : 'half-open',
      openUntilMs,
      failures: row?.failures ?? 0,
      inFlight: row?.inFlight ?? 0,
      requests: row?.requests ?? 0,
      lastError: row?.lastError,
    };
  });
}

export function jobStatus(job: JobRow): JobStatus {
  const { id, provider, key, state, reason, attempt, runAt, owner, leaseUntil, error } = job;
  return {
    ...{ id, provider, key, state, reason, attempt, runAtMs: runAt, worker: owner ?? undefined },
    ...{ leaseUntilMs: leaseUntil ?? undefined, error: error ?? undefined },
  };
}

export function runs({ store }: CacheParts, filter: Parameters<Cache['runs']>[0] = {}): readonly RunRecord[] {
  return store.cache.runs.list({ limit: 100, ...filter }).map((row) => ({
    ...{ id: row.id, provider: row.provider, key: row.key, reason: row.reason as JobReason },
    ...{ outcome: row.outcome as JobOutcome, attempt: row.attempt, startedAtMs: row.startedAt },
    ...{ durationMs: row.durationMs, bytes: row.bytes ?? undefined, worker: row.worker },
    ...{ code: row.code ?? undefined, message: row.message ?? undefined },
  }));
}

export function processes({ store }: CacheParts): ReturnType<Cache['processes']> {
  return store.cache.leases.all().map(({ role, owner, since, signAt, until }) => ({
    ...{ role, name: owner, since, lastSignMs: signAt, leaseUntilMs: until },
  }));
}
