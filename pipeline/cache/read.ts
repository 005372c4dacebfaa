import type { ReadRow } from '../store/cache-entries.ts';
import type { CacheRead, EntryState, Json, Provider } from './contract.ts';
import { derivedView, type View } from './derived-view.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { stateOf } from './state.ts';
import { currentText, parsedOf, textOf } from './values.ts';

export interface Reading {
  readonly read: CacheRead;
  /** Its value cannot be read. */
  readonly isDamaged: boolean;
}

/** Entries as they are now, in the order of `keys`. */
export function readEntries(
  parts: CacheParts,
  provider: Provider,
  keys: readonly string[],
): readonly Reading[] {
  const { store, nowMs } = parts;
  if (provider.kind === 'retired')
    return keys.map((key) => ({ read: retired(provider, key), isDamaged: false }));
  const view = provider.kind === 'derived' ? derivedView(parts, provider, nowMs()) : undefined;
  const rows = store.cache.entries.many(provider.name, keys);
  // They come in the order of `keys`, those that are missing left out.
  let at = 0;
  return keys.map((key) => {
    const row = rows[at]?.key === key ? rows[at] : undefined;
    if (row !== undefined) at += 1;
    return view === undefined ? ofRow(parts, provider, key, row) : ofDerived(parts, provider, key, row, view);
  });
}

/** The value as another provider may use it; undefined: missing, or no such thing. */
export function readJson(parts: CacheParts, name: string, key: string): Json | undefined {
  const [reading] = readEntries(parts, registryOf(parts.providers).get(name), [key]);
  const json = reading?.read.json;
  if (reading === undefined || json === undefined) return undefined;
  return parsedOf(parts.store.cache, { provider: name, key, seq: reading.read.seq }, json);
}

function ofRow(parts: CacheParts, provider: Provider, key: string, row: ReadRow | undefined): Reading {
  if (row === undefined) return { read: missing(provider.name, key), isDamaged: false };
  const value = valueIn(parts, provider, row);
  const signs = {
    isKnown: row.absent === 1 || value.text !== undefined,
    isAbsent: row.absent === 1,
    isStale: row.stale === 1 || value.isStale,
    checkedAtMs: row.checkedAt ?? undefined,
    hasError: row.errorAt !== null,
  };
  const state = stateOf(signs, provider.clocks, parts.nowMs());
  return { read: readOf(parts, provider, row, { state, text: value.text }), isDamaged: value.isDamaged };
}

function ofDerived(
  parts: CacheParts,
  provider: Provider,
  key: string,
  row: ReadRow | undefined,
  view: View,
): Reading {
  const { state, checkedAtMs, error } = view;
  const age = { checkedAtMs, ageMs: checkedAtMs && Math.max(0, parts.nowMs() - checkedAtMs) };
  const said = error === undefined ? {} : { error };
  if (state === 'missing') return { read: { ...missing(provider.name, key), ...said }, isDamaged: false };
  if (row === undefined) {
    // Everything there is was derived: that this is not among it is an answer.
    const empty = provider.empty === undefined ? {} : { json: JSON.stringify(provider.empty) };
    const isAbsent = provider.empty === undefined;
    const read = { ...missing(provider.name, key), state, ...age, ...said, isAbsent, ...empty };
    return { read, isDamaged: false };
  }
  const value = valueIn(parts, provider, row);
  if (value.text === undefined) {
    return { read: { ...missing(provider.name, key), ...said }, isDamaged: value.isDamaged };
  }
  const shown: EntryState = value.isStale && state === 'fresh' ? 'stale' : state;
  const read = readOf(parts, provider, row, { state: shown, text: value.text });
  return { read: { ...read, ...age, ...said }, isDamaged: false };
}

function valueIn(
  { store, providers }: CacheParts,
  provider: Provider,
  row: ReadRow,
): { readonly text: string | undefined; readonly isStale: boolean; readonly isDamaged: boolean } {
  if (row.value === null) return { text: undefined, isStale: false, isDamaged: false };
  const text = textOf(store.cache, provider.name, row);
  if (text === undefined) return { text, isStale: false, isDamaged: true };
  const current = currentText(registryOf(providers), provider, row.version, text);
  return { text: current?.text, isStale: current?.isStale ?? true, isDamaged: false };
}

function readOf(
  { nowMs }: CacheParts,
  { name }: Provider,
  row: ReadRow,
  { state, text }: { readonly state: EntryState; readonly text: string | undefined },
): CacheRead {
  const isThere = state !== 'missing';
  const checkedAtMs = row.checkedAt ?? undefined;
  const { errorCode, errorMessage, errorAt } = row;
  const read: CacheRead = {
    provider: name,
    key: row.key,
    state,
    json: isThere ? text : undefined,
    isAbsent: isThere && row.absent === 1,
    checkedAtMs,
    changedAtMs: row.changedAt ?? undefined,
    ageMs: checkedAtMs === undefined ? undefined : Math.max(0, nowMs() - checkedAtMs),
    seq: row.seq,
  };
  if (errorAt === null) return read;
  return { ...read, error: { code: errorCode ?? 'internal', message: errorMessage ?? '', atMs: errorAt } };
}

function missing(provider: string, key: string): CacheRead {
  const nothing = { json: undefined, checkedAtMs: undefined, changedAtMs: undefined, ageMs: undefined };
  return { provider, key, state: 'missing', ...nothing, isAbsent: false, seq: 0 };
}

/** Nothing will ever be fetched: what stands for it is as good as it gets. */
function retired({ name, empty }: Provider, key: string): CacheRead {
  const json = empty === undefined ? undefined : JSON.stringify(empty);
  return { ...missing(name, key), state: 'fresh', json, isAbsent: empty === undefined };
}
