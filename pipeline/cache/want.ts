import type { EntrySign } from '../store/cache-entries.ts';
import type { JobRow } from '../store/cache-jobs.ts';
import type { JobReason, Provider } from './contract.ts';
import { isLacking, viewOf } from './derived-view.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { stateOf } from './state.ts';

const PRIORITY: Readonly<Record<JobReason, number>> = { waiting: 0, manual: 1, dependency: 2, schedule: 3 };
/** A job that waited so long overtakes a newer one that is one step more urgent. */
const AGEING_MS = 5 * 60_000;
/** When what was refused for good is tried again by itself: never. */
export const NEVER_MS = 8.64e15;

export function rankOf(reason: JobReason, runAtMs: number): number {
  return runAtMs + PRIORITY[reason] * AGEING_MS;
}

/** A wish for several entries of one provider. */
interface Wish {
  readonly provider: Provider;
  readonly reason: JobReason;
  readonly nowMs: number;
}

type Deed =
  | { readonly kind: 'add'; readonly key: string; readonly runAtMs: number }
  | { readonly kind: 'raise'; readonly job: JobRow; readonly runAtMs: number }
  | { readonly kind: 'again'; readonly job: JobRow };

/**
 * Makes or raises the jobs of these entries; how many. Looks first without the write lock: what thousands of polls want anew each
 * time is there already.
 */
export function wantEntries(
  parts: CacheParts,
  provider: Provider,
  keys: readonly string[],
  reason: JobReason,
): number {
  const { store } = parts;
  const wish = { provider, reason, nowMs: parts.nowMs() };
  if (provider.kind === 'retired' || keys.length === 0) return 0;
  // What depends on a paused one must not be lost: it is done once the pause is over.
  if (reason !== 'dependency' && store.cache.states.get(provider.name).paused === 1) return 0;
  if (provider.kind === 'derived') return wantDerived(parts, wish);
  const wanted = provider.kind === 'single' ? [''] : [...new Set(keys)];
  if (store.cache.snapshot(() => deedsOf(parts, wish, wanted)).length === 0) return 0;
  return store.cache.transaction(() => {
    const deeds = deedsOf(parts, wish, wanted);
    for (const deed of deeds) carryOut(parts, wish, deed);
    return deeds.length;
  });
}

/** A derived provider's job, and before it the refreshes of what it is made of, where those are not fresh. */
function wantDerived(parts: CacheParts, wish: Wish): number {
  const { provider, reason, nowMs } = wish;
  const view = viewOf(parts, provider, nowMs);
  if (reason === 'waiting' && view.state === 'fresh') return 0;
  const sources = registryOf(parts.providers).sources(provider);
  const views = sources.map((source) => ({ source, view: viewOf(parts, source, nowMs) }));
  let wanted = 0;
  if (reason === 'waiting' || reason === 'manual')
    for (const { source, view } of views)
      if (view.state !== 'fresh') wanted += wantEntries(parts, source, [''], reason);
  // Made of half of it, it would lose the rest: the source that is missing wakes it when it comes.
  if (views.some(({ source, view }) => isLacking(provider, source, view))) return wanted;
  const isDue = !view.isUpToDate || nowMs - (view.checkedAtMs ?? 0) > provider.clocks.ttlMs;
  if (reason === 'waiting' && !isDue) return wanted;
  const deeds = () => {
    const { retryAt } = parts.store.cache.states.get(provider.name);
    const job = parts.store.cache.jobs.find(provider.name, '');
    const deed = deedOf(wish, '', job, retryAt ?? undefined);
    return deed === undefined ? [] : [deed];
  };
  if (deeds().length === 0) return wanted;
  return parts.store.cache.transaction(() => {
    const found = deeds();
    for (const deed of found) carryOut(parts, wish, deed);
    return wanted + found.length;
  });
}

