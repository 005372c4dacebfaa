import type { Database } from 'better-sqlite3';

/** Every part that is given must hold. */
export interface EntrySelection {
  readonly provider: string;
  readonly key?: string;
  /** Of keys, literal. */
  readonly prefix?: string;
  readonly tag?: string;
  /** Checked before this. */
  readonly checkedBeforeMs?: number;
}

export interface EntryMeta {
  readonly provider: string;
  readonly key: string;
  readonly size: number;
  readonly checkedAt: number | null;
  readonly errorAt: number | null;
  readonly nextAt: number | null;
  readonly accessAt: number;
  readonly absent: number;
}

export interface EntryGroup {
  readonly provider: string;
  readonly isKnown: number;
  readonly absent: number;
  readonly stale: number;
  readonly hasError: number;
  readonly checkedAt: number | null;
  readonly entries: number;
  readonly bytes: number;
}

/** Entries by what they have in common, for clearing, scheduling and garbage collection. */
export interface CacheSelections {
  keys(selection: EntrySelection): readonly { readonly key: string; readonly size: number }[];
  markStale(provider: string, keys: readonly string[]): void;
  remove(provider: string, keys: readonly string[]): void;
  /** Names of providers that have entries. */
  providers(): readonly string[];
  meta(): IterableIterator<EntryMeta>;
  /** How many there are that differ in nothing a state is told by. */
  groups(): IterableIterator<EntryGroup>;
  totals(): { readonly entries: number; readonly bytes: number };
  /** Scheduled ones that are due, the longest first. */
  due(provider: string, nowMs: number, limit: number): readonly string[];
  scheduled(provider: string): { readonly keys: number; readonly nextAt: number | null };
  nextOf(provider: string): Map<string, number | null>;
  /** Makes the entry where there is none. */
  setNext(provider: string, key: string, nextAtMs: number | null, nowMs: number): void;
  /** Of another version than that. */
  otherVersions(provider: string, version: number): readonly string[];
}

const WHERE = `provider = @provider AND (@key IS NULL OR key = @key)
  AND (@prefix IS NULL OR (key >= @prefix AND substr(key, 1, length(@prefix)) = @prefix))
  AND (@before IS NULL OR coalesce(checked_at, 0) < @before)
  AND (@tag IS NULL OR EXISTS (SELECT 1 FROM cache_tag t WHERE t.tag = @tag AND t.provider = e.provider AND t.key = e.key))`;

export function openCacheSelections(db: Database): CacheSelections {
  const keys = db.prepare<[Record<string, unknown>], { key: string; size: number }>(
    `SELECT key, size FROM cache_entry e WHERE ${WHERE} ORDER BY key`,
  );
  const stale = db.prepare(
    'UPDATE cache_entry SET stale = 1 WHERE provider = ? AND key IN (SELECT value FROM json_each(?))',
  );
  const untag = db.prepare(
    'DELETE FROM cache_tag WHERE provider = ? AND key IN (SELECT value FROM json_each(?))',
  );
  const remove = db.prepare(
    'DELETE FROM cache_entry WHERE provider = ? AND key IN (SELECT value FROM json_each(?))',
  );
  return {
    keys: ({ provider, key, prefix, tag, checkedBeforeMs }) =>
      keys.all({
        provider,
        key: key ?? null,
        prefix: prefix ?? null,
        tag: tag ?? null,
        before: checkedBeforeMs ?? null,
      }),
    markStale: (provider, chosen) => void stale.run(provider, JSON.stringify(chosen)),
    remove: (provider, chosen) => {
      untag.run(provider, JSON.stringify(chosen));
      remove.run(provider, JSON.stringify(chosen));
    },
    ...overviews(db),
    ...schedules(db),
  };
}

function overviews(db: Database) {
  const providers = db
    .prepare<[], string>('SELECT DISTINCT provider FROM cache_entry ORDER BY provider')
    .pluck();
  const meta = db.prepare<[], EntryMeta>(`
    SELECT provider, key, size, checked_at AS checkedAt, error_at AS errorAt, next_at AS nextAt, access_at AS accessAt,
      absent FROM cache_entry`);
  const groups = db.prepare<[], EntryGroup>(`
    SELECT provider, value IS NOT NULL OR absent = 1 AS isKnown, absent, stale, error_at IS NOT NULL AS hasError,
      checked_at AS checkedAt, count(*) AS entries, sum(size) AS bytes
    FROM cache_entry GROUP BY 1, 2, 3, 4, 5, 6`);
  const totals = db.prepare<[], { entries: number; bytes: number }>(
    'SELECT count(*) AS entries, coalesce(sum(size), 0) AS bytes FROM cache_entry',
  );
  return {
    providers: () => providers.all(),
    meta: () => meta.iterate(),
    groups: () => groups.iterate(),
    totals: () => totals.get() ?? { entries: 0, bytes: 0 },
  };
}

function schedules(db: Database) {
  const due = db
    .prepare<[string, number, number], string>(
      'SELECT key FROM cache_entry WHERE provider = ? AND next_at <= ? ORDER BY next_at LIMIT ?',
    )
    .pluck();
  const scheduled = db.prepare<[string], { keys: number; nextAt: number | null }>(
    'SELECT count(*) AS keys, min(next_at) AS nextAt FROM cache_entry WHERE provider = ? AND next_at IS NOT NULL',
  );
  const nexts = db
    .prepare<[string], [string, number | null]>('SELECT key, next_at FROM cache_entry WHERE provider = ?')
    .raw();
  const setNext = db.prepare(`
    INSERT INTO cache_entry(provider, key, version, access_at, seq, next_at) VALUES (@provider, @key, 0, @nowMs, 0, @next)
    ON CONFLICT(provider, key) DO UPDATE SET next_at = @next`);
  const versions = db
    .prepare<[string, number], string>(
      'SELECT key FROM cache_entry WHERE provider = ? AND version <> ? AND value IS NOT NULL ORDER BY key',
    )
    .pluck();
  return {
    due: (provider: string, nowMs: number, limit: number) => due.all(provider, nowMs, limit),
    scheduled: (provider: string) => scheduled.get(provider) ?? { keys: 0, nextAt: null },
    nextOf: (provider: string) => new Map(nexts.all(provider)),
    setNext: (provider: string, key: string, next: number | null, nowMs: number) =>
      void setNext.run({ provider, key, next, nowMs }),
    otherVersions: (provider: string, version: number) => versions.all(provider, version),
  };
}
