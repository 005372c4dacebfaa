import type { Database } from 'better-sqlite3';

export type JobReason = 'waiting' | 'manual' | 'dependency' | 'schedule';

export interface JobRow {
  readonly id: number;
  readonly provider: string;
  readonly key: string;
  readonly reason: JobReason;
  readonly priority: number;
  readonly rank: number;
  readonly runAt: number;
  readonly attempt: number;
  readonly state: 'waiting' | 'running' | 'failed';
  readonly owner: string | null;
  readonly token: number | null;
  readonly leaseUntil: number | null;
  readonly generation: number | null;
  readonly again: number;
  readonly error: string | null;
}

export interface JobLease {
  readonly owner: string;
  readonly token: number;
  readonly untilMs: number;
  readonly generation: number;
}

export interface CacheJobs {
  find(provider: string, key: string): JobRow | undefined;
  many(provider: string, keys: readonly string[]): readonly JobRow[];
  byId(id: number): JobRow | undefined;
  add(
    job: Pick<JobRow, 'provider' | 'key' | 'reason' | 'priority' | 'rank' | 'runAt'> & {
      readonly attempt?: number;
    },
  ): void;
  /** Due anew, with what is given; no running one. */
  raise(id: number, job: Pick<JobRow, 'reason' | 'priority' | 'rank' | 'runAt' | 'attempt'>): void;
  /** Wanted once more while it runs. */
  again(id: number): void;
  /** Due and not running, the first to be taken first. */
  due(provider: string, nowMs: number, limit: number): readonly JobRow[];
  dueOf(provider: string, key: string, nowMs: number): JobRow | undefined;
  /** How many calls are under way of each provider: jobs of one lease count as one. */
  running(): ReadonlyMap<string, number>;
  lease(id: number, lease: JobLease): void;
  /** Those of a worker that still are its own, until then. */
  renew(owner: string, untilMs: number): ReadonlySet<number>;
  /** Whose lease is over. */
  expired(nowMs: number): readonly JobRow[];
  /** Ends a lease: waiting, due then. */
  put(id: number, job: Pick<JobRow, 'rank' | 'runAt' | 'attempt'>): void;
  fail(id: number, job: Pick<JobRow, 'rank' | 'runAt' | 'attempt'> & { readonly error: string }): void;
  remove(id: number): boolean;
  /** Those that do not run. */
  removeIdle(provider: string): number;
  list(filter: {
    readonly provider?: string;
    readonly state?: string;
    readonly limit: number;
  }): readonly JobRow[];
  counts(): readonly { readonly provider: string; readonly state: JobRow['state']; readonly jobs: number }[];
  /** Waiting or running, of a provider. */
  open(provider: string, nowMs: number): number;
}

const COLUMNS = `id, provider, key, reason, priority, rank, run_at AS runAt, attempt, state, owner, token,
  lease_until AS leaseUntil, generation, again, error`;

export function openCacheJobs(db: Database): CacheJobs {
  const find = db.prepare<[string, string], JobRow>(
    `SELECT ${COLUMNS} FROM cache_job WHERE provider = ? AND key = ?`,
  );
  const byId = db.prepare<[number], JobRow>(`SELECT ${COLUMNS} FROM cache_job WHERE id = ?`);
  const many = db.prepare<[string, string], JobRow>(`
    SELECT ${COLUMNS.replace(/^id/, 'x.id').replace(', key', ', x.key')}
    FROM json_each(?) AS j CROSS JOIN cache_job AS x ON x.provider = ? AND x.key = j.value`);
  const add = db.prepare(`
    INSERT INTO cache_job(provider, key, reason, priority, rank, run_at, attempt)
    VALUES (@provider, @key, @reason, @priority, @rank, @runAt, @attempt)`);
  const raise = db.prepare(`
    UPDATE cache_job SET reason = @reason, priority = @priority, rank = @rank, run_at = @runAt, attempt = @attempt,
      state = 'waiting' WHERE id = @id AND state <> 'running'`);
  const again = db.prepare('UPDATE cache_job SET again = 1 WHERE id = ?');
  const remove = db.prepare('DELETE FROM cache_job WHERE id = ?');
  const removeIdle = db.prepare("DELETE FROM cache_job WHERE provider = ? AND state <> 'running'");
  return {
    find: (provider, key) => find.get(provider, key),
    many: (provider, keys) => many.all(JSON.stringify(keys), provider),
    byId: (id) => byId.get(id),
    add: (job) => void add.run({ attempt: 0, ...job }),
    raise: (id, job) => void raise.run({ id, ...job }),
    again: (id) => void again.run(id),
    remove: (id) => remove.run(id).changes > 0,
    removeIdle: (provider) => removeIdle.run(provider).changes,
    ...leases(db),
    ...listings(db),
  };
}