function deedsOf({ store }: CacheParts, wish: Wish, keys: readonly string[]): readonly Deed[] {
  const { name } = wish.provider;
  const jobs = new Map(store.cache.jobs.many(name, keys).map((job) => [job.key, job]));
  const signs = new Map(store.cache.entries.signs(name, keys).map((sign) => [sign.key, sign]));
  return keys.flatMap((key) => {
    const sign = signs.get(key);
    // Somebody may have seen it missing just before it came.
    if (wish.reason === 'waiting' && sign !== undefined && isFresh(wish, sign)) return [];
    const deed = deedOf(wish, key, jobs.get(key), sign?.retryAt ?? undefined);
    return deed === undefined ? [] : [deed];
  });
}

function isFresh({ provider, nowMs }: Wish, sign: EntrySign): boolean {
  const isAbsent = sign.absent === 1;
  const isKnown = isAbsent || sign.hasValue === 1;
  const isStale = sign.stale === 1 || (!isAbsent && sign.version !== provider.version);
  const hasError = sign.errorAt !== null;
  const checkedAtMs = sign.checkedAt ?? undefined;
  const state = stateOf({ isKnown, isAbsent, isStale, checkedAtMs, hasError }, provider.clocks, nowMs);
  return state === 'fresh';
}

function deedOf(
  { reason, nowMs }: Wish,
  key: string,
  job: JobRow | undefined,
  retryAtMs = 0,
): Deed | undefined {
  const pausesUntilMs = reason === 'manual' ? 0 : retryAtMs;
  if (pausesUntilMs > nowMs && reason !== 'dependency') return undefined;
  const runAtMs = Math.max(nowMs, pausesUntilMs);
  if (job === undefined) return { kind: 'add', key, runAtMs };
  if (job.state === 'running')
    return reason === 'dependency' && job.again === 0 ? { kind: 'again', job } : undefined;
  const isSooner = runAtMs < job.runAt;
  const isMoreUrgent = PRIORITY[reason] < job.priority;
  return isSooner || isMoreUrgent ? { kind: 'raise', job, runAtMs } : undefined;
}

function carryOut({ store }: CacheParts, { provider, reason }: Wish, deed: Deed): void {
  const { jobs } = store.cache;
  if (deed.kind === 'again') {
    jobs.again(deed.job.id);
    return;
  }
  if (deed.kind === 'add') {
    const { key, runAtMs: runAt } = deed;
    const rank = rankOf(reason, runAt);
    jobs.add({ provider: provider.name, key, reason, rank, priority: PRIORITY[reason], runAt });
    return;
  }
  const { job } = deed;
  const urgent = PRIORITY[reason] < job.priority ? reason : job.reason;
  const runAt = Math.min(deed.runAtMs, job.runAt);
  const rank = Math.min(job.rank, rankOf(urgent, runAt));
  // By hand it begins anew: the pauses between its tries too.
  const attempt = reason === 'manual' ? 0 : job.attempt;
  jobs.raise(job.id, { reason: urgent, priority: PRIORITY[urgent], rank, runAt, attempt });
}

/** Up to so many entries of a keyed dependant get a job each at once. */
const KEYS_AT_ONCE_MAX = 200;

/**
 * Wakes what depends on an entry that changed; inside of its transaction. A derived or single dependant gets one job. A keyed one:
 * where the changed entry is keyed too, the entry of the same key; else each of its entries while they are few. Many thousands are
 * not fetched at once because, say, a list of releases got longer: those with an interval keep to it, those without are stale from
 * now on and fetched when somebody asks.
 */
export function wakeDependants(parts: CacheParts, changed: Provider, keys: readonly string[]): void {
  const { entries } = parts.store.cache;
  for (const provider of registryOf(parts.providers).dependants(changed.name)) {
    if (provider.kind !== 'keyed') {
      wantEntries(parts, provider, [''], 'dependency');
      continue;
    }
    if (changed.kind === 'keyed') {
      const there = entries.signs(provider.name, keys).map(({ key }) => key);
      wantEntries(parts, provider, there, 'dependency');
      continue;
    }
    const some = entries.keysWithValue(provider.name, KEYS_AT_ONCE_MAX + 1);
    if (some.length <= KEYS_AT_ONCE_MAX) wantEntries(parts, provider, some, 'dependency');
    else if (provider.clocks.intervalMs === undefined) entries.markStale(provider.name);
  }
}
