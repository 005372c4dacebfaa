import type { Database } from 'better-sqlite3';

export type MissingKind = 'issue' | 'comment' | 'review_comment';

/** Something that a whole listing no longer had. */
export interface Missing {
  readonly kind: MissingKind;
  /** An issue's number, a comment's id. */
  readonly id: bigint;
  readonly issue: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
}

export interface RepoSync {
  /** Epoch milliseconds; undefined: never. */
  readonly syncedAt: number | undefined;
  readonly reconciledAt: number | undefined;
  /** Why nothing is asked for at present. */
  readonly paused: string | undefined;
}

/** How far the sync with GitHub is, by the corpus' ids of repositories. Writes belong into the transaction that applies what was read. */
export interface GithubStore {
  cursor(repo: number, kind: string): string | undefined;
  setCursor(repo: number, kind: string, value: string): void;
  etag(repo: number, kind: string, path: string): string | undefined;
  setEtag(repo: number, kind: string, path: string, etag: string): void;
  /** Forgets how far everything is: it is looked at from the beginning. */
  forget(repo: number): void;
  pulls(repo: number, limit: number): readonly number[];
  addPull(repo: number, number: number): void;
  removePull(repo: number, number: number): void;
  missing(repo: number): readonly Missing[];
  addMissing(repo: number, missing: Omit<Missing, 'firstAt'>): void;
  removeMissing(repo: number, kind: MissingKind, id: bigint): void;
  sync(repo: number): RepoSync;
  setSynced(repo: number): void;
  setReconciled(repo: number): void;
  setPaused(repo: number, reason: string | undefined): void;
  /** False when it was received before. Old ones are forgotten. */
  addDelivery(id: string): boolean;
  /** Asks for a repository's turn before it is due. */
  wake(repo: number): void;
  /** Repositories that were woken; they are not any more. A change of the database: looks first, and mostly finds nothing. */
  takeWakes(): readonly number[];
}

const DELIVERY_KEPT_MS = 7 * 86_400_000;

export function openGithubStore(db: Database, nowMs: () => number): GithubStore {
  return {
    ...cursors(db),
    ...waiting(db, nowMs),
    ...repoStates(db, nowMs),
    ...deliveries(db, nowMs),
    ...wakes(db, nowMs),
  };
}

function cursors(db: Database) {
  const cursor = db
    .prepare<[number, string], string>('SELECT value FROM github_cursor WHERE repo = ? AND kind = ?')
    .pluck();
  const setCursor = db.prepare('INSERT OR REPLACE INTO github_cursor(repo, kind, value) VALUES (?, ?, ?)');
  const etag = db
    .prepare<[number, string, string], string>(
      'SELECT etag FROM github_etag WHERE repo = ? AND kind = ? AND path = ?',
    )
    .pluck();
  const setEtag = db.prepare(
    'INSERT OR REPLACE INTO github_etag(repo, kind, path, etag) VALUES (?, ?, ?, ?)',
  );
  const forgets = ['github_cursor', 'github_etag', 'github_pull', 'github_missing', 'github_repo'].map(
    (table) => db.prepare(`DELETE FROM ${table} WHERE repo = ?`),
  );
  return {
    cursor: (repo: number, kind: string) => cursor.get(repo, kind),
    setCursor: (repo: number, kind: string, value: string) => void setCursor.run(repo, kind, value),
    etag: (repo: number, kind: string, path: string) => etag.get(repo, kind, path),
    setEtag: (repo: number, kind: string, path: string, value: string) =>
      void setEtag.run(repo, kind, path, value),
    forget: (repo: number) => {
      for (const statement of forgets) statement.run(repo);
    },
  };
}

function waiting(db: Database, nowMs: () => number) {
  const pulls = db
    .prepare<[number, number], number>(
      'SELECT number FROM github_pull WHERE repo = ? ORDER BY number LIMIT ?',
    )
    .pluck();
  const addPull = db.prepare('INSERT OR IGNORE INTO github_pull(repo, number) VALUES (?, ?)');
  const removePull = db.prepare('DELETE FROM github_pull WHERE repo = ? AND number = ?');
  const missing = db
    .prepare<[number], { kind: MissingKind; id: bigint; issue: bigint; firstAt: bigint }>(
      'SELECT kind, id, issue, first_at AS firstAt FROM github_missing WHERE repo = ? ORDER BY kind, id',
    )
    .safeIntegers();
  const addMissing = db.prepare(
    'INSERT OR IGNORE INTO github_missing(repo, kind, id, issue, first_at) VALUES (?, ?, ?, ?, ?)',
  );
  const removeMissing = db.prepare('DELETE FROM github_missing WHERE repo = ? AND kind = ? AND id = ?');
  return {
    pulls: (repo: number, limit: number) => pulls.all(repo, limit),
    addPull: (repo: number, number: number) => void addPull.run(repo, number),
    removePull: (repo: number, number: number) => void removePull.run(repo, number),
    missing: (repo: number) =>
      missing.all(repo).map(({ kind, id, issue, firstAt }) => ({
        kind,
        id,
        issue: Number(issue),
        firstAt: Number(firstAt),
      })),
    addMissing: (repo: number, { kind, id, issue }: Omit<Missing, 'firstAt'>) =>
      void addMissing.run(repo, kind, id, issue, nowMs()),
    removeMissing: (repo: number, kind: MissingKind, id: bigint) => void removeMissing.run(repo, kind, id),
  };
}

function repoStates(db: Database, nowMs: () => number) {
  const sync = db.prepare<
    [number],
    { syncedAt: number | null; reconciledAt: number | null; paused: string | null }
  >('SELECT synced_at AS syncedAt, reconciled_at AS reconciledAt, paused FROM github_repo WHERE repo = ?');
  const set = (column: 'synced_at' | 'reconciled_at' | 'paused') =>
    db.prepare(
      `INSERT INTO github_repo(repo, ${column}) VALUES (?, ?) ON CONFLICT(repo) DO UPDATE SET ${column} = excluded.${column}`,
    );
  const setSynced = set('synced_at');
  const setReconciled = set('reconciled_at');
  const setPaused = set('paused');
  return {
    sync: (repo: number) => {
      const found = sync.get(repo);
      return {
        syncedAt: found?.syncedAt ?? undefined,
        reconciledAt: found?.reconciledAt ?? undefined,
        paused: found?.paused ?? undefined,
      };
    },
    setSynced: (repo: number) => void setSynced.run(repo, nowMs()),
    setReconciled: (repo: number) => void setReconciled.run(repo, nowMs()),
    setPaused: (repo: number, reason: string | undefined) => void setPaused.run(repo, reason ?? null),
  };
}

function deliveries(db: Database, nowMs: () => number) {
  const add = db.prepare('INSERT OR IGNORE INTO github_delivery(id, received_at) VALUES (?, ?)');
  const drop = db.prepare('DELETE FROM github_delivery WHERE received_at < ?');
  return {
    addDelivery: (id: string) => {
      drop.run(nowMs() - DELIVERY_KEPT_MS);
      return add.run(id, nowMs()).changes > 0;
    },
  };
}

function wakes(db: Database, nowMs: () => number) {
  const add = db.prepare('INSERT OR IGNORE INTO github_wake(repo, at) VALUES (?, ?)');
  const any = db.prepare<[], number>('SELECT 1 FROM github_wake LIMIT 1').pluck();
  const take = db.prepare<[], number>('DELETE FROM github_wake RETURNING repo').pluck();
  return {
    wake: (repo: number) => void add.run(repo, nowMs()),
    takeWakes: () => (any.get() === undefined ? [] : take.all()),
  };
}
