import type { Database } from 'better-sqlite3';
import { type CacheEntries, type EntryName, openCacheEntries } from './cache-entries.ts';
import { type CacheHosts, openCacheHosts } from './cache-hosts.ts';
import { type CacheJobs, openCacheJobs } from './cache-jobs.ts';
import { type CacheLeases, openCacheLeases } from './cache-leases.ts';
import { type CacheRuns, openCacheRuns } from './cache-runs.ts';
import { type CacheSelections, openCacheSelections } from './cache-select.ts';
import { type CacheStates, openCacheStates } from './cache-states.ts';
import { type CacheSubjects, openCacheSubjects } from './cache-subjects.ts';
import { storageError } from './storage-error.ts';

/**
 * The tables of the cache jobs. Several processes write to them at once, so each change is a short transaction that takes the
 * write lock first; what belongs together is done inside of `transaction`.
 */
export interface CacheStore {
  readonly entries: CacheEntries;
  readonly selections: CacheSelections;
  readonly states: CacheStates;
  readonly jobs: CacheJobs;
  readonly runs: CacheRuns;
  readonly leases: CacheLeases;
  readonly subjects: CacheSubjects;
  readonly hosts: CacheHosts;
  /** Takes the write lock, runs `work`, commits; a throw rolls back. Throws `storage` (disk full, locked too long). */
  transaction<T>(work: () => T): T;
  /** One look at a single state of the database, without the write lock. */
  snapshot<T>(work: () => T): T;
  /** Grows with every change that a read may show. */
  seq(): number;
  /** Entries that changed after this number; undefined: more than `limit`, or something that no entry's own number tells. */
  changesSince(seq: number, limit: number): readonly EntryName[] | undefined;
  /** The next number of it; inside of the transaction that changes something. */
  bump(): number;
  /** For a lease: no two are the same, and a later one is larger. */
  nextToken(): number;
  keysOf(provider: string): readonly string[];
}

export function openCacheStore(db: Database): CacheStore {
  const seq = db.prepare<[], number>('SELECT seq FROM cache_seq').pluck();
  const bump = db.prepare<[], number>('UPDATE cache_seq SET seq = seq + 1 RETURNING seq').pluck();
  const token = db.prepare<[], number>('UPDATE cache_seq SET token = token + 1 RETURNING token').pluck();
  const others = db.prepare<[], number>('SELECT others FROM cache_seq').pluck();
  const entries = openCacheEntries(db);
  const run = db.transaction((work: () => unknown) => work());
  const guarded = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw storageError(cause, `cannot ${what} the cache in ${db.name}`, db.name);
    }
  };
  return {
    entries,
    selections: openCacheSelections(db),
    states: openCacheStates(db),
    jobs: openCacheJobs(db),
    runs: openCacheRuns(db),
    leases: openCacheLeases(db),
    subjects: openCacheSubjects(db),
    hosts: openCacheHosts(db),
    transaction: <T>(work: () => T) => guarded('write to', () => hurried(db, () => run.immediate(work) as T)),
    snapshot: <T>(work: () => T) => guarded('read', () => run.deferred(work) as T),
    seq: () => seq.get() ?? 0,
    changesSince: (since, limit) => {
      if ((others.get() ?? 0) >= since) return undefined;
      const names = entries.namesSince(since, limit + 1);
      return names.length > limit ? undefined : names;
    },
    bump: () => bump.get() ?? 0,
    nextToken: () => token.get() ?? 0,
    keysOf: (provider) => entries.keys(provider),
  };
}

/**
 * Without waiting for the disk at each commit: after a power cut the latest changes of a cache may be missing, and are fetched again.
 * The file stays whole, and other tables' commits are as safe as ever. A process that is killed loses nothing.
 */
function hurried<T>(db: Database, work: () => T): T {
  if (db.inTransaction) return work();
  db.exec('PRAGMA synchronous = NORMAL');
  try {
    return work();
  } finally {
    db.exec('PRAGMA synchronous = FULL');
  }
}
