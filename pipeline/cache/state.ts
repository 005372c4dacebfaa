import type { EntryState, ProviderClocks } from './contract.ts';

/** What of an entry decides its state. */
export interface Signs {
  /** A value, or that there is no such thing. */
  readonly isKnown: boolean;
  readonly isAbsent: boolean;
  /** Cleared softly. */
  readonly isStale: boolean;
  readonly checkedAtMs: number | undefined;
  /** The last refresh failed. */
  readonly hasError: boolean;
}

/** Each span includes its last millisecond. A clock that was put back makes an entry no older than now. */
export function stateOf(signs: Signs, clocks: ProviderClocks, nowMs: number): EntryState {
  const { isKnown, isAbsent, isStale, checkedAtMs, hasError } = signs;
  if (!isKnown || checkedAtMs === undefined) return 'missing';
  const ageMs = Math.max(0, nowMs - checkedAtMs);
  const ttlMs = isAbsent ? clocks.negativeMs : clocks.ttlMs;
  if (ageMs <= ttlMs && !isStale) return 'fresh';
  if (hasError) return ageMs <= ttlMs + clocks.errorMs ? 'error' : 'missing';
  return ageMs <= ttlMs + clocks.staleMs ? 'stale' : 'missing';
}

const ORDER: readonly EntryState[] = ['fresh', 'stale', 'error', 'missing'];

export function worst(states: readonly EntryState[]): EntryState {
  return ORDER[Math.max(0, ...states.map((state) => ORDER.indexOf(state)))] ?? 'fresh';
}
