import type { JobRow } from '../store/cache-jobs.ts';
import type { Provider } from './contract.ts';
import { viewOf } from './derived-view.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { rankOf } from './want.ts';

/** Jobs that a worker has taken, of one provider; several only where one call fetches many keys. */
export interface Claim {
  readonly provider: Provider;
  readonly jobs: readonly JobRow[];
  /** Of the lease: what comes with another one than the job's is refused. */
  readonly token: number;
  /** Of the provider, at the time of taking: a clear since then makes what was fetched worthless. */
  readonly generation: number;
  readonly startedAtMs: number;
}

/** Only jobs of this provider, and of what it is made of. */
export interface Only {
  readonly provider: string;
  readonly key?: string;
}

/** A worker that gives no sign for so long has lost its jobs. */
export const LEASE_MS = 60_000;
/** A derived provider waits so long for jobs of its sources to be done, so that it is not made anew for each of them. */
const GATHER_MS = 60_000;
/** From so many on, a job whose worker died waits before it kills another one. */
const DEATHS_FREE = 2;
const DEATH_PAUSE_MS = 60_000;

/** Takes the most urgent jobs that may run now; undefined: none. Looks first without the write lock. */
export function claim(
  parts: CacheParts,
  worker: string,
  only?: Only,
  leaseMs: number = LEASE_MS,
): Claim | undefined {
  const { cache } = parts.store;
  const nowMs = parts.nowMs();
  const names = only === undefined ? undefined : namesOf(parts, only);
  const isAny = cache.snapshot(
    () => cache.jobs.expired(nowMs).length > 0 || pick(parts, nowMs, names, only) !== undefined,
  );
  if (!isAny) return undefined;
  return cache.transaction(() => {
    reap(parts, nowMs);
    const picked = pick(parts, nowMs, names, only);
    if (picked === undefined) return undefined;
    const { provider, head } = picked;
    const batch = only?.key === undefined ? (provider.fetchMany?.batchMax ?? 1) : 1;
    const jobs = batch > 1 ? cache.jobs.due(provider.name, nowMs, batch) : [head];
    const token = cache.nextToken();
    const { generation } = cache.states.get(provider.name);
    for (const { id } of jobs)
      cache.jobs.lease(id, { owner: worker, token, untilMs: nowMs + leaseMs, generation });
    return { provider, jobs, token, generation, startedAtMs: nowMs };
  });
}

function namesOf({ providers }: CacheParts, { provider }: Only): ReadonlySet<string> {
  const registry = registryOf(providers);
  const names = new Set<string>();
  const add = (name: string) => {
    if (names.has(name)) return;
    names.add(name);
    const found = registry.get(name);
    if (found.kind === 'derived') for (const source of registry.sources(found)) add(source.name);
  };
  add(provider);
  return names;
}

/** Jobs whose worker died wait again; the lease's token is gone, so that a late result of it is refused. */
function reap({ store }: CacheParts, nowMs: number): void {
  for (const { id, attempt, reason } of store.cache.jobs.expired(nowMs)) {
    const runAt = attempt < DEATHS_FREE ? nowMs : nowMs + DEATH_PAUSE_MS * 2 ** Math.min(attempt, 6);
    store.cache.jobs.put(id, { runAt, rank: rankOf(reason, runAt), attempt: attempt + 1 });
  }
}

interface Picked {
  readonly provider: Provider;
  readonly head: JobRow;
}

function pick(
  parts: CacheParts,
  nowMs: number,
  names: ReadonlySet<string> | undefined,
  only: Only | undefined,
): Picked | undefined {
  const { jobs } = parts.store.cache;
  const registry = registryOf(parts.providers);
  const running = jobs.running();
  const heads = new Map<string, JobRow>();
  for (const { name, kind } of registry.ordered) {
    if (kind === 'retired') continue;
    const head =
      name === only?.provider && only.key !== undefined
        ? jobs.dueOf(name, only.key, nowMs)
        : jobs.due(name, nowMs, 1)[0];
    if (head !== undefined) heads.set(name, head);
  }
  const isBusy = (name: string) => running.has(name) || heads.has(name);
  let best: Picked | undefined;
  for (const provider of registry.ordered) {
    const head = heads.get(provider.name);
    if (head === undefined || names?.has(provider.name) === false) continue;
    if (best !== undefined && best.head.rank <= head.rank) continue;
    if ((running.get(provider.name) ?? 0) >= provider.concurrency) continue;
    if (mayRun(parts, provider, head, { nowMs, isBusy })) best = { provider, head };
  }
  return best;
}

function mayRun(
  parts: CacheParts,
  provider: Provider,
  head: JobRow,
  { nowMs, isBusy }: { readonly nowMs: number; readonly isBusy: (name: string) => boolean },
): boolean {
  const { states, hosts } = parts.store.cache;
  const registry = registryOf(parts.providers);
  if (states.get(provider.name).paused === 1) return false;
  const host = registry.host(provider);
  // While its upstream's breaker is open a job would only use up its tries.
  if (host !== undefined && hosts.openUntil(host, nowMs) !== undefined) return false;
  const hasWaited = nowMs - head.runAt > GATHER_MS;
  return provider.dependsOn.every((name) => {
    if (!isBusy(name) || states.get(name).paused === 1) return true;
    const source = registry.get(name);
    const mayLack = source.kind === 'keyed' || provider.mayLack?.includes(name) === true;
    const isKnown = mayLack || viewOf(parts, source, nowMs).isKnown;
    // What is there will do for a fetch; what is made of it waits for the newest, but not for ever.
    return provider.kind === 'derived' ? hasWaited && isKnown : hasWaited || isKnown;
  });
}
