import type { Database } from 'better-sqlite3';

export interface RunRow {
  readonly id: number;
  readonly provider: string;
  readonly key: string;
  readonly reason: string;
  readonly outcome: string;
  readonly attempt: number;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly bytes: number | null;
  readonly worker: string;
  readonly code: string | null;
  readonly message: string | null;
}

/** The latest runs of jobs. */
export interface CacheRuns {
  add(run: Omit<RunRow, 'id'>): number;
  /** The newest first. */
  list(filter: {
    readonly provider?: string;
    readonly failedOnly?: boolean;
    readonly limit: number;
  }): readonly RunRow[];
  /** Those after `id`, the oldest first. */
  after(id: number, limit: number): readonly RunRow[];
  /** Of the latest that fetched. */
  durations(provider: string, limit: number): readonly number[];
  countBefore(startedAtMs: number): number;
  removeBefore(startedAtMs: number): number;
}

/** So many are kept, whatever garbage collection is told. */
const RUNS_MAX = 200_000;

const COLUMNS =
  'id, provider, key, reason, outcome, attempt, started_at AS startedAt, duration_ms AS durationMs, bytes, worker, code, message';

export function openCacheRuns(db: Database): CacheRuns {
  const add = db.prepare(`
    INSERT INTO cache_run(provider, key, reason, outcome, attempt, started_at, duration_ms, bytes, worker, code, message)
    VALUES (@provider, @key, @reason, @outcome, @attempt, @startedAt, @durationMs, @bytes, @worker, @code, @message)`);
  const trim = db.prepare('DELETE FROM cache_run WHERE id <= ?');
  const select = (where: string) =>
    db.prepare<[Record<string, unknown>], RunRow>(`SELECT ${COLUMNS} FROM cache_run ${where}`);
  const all = select("WHERE (NOT @failedOnly OR outcome = 'failed') ORDER BY id DESC LIMIT @limit");
  const one = select(
    "WHERE provider = @provider AND (NOT @failedOnly OR outcome = 'failed') ORDER BY id DESC LIMIT @limit",
  );
  const after = select('WHERE id > @id ORDER BY id LIMIT @limit');
  const durations = db
    .prepare<[string, number], number>(
      "SELECT duration_ms FROM cache_run WHERE provider = ? AND outcome <> 'superseded' ORDER BY id DESC LIMIT ?",
    )
    .pluck();
  const count = db.prepare<[number], number>('SELECT count(*) FROM cache_run WHERE started_at < ?').pluck();
  const remove = db.prepare('DELETE FROM cache_run WHERE started_at < ?');
  return {
    add: (run) => {
      const id = Number(add.run(run).lastInsertRowid);
      if (id > RUNS_MAX && id % 100 === 0) trim.run(id - RUNS_MAX);
      return id;
    },
    list: ({ provider, failedOnly = false, limit }) => {
      const bound = { failedOnly: failedOnly ? 1 : 0, limit };
      return provider === undefined ? all.all(bound) : one.all({ ...bound, provider });
    },
    after: (id, limit) => after.all({ id, limit }),
    durations: (provider, limit) => durations.all(provider, limit),
    countBefore: (startedAtMs) => count.get(startedAtMs) ?? 0,
    removeBefore: (startedAtMs) => remove.run(startedAtMs).changes,
  };
}
