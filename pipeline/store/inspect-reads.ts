import type { Database } from 'better-sqlite3';

/** What came in below a root. */
export interface RootState {
  readonly url: string;
  readonly builds: number;
  /** Epoch milliseconds: when the newest of its builds ended, or was first seen where it has not. */
  readonly newestAt: number | undefined;
}

/** How far a destination has the builds. Times in epoch milliseconds. */
export interface TableState {
  /** Builds that it has. */
  readonly committed: number;
  /** Builds on their way: written or sent, and not confirmed. */
  readonly open: number;
  /** Builds with a row that it does not have yet: those on their way, and those in a new version, among them. */
  readonly waiting: number;
  /** Since when the oldest of these could have been there. */
  readonly oldestWaitingAt: number | undefined;
  /** When it was last written. */
  readonly committedAt: number | undefined;
}

export interface DeadLetterState {
  readonly count: number;
  readonly kinds: readonly { readonly kind: string; readonly count: number }[];
  /** Set aside for the first time since the time asked for. */
  readonly newer: number;
  readonly newestAt: number | undefined;
}

export interface MutationState {
  readonly repositories: number;
  /** Epoch milliseconds of the last change of an issue. */
  readonly changedAt: number | undefined;
}

export interface CacheState {
  readonly providers: number;
  readonly paused: number;
  readonly failing: readonly string[];
  /** Epoch milliseconds of the last refresh that worked. */
  readonly refreshedAt: number | undefined;
}

export interface WaitingWindow {
  /** Epoch seconds: builds that ended before are not for this table. */
  readonly since: number;
  /** Epoch seconds: of builds that ended before, new versions are not looked for, which would read every row. */
  readonly versionsSince: number;
}

export interface InspectReads {
  builds(): { readonly builds: number; readonly finished: number; readonly watched: number };
  roots(): readonly RootState[];
  /** `name`: of the destination; one that was never written has nothing. */
  table(name: string, window: WaitingWindow): TableState;
  deadLetters(sinceMs: number): DeadLetterState;
  mutations(): MutationState | undefined;
  caches(): CacheState | undefined;
}

/** Of the steps of migration, those that made the tables that are read here. */
const SCHEMAS = { builds: 1, mutations: 3, caches: 4 } as const;
/** The newest builds of a root are looked for among those that came last. */
const LAST_BUILDS = 200;

/** Reads for people who look: quick on a million builds, for they go by indexes and read no row's data. */
export function openInspectReads(db: Database, schema: number): InspectReads {
  const has = (part: keyof typeof SCHEMAS) => schema >= SCHEMAS[part];
  const one = (sql: string) => db.prepare<unknown[], number | null>(sql).pluck().get() ?? undefined;
  return {
    builds: () => {
      if (!has('builds')) return { builds: 0, finished: 0, watched: 0 };
      return {
        builds: one('SELECT count(*) FROM build') ?? 0,
        finished: one('SELECT count(*) FROM build WHERE finished_at IS NOT NULL') ?? 0,
        watched: one(`SELECT count(*) FROM build WHERE state IN ('empty', 'running', 'settling')`) ?? 0,
      };
    },
    roots: () => (has('builds') ? roots(db) : []),
    table: (name, window) => (has('builds') ? tableState(db, name, window) : NOTHING),
    deadLetters: (sinceMs) => (has('builds') ? deadLetters(db, sinceMs) : NO_LETTERS),
    mutations: () =>
      has('mutations')
        ? {
            repositories: one('SELECT count(*) FROM corpus_repo') ?? 0,
            changedAt: fromMicros(
              one(
                'SELECT max((SELECT max(updated_us) FROM corpus_issue i WHERE i.repo = r.id)) FROM corpus_repo r',
              ),
            ),
          }
        : undefined,
    caches: () => (has('caches') ? caches(db) : undefined),
  };
}

const NOTHING: TableState = {
  committed: 0,
  open: 0,
  waiting: 0,
  oldestWaitingAt: undefined,
  committedAt: undefined,
};
const NO_LETTERS: DeadLetterState = { count: 0, kinds: [], newer: 0, newestAt: undefined };

const fromMicros = (us: number | undefined) => (us === undefined || us === 0 ? undefined : us / 1000);

