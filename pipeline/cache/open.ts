import { clear } from './clear.ts';
import type { CacheRead, JobReason } from './contract.ts';
import type { Cache } from './engine.ts';
import { collectGarbage } from './garbage.ts';
import { createNotes } from './notes.ts';
import type { CacheParts } from './parts.ts';
import { readEntries } from './read.ts';
import { registryOf } from './registry.ts';
import { hostStates, jobStatus, processes, providerStates, runs } from './status.ts';
import { rankOf, wantEntries } from './want.ts';

const JOBS_LISTED = 1000;

/** The cache of these providers. Throws `config` for a provider that cannot be: its name, its clocks, what it depends on. */
/** More are not looked through one by one. */
const CHANGES_MAX = 500;

export function openCache(parts: CacheParts): Cache {
  const registry = registryOf(parts.providers);
  const { cache } = parts.store;
  const notes = createNotes(parts);
  const readMany = (name: string, keys: readonly string[]): readonly CacheRead[] => {
    const readings = readEntries(parts, registry.get(name), keys);
    notes.read(name, keys);
    const damaged = readings.filter(({ isDamaged }) => isDamaged).map(({ read }) => read.key);
    if (damaged.length > 0) mend(parts, name, damaged);
    return readings.map(({ read }) => read);
  };
  const wantMany = (name: string, keys: readonly string[], reason: JobReason) => {
    const wanted = wantEntries(parts, registry.get(name), keys, reason);
    // Whoever waits for the write lock anyway may as well do this.
    if (wanted > 0) notes.flushSometimes();
    return wanted;
  };
  return {
    providers: parts.providers,
    provider: (name) => registry.get(name),
    read: (name, key) => readMany(name, [key])[0] as CacheRead,
    readMany,
    want: (name, key, reason) => wantMany(name, [key], reason) > 0,
    wantMany,
    seq: () => cache.seq(),
    changesSince: (seq) => cache.changesSince(seq, CHANGES_MAX),
    seen: (kind, name) => notes.seen(kind, name),
    clear: (selection, options) => clear(parts, selection, options),
    collectGarbage: (options) => {
      notes.flush();
      return collectGarbage(parts, options);
    },
    ...deeds(parts),
    providerStates: () => providerStates(parts),
    hostStates: () => hostStates(parts),
    jobs: (filter = {}) => cache.jobs.list({ limit: JOBS_LISTED, ...filter }).map(jobStatus),
    runs: (filter) => runs(parts, filter),
    processes: () => processes(parts),
    flush: () => notes.flush(),
  };
}

function deeds({ store, providers, nowMs }: CacheParts): Pick<Cache, 'pause' | 'retry' | 'cancel'> {
  const { cache } = store;
  const registry = registryOf(providers);
  return {
    pause: (name, paused) => {
      const names =
        name === undefined ? registry.ordered.map((each) => each.name) : [registry.get(name).name];
      cache.transaction(() => {
        for (const each of names) cache.states.setPaused(each, paused);
        cache.bump();
      });
    },
    retry: (id) =>
      cache.transaction(() => {
        const job = cache.jobs.byId(id);
        if (job === undefined || job.state === 'running') return false;
        const runAt = nowMs();
        const rank = Math.min(job.rank, rankOf('manual', runAt));
        cache.jobs.raise(id, { reason: 'manual', priority: 1, rank, runAt, attempt: 0 });
        return true;
      }),
    // A running one's worker finds out when it comes back: what it fetched is not written.
    cancel: (id) => cache.transaction(() => cache.jobs.remove(id)),
  };
}

/** A value that cannot be read is as good as none: forgotten, and wanted anew. */
function mend(parts: CacheParts, name: string, keys: readonly string[]): void {
  const { store, onNotice } = parts;
  const provider = registryOf(parts.providers).get(name);
  try {
    store.cache.transaction(() => {
      for (const key of keys) store.cache.entries.forget(name, key);
      if (provider.kind === 'derived') store.cache.states.markStale(name);
      store.cache.bump();
    });
    onNotice?.(
      `${name}: ${keys.length} stored values were damaged and are fetched anew: ${keys.slice(0, 5).join(', ')}`,
    );
    wantEntries(parts, provider, keys, 'manual');
  } catch (cause) {
    onNotice?.(`${name}: damaged values could not be removed: ${String(cause)}`);
  }
}
