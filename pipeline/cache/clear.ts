import type { Provider } from './contract.ts';
import type { ClearOptions, ClearResult, Selection } from './engine.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { wantEntries } from './want.ts';

interface Chosen {
  readonly provider: Provider;
  readonly keys: readonly string[];
  readonly bytes: number;
  readonly derived: boolean;
}

/**
 * Clears what is selected, and all that is derived from it. Each provider's generation grows, so that what is being fetched now does
 * not bring back what was cleared: its job begins anew.
 */
export function clear(parts: CacheParts, selection: Selection, options: ClearOptions): ClearResult {
  const { cache } = parts.store;
  const chosen = cache.snapshot(() => choose(parts, selection));
  const done = options.dryRun
    ? chosen
    : cache.transaction(() => {
        // Once more: others may have written since.
        const now = choose(parts, selection);
        for (const each of now) clearOne(parts, each, options.hard);
        if (now.length > 0) cache.bump();
        return now;
      });
  const wanted = options.dryRun || !options.rewarm ? 0 : rewarm(parts, done);
  return {
    providers: done.map(({ provider, keys, bytes, derived }) => ({
      ...{ provider: provider.name, entries: keys.length, bytes, derived },
    })),
    wanted,
  };
}

function clearOne({ store }: CacheParts, { provider, keys }: Chosen, hard: boolean): void {
  const { states, selections } = store.cache;
  states.bumpGeneration(provider.name);
  if (hard) selections.remove(provider.name, keys);
  else selections.markStale(provider.name, keys);
  if (provider.kind !== 'derived') return;
  if (hard) states.forgetDerived(provider.name);
  else states.markStale(provider.name);
}

/** In the order of dependencies: what is made of others comes after them. */
function rewarm(parts: CacheParts, chosen: readonly Chosen[]): number {
  return chosen.reduce(
    (sum, { provider, keys, derived }) =>
      sum +
      wantEntries(
        parts,
        provider,
        provider.kind === 'keyed' ? keys : [''],
        derived ? 'dependency' : 'manual',
      ),
    0,
  );
}

function choose(parts: CacheParts, selection: Selection): readonly Chosen[] {
  const registry = registryOf(parts.providers);
  const named = selection.provider === undefined ? undefined : registry.get(selection.provider);
  const direct = new Map<string, Chosen>();
  for (const provider of named === undefined ? registry.ordered : [named]) {
    const found = select(parts, provider, selection);
    if (found !== undefined) direct.set(provider.name, found);
  }
  const derived = new Map<string, Chosen>();
  for (const name of direct.keys())
    for (const provider of registry.derivedFrom(name))
      if (provider.name !== name) derived.set(provider.name, whole(parts, provider));
  return registry.ordered.flatMap(({ name }) => {
    // What is cleared in part and derived from what is cleared is cleared whole.
    const found = derived.get(name) ?? direct.get(name);
    return found === undefined ? [] : [found];
  });
}

/** Undefined: nothing of it is meant, neither what is there nor what is being fetched. */
function select({ store, nowMs }: CacheParts, provider: Provider, selection: Selection): Chosen | undefined {
  const { selections, jobs } = store.cache;
  const { key, prefix, tag, olderThanMs } = selection;
  const isWhole = tag !== undefined && provider.tags.includes(tag);
  const rows = selections.keys({
    provider: provider.name,
    ...(key !== undefined && { key }),
    ...(prefix !== undefined && { prefix }),
    ...(tag !== undefined && !isWhole && { tag }),
    ...(olderThanMs !== undefined && { checkedBeforeMs: nowMs() - olderThanMs }),
  });
  const isNamed = selection.provider !== undefined;
  const hasPart = key !== undefined || prefix !== undefined || (tag !== undefined && !isWhole);
  const isMeant = (found: string) =>
    (key === undefined || key === found) && (prefix === undefined || found.startsWith(prefix));
  const isFetched = () =>
    (tag === undefined || isWhole) &&
    jobs.list({ provider: provider.name, state: 'running', limit: 10_000 }).some((job) => isMeant(job.key));
  const isAll = !hasPart && tag === undefined;
  if (rows.length === 0 && !isNamed && !isWhole && !isAll && !isFetched()) return undefined;
  const bytes = rows.reduce((sum, { size }) => sum + size, 0);
  return { provider, keys: rows.map((row) => row.key), bytes, derived: false };
}

function whole({ store }: CacheParts, provider: Provider): Chosen {
  const rows = store.cache.selections.keys({ provider: provider.name });
  const bytes = rows.reduce((sum, { size }) => sum + size, 0);
  return { provider, keys: rows.map(({ key }) => key), bytes, derived: true };
}
