import type { EntryMeta } from '../store/cache-select.ts';
import type { Provider } from './contract.ts';
import type { GcOptions, GcResult } from './engine.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';

type Reason = GcResult['removed'][number]['reason'];

interface Victim extends EntryMeta {
  readonly reason: Reason;
}

const ROWS_AT_ONCE = 500;

/** Removes what nobody needs. A dry run takes the same choice and removes nothing. */
export function collectGarbage(parts: CacheParts, options: GcOptions): GcResult {
  const { cache } = parts.store;
  const runsBeforeMs = parts.nowMs() - options.runsMs;
  const { victims, runs, totals } = cache.snapshot(() => ({
    victims: choose(parts, options),
    runs: cache.runs.countBefore(runsBeforeMs),
    totals: cache.selections.totals(),
  }));
  const removed = summary(victims);
  const bytes = victims.reduce((sum, { size }) => sum + size, 0);
  const left = { entries: totals.entries - victims.length, bytes: totals.bytes - bytes };
  if (options.dryRun) return { removed, runs, left };
  removeAll(parts, victims);
  cache.transaction(() => {
    cache.runs.removeBefore(runsBeforeMs);
    cache.subjects.removeBefore(parts.nowMs() - options.unseenMs);
  });
  return { removed, runs, left };
}

function summary(victims: readonly Victim[]): GcResult['removed'] {
  const sums = new Map<string, { reason: Reason; provider: string; entries: number; bytes: number }>();
  for (const { reason, provider, size } of victims) {
    const id = `${reason} ${provider}`;
    const sum = sums.get(id) ?? { reason, provider, entries: 0, bytes: 0 };
    sum.entries += 1;
    sum.bytes += size;
    sums.set(id, sum);
  }
  return [...sums.values()];
}

function choose(parts: CacheParts, options: GcOptions): readonly Victim[] {
  const judge = createJudge(parts, options);
  const victims: Victim[] = [];
  const kept: EntryMeta[] = [];
  for (const meta of parts.store.cache.selections.meta()) {
    const reason = judge(meta);
    if (reason === undefined) kept.push(meta);
    else victims.push({ ...meta, reason });
  }
  return [...victims, ...overBudget(parts, kept, options)];
}

function createJudge(parts: CacheParts, { unseenMs }: GcOptions): (meta: EntryMeta) => Reason | undefined {
  const { store, providers } = parts;
  const registry = registryOf(providers);
  const nowMs = parts.nowMs();
  const seen = store.cache.subjects.lastSeen('package');
  const derivedAt = new Map(store.cache.states.all().map((state) => [state.name, state.derivedAt]));
  return (meta) => {
    const provider = registry.find(meta.provider);
    if (provider === undefined) return 'unknown';
    if (provider.kind === 'retired') return 'retired';
    if (provider.kind === 'derived') {
      const atMs = derivedAt.get(provider.name) ?? meta.checkedAt ?? 0;
      return nowMs - atMs > lifeOf(provider, meta) && nowMs - meta.accessAt > unseenMs
        ? 'expired'
        : undefined;
    }
    if (isUnseen(provider, meta, seen.get(meta.key), nowMs - unseenMs)) return 'unseen';
    return isExpired(provider, meta, nowMs) ? 'expired' : undefined;
  };
}

/** The longest time a value is served. */
function lifeOf({ clocks }: Provider, { absent }: EntryMeta): number {
  return (absent === 1 ? clocks.negativeMs : clocks.ttlMs) + clocks.errorMs;
}

function isUnseen(provider: Provider, meta: EntryMeta, seenAt: number | undefined, sinceMs: number): boolean {
  if (provider.kind !== 'keyed' || meta.accessAt >= sinceMs) return false;
  if (provider.keys?.rule === 'seen') return (seenAt ?? 0) < sinceMs;
  // Of all that there are: one that there is not any more has no place in the schedule.
  return provider.keys === undefined || (provider.clocks.intervalMs !== undefined && meta.nextAt === null);
}

/** Nothing of it is served any more, and nobody keeps asking for it. */
function isExpired(
  provider: Provider,
  { checkedAt, errorAt, nextAt, accessAt, absent }: EntryMeta,
  nowMs: number,
) {
  const life = lifeOf(provider, { absent } as EntryMeta);
  if (checkedAt === null && nextAt !== null) return false;
  const latestMs = Math.max(checkedAt ?? accessAt, errorAt ?? 0);
  return nowMs - latestMs > life;
}

function overBudget(
  { providers }: CacheParts,
  kept: readonly EntryMeta[],
  { bytesMax = Number.POSITIVE_INFINITY, rowsMax = Number.POSITIVE_INFINITY }: GcOptions,
): readonly Victim[] {
  const registry = registryOf(providers);
  let bytes = kept.reduce((sum, { size }) => sum + size, 0);
  let rows = kept.length;
  if (bytes <= bytesMax && rows <= rowsMax) return [];
  // One row of a derived provider less would read as "there is no such thing": those go by their own rules only.
  const order = kept
    .filter(({ provider }) => registry.find(provider)?.kind !== 'derived')
    .sort(
      (a, b) =>
        rankOf(registry.find(a.provider)) - rankOf(registry.find(b.provider)) || a.accessAt - b.accessAt,
    );
  const victims: Victim[] = [];
  for (const meta of order) {
    if (bytes <= bytesMax && rows <= rowsMax) break;
    bytes -= meta.size;
    rows -= 1;
    victims.push({ ...meta, reason: 'budget' });
  }
  return victims;
}

/** What others are made of goes last. */
const rankOf = (provider: Provider | undefined) => (provider?.kind === 'keyed' ? 0 : 1);

function removeAll(parts: CacheParts, victims: readonly Victim[]): void {
  const { cache } = parts.store;
  const registry = registryOf(parts.providers);
  const byProvider = new Map<string, Victim[]>();
  for (const victim of victims) {
    const same = byProvider.get(victim.provider) ?? [];
    byProvider.set(victim.provider, same);
    same.push(victim);
  }
  for (const [name, gone] of byProvider) {
    for (let at = 0; at < gone.length; at += ROWS_AT_ONCE)
      cache.transaction(() => {
        const keys = gone.slice(at, at + ROWS_AT_ONCE).map(({ key }) => key);
        cache.selections.remove(name, keys);
        cache.bump();
      });
    const provider = registry.find(name);
    cache.transaction(() => {
      if (provider === undefined || provider.kind === 'retired') {
        cache.jobs.removeIdle(name);
        if (provider === undefined) cache.states.remove(name);
      } else if (provider.kind === 'derived') cache.states.forgetDerived(name);
    });
  }
}
