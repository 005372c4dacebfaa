import type { Provider } from './contract.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';
import { currentText, storedValue, textOf } from './values.ts';
import { wantEntries } from './want.ts';

export interface Migrated {
  readonly provider: string;
  /** Written anew in today's shape. */
  readonly migrated: number;
  /** Could not be: stale. */
  readonly stale: number;
}

/** Writes entries of older versions in today's shape; what cannot be is marked stale and wanted again. */
export async function migrateEntries(
  parts: CacheParts,
  options: { readonly dryRun: boolean },
): Promise<readonly Migrated[]> {
  const all: Migrated[] = [];
  for (const provider of registryOf(parts.providers).ordered) {
    const keys = parts.store.cache.selections.otherVersions(provider.name, provider.version);
    const stale: string[] = [];
    for (const key of keys) if (!(await migrateEntry(parts, provider, key, options.dryRun))) stale.push(key);
    if (keys.length > 0)
      all.push({ provider: provider.name, migrated: keys.length - stale.length, stale: stale.length });
    if (options.dryRun || stale.length === 0) continue;
    const { cache } = parts.store;
    cache.transaction(() => {
      cache.selections.markStale(provider.name, stale);
      if (provider.kind === 'derived') cache.states.markStale(provider.name);
      cache.bump();
    });
    wantEntries(parts, provider, stale, 'manual');
  }
  return all;
}

async function migrateEntry(
  { store, providers }: CacheParts,
  provider: Provider,
  key: string,
  dryRun: boolean,
): Promise<boolean> {
  const { entries, transaction, bump } = store.cache;
  const { name, version } = provider;
  const row = entries.get(name, key);
  const text = row === undefined ? undefined : textOf(store.cache, name, row);
  if (row === undefined || text === undefined) return false;
  const current = currentText(registryOf(providers), provider, row.version, text);
  if (current === undefined || current.isStale) return false;
  if (dryRun) return true;
  const stored = await storedValue(current.text);
  return transaction(() => {
    // Fetched anew meanwhile: better than what is migrated.
    if (entries.sign(name, key)?.seq !== row.seq) return true;
    entries.rewrite({ provider: name, key, version, ...stored, seq: bump() });
    return true;
  });
}
