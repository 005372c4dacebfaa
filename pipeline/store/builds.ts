import type { Database } from 'better-sqlite3';

export type BuildState = 'empty' | 'running' | 'settling' | 'complete' | 'abandoned';

/** A build as stored. Times: `finishedAt` in epoch seconds, the others in epoch milliseconds. */
export interface BuildRecord {
  readonly id: number;
  /** `<bucket url>/<object name without trailing slash>`: the build's identity. */
  readonly path: string;
  readonly root: number;
  readonly job: string;
  readonly build: string;
  readonly state: BuildState;
  readonly junit: 'pending' | 'done';
  /** Documents as text, as they were read. */
  readonly startedJson: string | null;
  readonly finishedJson: string | null;
  readonly finishedGeneration: string | null;
  /** By which windows and order go: finished.json's timestamp, else when it was written. */
  readonly finishedAt: number | null;
  readonly firstSeenAt: number;
  readonly checkedAt: number;
}

export type SavedBuild = Omit<BuildRecord, 'id' | 'firstSeenAt' | 'checkedAt'>;

export interface BuildStore {
  byPath(path: string): BuildRecord | undefined;
  byId(id: number): BuildRecord | undefined;
  /** Inserts, or updates the build of the same path; gives its id, which never changes. */
  save(build: SavedBuild): number;
  /** Which of these builds of a job are stored already. */
  knownAmong(root: number, job: string, builds: readonly string[]): ReadonlySet<string>;
  /** Builds to look at again that were last looked at before a time: unfinished or settling ones. A page at a time by id. */
  open(root: number, checkedBeforeMs: number, afterId: number, limit: number): readonly BuildRecord[];
  /** Finished builds whose JUnit was never read, likewise. */
  junitPending(root: number, checkedBeforeMs: number, afterId: number, limit: number): readonly BuildRecord[];
  /** Finished builds that have no row yet, a page at a time by id. */
  rowless(afterId: number, limit: number): readonly BuildRecord[];
  /** Finished builds of a root in a time range (epoch seconds), a page at a time by id. */
  finishedBetween(
    root: number,
    range: { readonly from: number; readonly to: number },
    afterId: number,
    limit: number,
  ): readonly BuildRecord[];
  setState(id: number, state: BuildState): void;
  /** Epoch seconds at which the oldest build that a destination has was finished. */
  oldestCommitted(destination: number): number | undefined;
  counts(): { readonly builds: number; readonly finished: number; readonly open: number };
  /** Names of the jobs of a root, in order; one step of an index for each, however many builds they have. */
  jobs(root: number, limit: number): readonly string[];
}

const COLUMNS = `id, path, root, job, build, state, junit, started_json AS startedJson, finished_json AS finishedJson,
  finished_generation AS finishedGeneration, finished_at AS finishedAt, first_seen_at AS firstSeenAt, checked_at AS checkedAt`;

const JOBS = `WITH RECURSIVE next(job) AS (
    SELECT min(job) FROM build WHERE root = @root
    UNION ALL SELECT (SELECT min(job) FROM build WHERE root = @root AND job > next.job) FROM next WHERE job IS NOT NULL
  ) SELECT job FROM next WHERE job IS NOT NULL LIMIT @limit`;

const SAVE = `INSERT INTO build(path, root, job, build, state, junit, started_json, finished_json, finished_generation,
    finished_at, first_seen_at, checked_at)
  VALUES (@path, @root, @job, @build, @state, @junit, @startedJson, @finishedJson, @finishedGeneration, @finishedAt, @now, @now)
  ON CONFLICT (path) DO UPDATE SET root = excluded.root, job = excluded.job, build = excluded.build, state = excluded.state,
    junit = excluded.junit, started_json = excluded.started_json, finished_json = excluded.finished_json,
    finished_generation = excluded.finished_generation, finished_at = excluded.finished_at, checked_at = excluded.checked_at
  RETURNING id`;

export function openBuilds(db: Database, nowMs: () => number): BuildStore {
  const select = (where: string) =>
    db.prepare<unknown[], BuildRecord>(`SELECT ${COLUMNS} FROM build WHERE ${where}`);
  const byPath = select('path = ?');
  const byId = select('id = ?');
  const save = db.prepare<[SavedBuild & { now: number }], number>(SAVE).pluck();
  const known = db
    .prepare<[number, string, string], string>(
      'SELECT build FROM build WHERE root = ? AND job = ? AND build IN (SELECT value FROM json_each(?))',
    )
    .pluck();
  const open = select(
    `root = ? AND state IN ('empty', 'running', 'settling') AND checked_at < ? AND id > ? ORDER BY id LIMIT ?`,
  );
  const pending = select(
    `root = ? AND junit = 'pending' AND finished_json IS NOT NULL AND checked_at < ? AND id > ? ORDER BY id LIMIT ?`,
  );
  const rowless = select(
    'finished_json IS NOT NULL AND id > ? AND NOT EXISTS (SELECT 1 FROM build_row r WHERE r.build = build.id) ORDER BY id LIMIT ?',
  );
  const between = select('root = ? AND finished_at >= ? AND finished_at < ? AND id > ? ORDER BY id LIMIT ?');
  const setState = db.prepare('UPDATE build SET state = ?, checked_at = ? WHERE id = ?');
  const oldest = db
    .prepare<[number], number | null>(
      `SELECT min(b.finished_at) FROM ledger l JOIN batch t ON t.id = l.batch AND t.state = 'committed'
       JOIN build b ON b.id = l.item WHERE l.destination = ?`,
    )
    .pluck();
  const counts = db.prepare<unknown[], { builds: number; finished: number; open: number }>(
    `SELECT count(*) AS builds, count(finished_json) AS finished,
       coalesce(sum(state IN ('empty', 'running', 'settling')), 0) AS open FROM build`,
  );
  const jobs = db.prepare<[{ root: number; limit: number }], string>(JOBS).pluck();
  return {
    byPath: (path) => byPath.get(path),
    byId: (id) => byId.get(id),
    save: (build) => Number(save.get({ ...build, now: nowMs() })),
    knownAmong: (root, job, builds) => new Set(known.all(root, job, JSON.stringify(builds))),
    open: (root, before, afterId, limit) => open.all(root, before, afterId, limit),
    junitPending: (root, before, afterId, limit) => pending.all(root, before, afterId, limit),
    rowless: (afterId, limit) => rowless.all(afterId, limit),
    finishedBetween: (root, range, afterId, limit) => between.all(root, range.from, range.to, afterId, limit),
    setState: (id, state) => {
      setState.run(state, nowMs(), id);
    },
    oldestCommitted: (destination) => oldest.get(destination) ?? undefined,
    jobs: (root, limit) => jobs.all({ root, limit }),
    counts: () => counts.get() ?? { builds: 0, finished: 0, open: 0 },
  };
}
