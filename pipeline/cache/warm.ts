import type { Provider } from './contract.ts';
import { viewOf } from './derived-view.ts';
import { warmKeys } from './keep-warm.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { wantEntries } from './want.ts';

export interface WarmOptions extends CacheParts {
  /** Only this provider and what depends on it; undefined: all but the keyed ones, which the schedule warms. */
  readonly from?: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Told when a provider's jobs are wanted and when they are done. */
  readonly onProgress?: (progress: WarmProgress) => void;
}

export interface WarmProgress {
  readonly provider: string;
  readonly state: 'wanted' | 'done' | 'failed';
  readonly entries: number;
}

const LOOK_MS = 250;

/**
 * Refreshes providers in the order of their dependencies, a level at a time: one is wanted once all it depends on are done or have
 * failed. Workers (here or elsewhere) do the work; without one it waits until `signal`. Names of those that failed.
 */
export async function warm(options: WarmOptions): Promise<readonly string[]> {
  const { signal, onProgress } = options;
  const failed: string[] = [];
  const startMs = options.nowMs();
  for (const level of levelsOf(options)) {
    const open = level.map((provider) => begin(options, provider, startMs));
    for (const { provider, entries } of open)
      onProgress?.({ provider: provider.name, state: 'wanted', entries });
    for (const { provider, entries, sinceMs } of open) {
      await settled(options, provider);
      if (signal.aborted) return failed;
      const isWell = !hasFailed(options, provider, sinceMs);
      if (!isWell) failed.push(provider.name);
      onProgress?.({ provider: provider.name, state: isWell ? 'done' : 'failed', entries });
    }
  }
  return failed;
}

/** A provider is on the level after the last of what it depends on. */
function levelsOf({ providers, from }: WarmOptions): readonly (readonly Provider[])[] {
  const registry = registryOf(providers);
  const first = from === undefined ? undefined : registry.get(from);
  const isMeant = new Map<string, boolean>();
  const levels = new Map<string, number>();
  const result: Provider[][] = [];
  for (const provider of registry.ordered) {
    const { name, kind, dependsOn } = provider;
    const meant = first === undefined || name === from || dependsOn.some((other) => isMeant.get(other));
    isMeant.set(name, meant);
    const level = Math.max(0, ...dependsOn.map((other) => (levels.get(other) ?? 0) + 1));
    levels.set(name, level);
    if (!meant || kind === 'retired' || (kind === 'keyed' && name !== from)) continue;
    result[level] = [...(result[level] ?? []), provider];
  }
  return result.filter((level) => level !== undefined);
}

function begin(options: WarmOptions, provider: Provider, startMs: number) {
  const { cache } = options.store;
  const sinceMs = options.nowMs();
  const keys =
    provider.kind === 'keyed' ? (warmKeys(options, provider) ?? cache.keysOf(provider.name)) : [''];
  // A change of what it depends on may have had it refreshed already.
  if (!isDone(options, provider, startMs)) wantEntries(options, provider, keys, 'manual');
  return { provider, entries: keys.length, sinceMs };
}

function isDone(options: WarmOptions, provider: Provider, startMs: number): boolean {
  if (provider.kind === 'keyed') return false;
  const { state, checkedAtMs = -1 } = viewOf(options, provider, options.nowMs());
  return state === 'fresh' && checkedAtMs >= startMs;
}

/** Resolves when no job of it is waiting or running. */
async function settled({ store, nowMs, sleep, signal }: WarmOptions, { name }: Provider): Promise<void> {
  while (!signal.aborted && store.cache.jobs.open(name, nowMs()) > 0)
    await sleep(LOOK_MS, signal).catch(() => undefined);
}

function hasFailed(options: WarmOptions, provider: Provider, sinceMs: number): boolean {
  const { states } = options.store.cache;
  if (provider.kind !== 'keyed') {
    const view = viewOf(options, provider, options.nowMs());
    return !view.isKnown || (states.get(provider.name).errorAt ?? -1) >= sinceMs;
  }
  const state = states.get(provider.name);
  return (state.errorAt ?? -1) >= sinceMs;
}