function roots(db: Database): readonly RootState[] {
  const found = db
    .prepare<unknown[], { id: number; url: string; builds: number }>(
      'SELECT r.id, r.url, (SELECT count(*) FROM build b WHERE b.root = r.id) AS builds FROM root r ORDER BY r.url',
    )
    .all();
  const newest = db
    .prepare<[number, number], number | null>(
      `SELECT max(coalesce(finished_at * 1000, first_seen_at)) FROM build
       WHERE id IN (SELECT id FROM build WHERE root = ? ORDER BY id DESC LIMIT ?)`,
    )
    .pluck();
  return found.map(({ id, url, builds }) => ({
    url,
    builds,
    newestAt: newest.get(id, LAST_BUILDS) ?? undefined,
  }));
}

/** Builds that have a row and no confirmed entry in the ledger; and, of the younger ones, those whose entry is of another version. */
const WAITING = `
  WITH unsure AS (
    SELECT id FROM batch WHERE destination = @destination AND state <> 'committed'
  ), missing AS (
    SELECT b.id FROM build b WHERE b.finished_at >= @since
      AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.destination = @destination AND l.item = b.id AND l.batch NOT IN unsure)
      AND EXISTS (SELECT 1 FROM build_row r WHERE r.build = b.id)
  ), changed AS (
    SELECT b.id FROM build b JOIN build_row r ON r.build = b.id WHERE b.finished_at >= max(@since, @versionsSince)
      AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.destination = @destination AND l.item = b.id
        AND l.version = r.version AND l.batch NOT IN unsure)
      AND b.id NOT IN missing
  ), waiting AS (
    SELECT max(b.first_seen_at, b.finished_at * 1000) AS at FROM build b JOIN missing USING (id)
    UNION ALL SELECT b.checked_at FROM build b JOIN changed USING (id)
  )
  SELECT count(*) AS waiting, min(at) AS oldest FROM waiting`;

function tableState(db: Database, name: string, window: WaitingWindow): TableState {
  const destination =
    db.prepare<[string], number>('SELECT id FROM destination WHERE name = ?').pluck().get(name) ?? -1;
  const { waiting, oldest } = db
    .prepare<[Record<string, unknown>], { waiting: number; oldest: number | null }>(WAITING)
    .get({ destination, ...window }) ?? { waiting: 0, oldest: null };
  const count = (sql: string) => db.prepare<[number], number | null>(sql).pluck().get(destination);
  const open =
    count(`SELECT count(*) FROM ledger WHERE batch IN
      (SELECT id FROM batch WHERE destination = ? AND state IN ('pending', 'sent'))`) ?? 0;
  return {
    committed: (count('SELECT count(*) FROM ledger WHERE destination = ?') ?? 0) - open,
    open,
    waiting,
    oldestWaitingAt: oldest ?? undefined,
    committedAt:
      count(`SELECT max(committed_at) FROM batch WHERE destination = ? AND state = 'committed'`) ?? undefined,
  };
}

function deadLetters(db: Database, sinceMs: number): DeadLetterState {
  const kinds = db
    .prepare<[], { kind: string; count: number }>(
      'SELECT kind, count(*) AS count FROM dead_letter GROUP BY kind ORDER BY kind',
    )
    .all();
  const { newer, newestAt } = db
    .prepare<[number], { newer: number; newestAt: number | null }>(
      'SELECT coalesce(sum(first_at >= ?), 0) AS newer, max(first_at) AS newestAt FROM dead_letter',
    )
    .get(sinceMs) ?? { newer: 0, newestAt: null };
  return {
    count: kinds.reduce((sum, { count }) => sum + count, 0),
    kinds,
    newer,
    newestAt: newestAt ?? undefined,
  };
}

function caches(db: Database): CacheState {
  const rows = db
    .prepare<[], { name: string; paused: number; okAt: number | null; errorAt: number | null }>(
      'SELECT name, paused, last_ok_at AS okAt, error_at AS errorAt FROM cache_provider ORDER BY name',
    )
    .all();
  const times = rows.flatMap(({ okAt }) => okAt ?? []);
  return {
    providers: rows.length,
    paused: rows.filter(({ paused }) => paused !== 0).length,
    failing: rows.flatMap(({ name, okAt, errorAt }) =>
      errorAt !== null && errorAt > (okAt ?? 0) ? [name] : [],
    ),
    refreshedAt: times.length === 0 ? undefined : Math.max(...times),
  };
}
