import type { Database } from 'better-sqlite3';

export type LeaseRole = 'scheduler' | 'worker';

export interface LeaseRow {
  readonly role: LeaseRole;
  readonly name: string;
  readonly owner: string;
  readonly since: number;
  readonly signAt: number;
  readonly until: number;
}

/** Who does what now: the one that schedules, and the workers that give signs. */
export interface CacheLeases {
  /** Takes or renews; false: another owner has it. */
  take(lease: {
    readonly role: LeaseRole;
    readonly name: string;
    readonly owner: string;
    readonly nowMs: number;
    readonly untilMs: number;
  }): boolean;
  release(role: LeaseRole, name: string, owner: string): void;
  all(): readonly LeaseRow[];
  /** Those that ended before it. */
  forget(role: LeaseRole, beforeMs: number): void;
}

export function openCacheLeases(db: Database): CacheLeases {
  const take = db.prepare(`
    INSERT INTO cache_lease(role, name, owner, token, since, sign_at, until)
    VALUES (@role, @name, @owner, 1, @nowMs, @nowMs, @untilMs)
    ON CONFLICT(role, name) DO UPDATE SET sign_at = @nowMs, until = @untilMs,
      since = CASE WHEN owner = @owner THEN since ELSE @nowMs END,
      token = CASE WHEN owner = @owner THEN token ELSE token + 1 END,
      owner = @owner
    WHERE owner = @owner OR until <= @nowMs`);
  const release = db.prepare('DELETE FROM cache_lease WHERE role = ? AND name = ? AND owner = ?');
  const all = db.prepare<[], LeaseRow>(
    'SELECT role, name, owner, since, sign_at AS signAt, until FROM cache_lease ORDER BY role, name',
  );
  const forget = db.prepare('DELETE FROM cache_lease WHERE role = ? AND until < ?');
  return {
    take: (lease) => take.run(lease).changes > 0,
    release: (role, name, owner) => void release.run(role, name, owner),
    all: () => all.all(),
    forget: (role, beforeMs) => void forget.run(role, beforeMs),
  };
}
