import type { Cache } from '../cache/engine.ts';
import { openCache } from '../cache/open.ts';
import type { CacheParts } from '../cache/parts.ts';
import type { CacheSettings } from '../config/cache-settings.ts';
import { type LoadedProviders, type LoadOptions, loadProviders } from '../providers/index.ts';
import type { OpenWarehouse } from '../providers/types.ts';
import type { Store } from '../store/open.ts';

export interface OpenedCache {
  readonly cache: Cache;
  /** What workers, schedulers and warming are made of. */
  readonly parts: CacheParts;
  readonly store: Store;
  readonly loaded: LoadedProviders;
}

export interface OpenCacheOptions {
  readonly store: Store;
  readonly settings: CacheSettings;
  /** Of providers; undefined: the shipped one. */
  readonly file: string | undefined;
  readonly nowMs: () => number;
  readonly secret: LoadOptions['secret'];
  readonly openWarehouse: OpenWarehouse;
  readonly onNotice: (text: string) => void;
}

/** Reads the providers and opens their cache. Throws `config`. */
export async function openCacheOf(options: OpenCacheOptions): Promise<OpenedCache> {
  const { store, settings, file, nowMs, secret, openWarehouse, onNotice } = options;
  const loaded = await loadProviders(file, { secret, openWarehouse });
  const parts: CacheParts = {
    store,
    providers: loaded.providers,
    hosts: loaded.hosts,
    nowMs,
    seenMs: settings.seenMs,
    onNotice,
  };
  return { cache: openCache(parts), parts, store, loaded };
}
