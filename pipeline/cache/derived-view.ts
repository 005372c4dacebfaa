import type { CacheRead, EntryState, Provider } from './contract.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { stateOf, worst } from './state.ts';

/**
 * How a provider as a whole stands: all entries of a derived one share it. A derived value is as old as the oldest of what it was
 * made from, and no better: a source whose refreshes fail shows in what is made of it. As long as its sources are looked at and do
 * not change, it need not be made again to stay fresh.
 */
export interface View {
  readonly state: EntryState;
  readonly checkedAtMs: number | undefined;
  readonly error: CacheRead['error'];
  /** Count of changes at which it last changed. */
  readonly changedSeq: number;
  /** derived: nothing that it is made of has changed since. */
  readonly isUpToDate: boolean;
  /** There is something to serve or to make others from. */
  readonly isKnown: boolean;
}

/**
 * Whether a derived provider cannot be made yet, because nothing is known of this source. What it may lack is done without once its
 * upstream has failed: before that it is worth waiting for.
 */
export function isLacking(provider: Provider, source: Provider, view: View): boolean {
  if (view.isKnown) return false;
  return view.error === undefined || provider.mayLack?.includes(source.name) !== true;
}

/** The view of a derived or single provider. */
export function viewOf(parts: CacheParts, provider: Provider, nowMs: number): View {
  return provider.kind === 'derived'
    ? derivedView(parts, provider, nowMs)
    : singleView(parts, provider, nowMs);
}

function singleView({ store }: CacheParts, provider: Provider, nowMs: number): View {
  const sign = store.cache.entries.sign(provider.name, '');
  const isKnown = sign !== undefined && (sign.hasValue === 1 || sign.absent === 1);
  const checkedAtMs = sign?.checkedAt ?? undefined;
  const isStale = sign?.stale === 1 || (sign?.hasValue === 1 && sign.version !== provider.version);
  const hasError = (sign?.errorAt ?? null) !== null;
  const state = stateOf(
    { isKnown, isAbsent: sign?.absent === 1, isStale, checkedAtMs, hasError },
    provider.clocks,
    nowMs,
  );
  return {
    state,
    checkedAtMs,
    error: sign === undefined ? undefined : errorOf(sign),
    changedSeq: sign?.seq ?? 0,
    isUpToDate: true,
    isKnown: state !== 'missing',
  };
}

export function derivedView(parts: CacheParts, provider: Provider, nowMs: number): View {
  const row = parts.store.cache.states.get(provider.name);
  const sources = registryOf(parts.providers)
    .sources(provider)
    .map((source) => viewOf(parts, source, nowMs));
  const error = errorOf(row) ?? sources.find(({ error }) => error !== undefined)?.error;
  const base = { error, changedSeq: row.changedSeq };
  const { derivedAt, derivedSeq } = row;
  if (derivedAt === null || derivedSeq === null)
    return { ...base, state: 'missing', checkedAtMs: undefined, isUpToDate: false, isKnown: false };
  const isUpToDate = row.stale === 0 && sources.every(({ changedSeq }) => changedSeq <= derivedSeq);
  const ages = sources.flatMap(({ checkedAtMs }) => (checkedAtMs === undefined ? [] : [checkedAtMs]));
  const oldestMs = Math.min(...ages);
  const lookedAtMs = isUpToDate && ages.length > 0 ? Math.max(derivedAt, oldestMs) : derivedAt;
  const own = stateOf(
    {
      isKnown: true,
      isAbsent: false,
      isStale: !isUpToDate,
      checkedAtMs: lookedAtMs,
      hasError: row.errorAt !== null,
    },
    provider.clocks,
    nowMs,
  );
  // A source that is gone does not take away what was made of it; only its own age does.
  const shown = sources.map(({ state, error }) =>
    state === 'missing' ? (error === undefined ? 'stale' : 'error') : state,
  );
  const state = own === 'missing' ? own : worst([own, ...shown]);
  return {
    ...base,
    state,
    checkedAtMs: Math.min(lookedAtMs, oldestMs),
    isUpToDate,
    isKnown: state !== 'missing',
  };
}

function errorOf(row: {
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorAt: number | null;
}): CacheRead['error'] {
  const { errorCode, errorMessage, errorAt } = row;
  if (errorAt === null) return undefined;
  return { code: errorCode ?? 'internal', message: errorMessage ?? '', atMs: errorAt };
}
