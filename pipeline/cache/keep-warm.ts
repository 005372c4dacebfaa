import type { Json, Provider } from './contract.ts';
import type { CacheParts } from './parts.ts';
import { readEntries, readJson } from './read.ts';
import { registryOf } from './registry.ts';
import { nextSlot } from './schedule-time.ts';

const KEYS_AT_ONCE = 500;

/** Which keys of a keyed provider are kept warm; undefined: not known now, all stay as they are. */
export function warmKeys(parts: CacheParts, provider: Provider): readonly string[] | undefined {
  const { store, nowMs, seenMs } = parts;
  if (provider.keys === undefined) return undefined;
  if (provider.keys.rule === 'given') return provider.keys.keys;
  if (provider.keys.rule === 'seen') return store.cache.subjects.since('package', nowMs() - seenMs);
  const of = registryOf(parts.providers).get(provider.keys.of);
  const all = store.cache.keysOf(of.name);
  const isSingle = of.kind === 'single' || (all.length === 1 && all[0] === '');
  if (!isSingle) {
    const [first] = readEntries(parts, of, all.slice(0, 1));
    return first === undefined || first.read.state === 'missing' ? undefined : all;
  }
  const value = readJson(parts, of.name, '');
  return value === undefined ? undefined : namesIn(value);
}

/** Of a list its texts, of a mapping its keys. */
function namesIn(value: Json): readonly string[] {
  if (Array.isArray(value)) return value.filter((name) => typeof name === 'string');
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}

/** Gives keys that are to be kept warm their place in the schedule, and takes it from those that are not any more. */
export function keepWarm(parts: CacheParts, provider: Provider): void {
  const { store, nowMs } = parts;
  const { intervalMs } = provider.clocks;
  if (intervalMs === undefined) return;
  const keys = warmKeys(parts, provider);
  if (keys === undefined) return;
  const { selections } = store.cache;
  const nexts = selections.nextOf(provider.name);
  const wanted = new Set(keys);
  const changes: [string, number | null][] = [];
  for (const key of wanted)
    if ((nexts.get(key) ?? null) === null)
      changes.push([key, nextSlot(provider.name, key, intervalMs, nowMs())]);
  for (const [key, next] of nexts) if (next !== null && !wanted.has(key)) changes.push([key, null]);
  for (let at = 0; at < changes.length; at += KEYS_AT_ONCE)
    store.cache.transaction(() => {
      for (const [key, next] of changes.slice(at, at + KEYS_AT_ONCE))
        selections.setNext(provider.name, key, next, nowMs());
    });
}
