import type { Database } from 'better-sqlite3';
import { type CacheHosts, openCacheHosts } from './cache-hosts.ts';

/** Tables of the cache jobs; several processes write to them at once. */
export interface CacheStore {
  readonly hosts: CacheHosts;
}

export function openCacheStore(db: Database): CacheStore {
  return { hosts: openCacheHosts(db) };
}