function leases(db: Database) {
  const all = `SELECT ${COLUMNS} FROM cache_job WHERE provider = ? AND state <> 'running' AND run_at <= ? ORDER BY rank`;
  // With a limit as a parameter SQLite prepares the statement anew at each call.
  const head = db.prepare<[string, number], JobRow>(`${all} LIMIT 1`);
  const due = db.prepare<[string, number, number], JobRow>(`${all} LIMIT ?`);
  const dueOf = db.prepare<[string, string, number], JobRow>(`
    SELECT ${COLUMNS} FROM cache_job WHERE provider = ? AND key = ? AND state <> 'running' AND run_at <= ?`);
  // Without the hint SQLite reads every job, for their order.
  const running = db
    .prepare<[], [string, number]>(
      `SELECT provider, count(DISTINCT token) FROM cache_job INDEXED BY cache_job_running WHERE state = 'running'
       GROUP BY provider`,
    )
    .raw();
  const lease = db.prepare(`
    UPDATE cache_job SET state = 'running', owner = @owner, token = @token, lease_until = @untilMs,
      generation = @generation, again = 0 WHERE id = @id`);
  const renew = db
    .prepare<[number, string], number>(
      "UPDATE cache_job SET lease_until = ? WHERE owner = ? AND state = 'running' RETURNING id",
    )
    .pluck();
  const expired = db.prepare<[number], JobRow>(
    `SELECT ${COLUMNS} FROM cache_job WHERE state = 'running' AND lease_until <= ?`,
  );
  const end = `owner = NULL, token = NULL, lease_until = NULL, generation = NULL, again = 0, rank = @rank,
    run_at = @runAt, attempt = @attempt WHERE id = @id`;
  const put = db.prepare(`UPDATE cache_job SET state = 'waiting', ${end}`);
  const fail = db.prepare(`UPDATE cache_job SET state = 'failed', error = @error, ${end}`);
  return {
    due: (provider: string, nowMs: number, limit: number) =>
      limit === 1 ? head.all(provider, nowMs) : due.all(provider, nowMs, limit),
    dueOf: (provider: string, key: string, nowMs: number) => dueOf.get(provider, key, nowMs),
    running: () => new Map(running.all()),
    lease: (id: number, given: JobLease) => void lease.run({ id, ...given }),
    renew: (owner: string, untilMs: number) => new Set(renew.all(untilMs, owner)),
    expired: (nowMs: number) => expired.all(nowMs),
    put: (id: number, job: Pick<JobRow, 'rank' | 'runAt' | 'attempt'>) => void put.run({ id, ...job }),
    fail: (id: number, job: Parameters<CacheJobs['fail']>[1]) => void fail.run({ id, ...job }),
  };
}

function listings(db: Database) {
  const list = db.prepare<[Record<string, unknown>], JobRow>(`
    SELECT ${COLUMNS} FROM cache_job WHERE (@provider IS NULL OR provider = @provider)
      AND (@state IS NULL OR state = @state)
    ORDER BY state = 'running' DESC, rank LIMIT @limit`);
  const counts = db.prepare<[], { provider: string; state: JobRow['state']; jobs: number }>(
    'SELECT provider, state, count(*) AS jobs FROM cache_job GROUP BY provider, state',
  );
  const open = db
    .prepare<[string, number], number>(
      "SELECT count(*) FROM cache_job WHERE provider = ? AND (state <> 'failed' OR run_at <= ?)",
    )
    .pluck();
  return {
    list: ({ provider, state, limit }: Parameters<CacheJobs['list']>[0]) =>
      list.all({ provider: provider ?? null, state: state ?? null, limit }),
    counts: () => counts.all(),
    open: (provider: string, nowMs: number) => open.get(provider, nowMs) ?? 0,
  };
}
