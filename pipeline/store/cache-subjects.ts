import type { Database } from 'better-sqlite3';

export type SubjectKind = 'user' | 'group' | 'package';

/** Who and what was asked for. */
export interface CacheSubjects {
  seen(kind: SubjectKind, name: string, nowMs: number): void;
  /** Names seen since then. */
  since(kind: SubjectKind, sinceMs: number): readonly string[];
  lastSeen(kind: SubjectKind): ReadonlyMap<string, number>;
  removeBefore(lastSeenMs: number): number;
}

export function openCacheSubjects(db: Database): CacheSubjects {
  const seen = db.prepare(`
    INSERT INTO cache_subject(kind, name, first_seen_at, last_seen_at) VALUES (@kind, @name, @nowMs, @nowMs)
    ON CONFLICT(kind, name) DO UPDATE SET last_seen_at = max(last_seen_at, @nowMs)`);
  const since = db
    .prepare<[string, number], string>(
      'SELECT name FROM cache_subject WHERE kind = ? AND last_seen_at >= ? ORDER BY name',
    )
    .pluck();
  const last = db
    .prepare<[string], [string, number]>('SELECT name, last_seen_at FROM cache_subject WHERE kind = ?')
    .raw();
  const remove = db.prepare('DELETE FROM cache_subject WHERE last_seen_at < ?');
  return {
    seen: (kind, name, nowMs) => void seen.run({ kind, name, nowMs }),
    since: (kind, sinceMs) => since.all(kind, sinceMs),
    lastSeen: (kind) => new Map(last.all(kind)),
    removeBefore: (lastSeenMs) => remove.run(lastSeenMs).changes,
  };
}
