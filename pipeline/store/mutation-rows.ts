import type { Database } from 'better-sqlite3';
import type { PackedRow } from '../records/chunk.ts';
import { type MutationCommitted, openMutationCommitted } from './mutation-rows-committed.ts';
import { type MutationLags, openMutationLags } from './mutation-rows-lags.ts';
import { type MutationSources, openMutationSources } from './mutation-rows-sources.ts';
import type { PendingRow, RowSource } from './rows.ts';

/** A row that was made; `path` is its key in its table. */
export interface MadeRow extends PackedRow {
  readonly kind: string;
  readonly source: number;
  /** Number of the issue it belongs to; 0: the repository. */
  readonly issue: number;
  readonly path: string;
  /** Of its line: records/row.ts. */
  readonly version: number;
  /** Epoch seconds of what it tells; 0: not known. */
  readonly at: number;
  /** What it tells of is no longer there. */
  readonly deleted: boolean;
  /** The source's, when it was made. */
  readonly pass: number;
}

export interface RowState {
  readonly id: number;
  readonly path: string;
  readonly version: number;
  readonly deleted: boolean;
}

/** Rows of mutations and of the corpus, by *kind*: the table of the warehouse that they are for. */
export interface MutationRowStore extends MutationLags, MutationCommitted {
  readonly sources: MutationSources;
  state(kind: string, path: string): RowState | undefined;
  /** Writes the row unless it is there in this version. True when it was written. */
  put(row: MadeRow): boolean;
  get(id: number): MadeRow | undefined;
  /** The row is right as it is in this pass, too. */
  confirm(id: number, pass: number): void;
  /** Of an issue, in no order: an index on the issue finds them. */
  ofIssue(source: number, kind: string, issue: number): readonly RowState[];
  /** Rows older than a pass and not yet marked as deleted, a page. */
  leftovers(source: number, kind: string, pass: number, limit: number): readonly RowState[];
  /** Numbers of the issues that have rows of a kind. */
  issues(source: number, kind: string): readonly number[];
  counts(kind: string): { readonly rows: number; readonly deleted: number };
  /** For emission: the rows of a kind. */
  rowsOf(kind: string): RowSource;
  /** Notes how far a destination has everything, so that the next emission begins there. Gives the rows it still lacks. */
  settle(kind: string, destination: number): { readonly rows: number; readonly oldestAt: number | undefined };
  /** What a destination has was found to be wrong: the next emission looks at all rows. */
  unsettle(destination: number): void;
}

const STATE = 'id, path, version, deleted';
type StateRow = Omit<RowState, 'deleted'> & { readonly deleted: number };

export function openMutationRows(db: Database): MutationRowStore {
  const state = db.prepare<[string, string], StateRow>(
    `SELECT ${STATE} FROM mutation_row WHERE kind = ? AND path = ?`,
  );
  const ofIssue = db.prepare<[number, string, number], StateRow>(
    `SELECT ${STATE} FROM mutation_row WHERE source = ? AND kind = ? AND issue = ?`,
  );
  const leftovers = db.prepare<[number, string, number, number], StateRow>(
    `SELECT ${STATE} FROM mutation_row WHERE source = ? AND kind = ? AND pass < ? AND deleted = 0 LIMIT ?`,
  );
  const issues = db
    .prepare<[number, string], number>(
      'SELECT DISTINCT issue FROM mutation_row WHERE source = ? AND kind = ? ORDER BY issue',
    )
    .pluck();
  const counts = db.prepare<[string], { rows: number; deleted: number }>(
    'SELECT count(*) AS rows, coalesce(sum(deleted), 0) AS deleted FROM mutation_row WHERE kind = ?',
  );
  return {
    sources: openMutationSources(db),
    state: (kind, path) => stateOf(state.get(kind, path)),
    ...writers(db),
    ofIssue: (source, kind, issue) => ofIssue.all(source, kind, issue).map(asState),
    leftovers: (source, kind, pass, limit) => leftovers.all(source, kind, pass, limit).map(asState),
    issues: (source, kind) => issues.all(source, kind),
    counts: (kind) => counts.get(kind) ?? { rows: 0, deleted: 0 },
    rowsOf: (kind) => rowSource(db, kind),
    ...marks(db),
    ...openMutationLags(db),
    ...openMutationCommitted(db),
  };
}

const asState = (row: StateRow): RowState => ({ ...row, deleted: row.deleted !== 0 });
const stateOf = (row: StateRow | undefined) => (row === undefined ? undefined : asState(row));

function writers(db: Database) {
  const put = db.prepare(
    `INSERT INTO mutation_row(kind, source, issue, path, version, seq, at, deleted, pass, data, crc32, bytes)
     VALUES (@kind, @source, @issue, @path, @version, (SELECT coalesce(max(seq), 0) + 1 FROM mutation_row WHERE kind = @kind),
       @at, @deleted, @pass, @data, @crc32, @bytes)
     ON CONFLICT (kind, path) DO UPDATE SET issue = excluded.issue, version = excluded.version, seq = excluded.seq,
       at = excluded.at, deleted = excluded.deleted, pass = excluded.pass, data = excluded.data, crc32 = excluded.crc32,
       bytes = excluded.bytes WHERE mutation_row.version <> excluded.version`,
  );
  const get = db.prepare<[number], MadeRow & { readonly deleted: number | boolean }>(
    `SELECT kind, source, issue, path, version, at, deleted, pass, data, crc32, bytes FROM mutation_row WHERE id = ?`,
  );
  const confirm = db.prepare('UPDATE mutation_row SET pass = @pass WHERE id = @id AND pass <> @pass');
  return {
    put: (row: MadeRow) => put.run({ ...row, deleted: row.deleted ? 1 : 0 }).changes > 0,
    get: (id: number): MadeRow | undefined => {
      const row = get.get(id);
      return row === undefined ? undefined : { ...row, deleted: Boolean(row.deleted) };
    },
    confirm: (id: number, pass: number) => {
      confirm.run({ id, pass });
    },
  };
}

const COLUMNS = `r.id AS build, r.version, r.data, r.crc32, r.bytes, 0 AS testsStart, 0 AS testsEnd, 0 AS testsRun, 0 AS testsFailed,
  NULL AS truncated, r.path, r.at AS finishedAt, r.seq AS "order",
  EXISTS (SELECT 1 FROM ledger l WHERE l.destination = @destination AND l.item = r.id AND l.version <> r.version) AS supersedes`;
const LACKING = `NOT EXISTS (
  SELECT 1 FROM ledger l WHERE l.destination = @destination AND l.item = r.id AND l.version = r.version)`;

type Pending = PendingRow & { readonly supersedes: number | boolean };
type Query = [Record<string, unknown>];

function rowSource(db: Database, kind: string): RowSource {
  const mark = db.prepare<[number], number>('SELECT seq FROM mutation_mark WHERE destination = ?').pluck();
  const pending = db.prepare<Query, Pending>(
    `SELECT ${COLUMNS} FROM mutation_row r WHERE r.kind = @kind AND r.seq > @after AND (@everything OR ${LACKING})
     ORDER BY r.seq LIMIT @limit`,
  );
  const among = db.prepare<Query, Pending>(
    `SELECT ${COLUMNS} FROM mutation_row r WHERE r.id IN (SELECT value FROM json_each(@items)) AND r.kind = @kind
       AND (@everything OR ${LACKING}) ORDER BY r.seq`,
  );
  const byPaths = db.prepare<Query, Pending>(
    `SELECT ${COLUMNS} FROM mutation_row r WHERE r.kind = @kind AND r.path IN (SELECT value FROM json_each(@paths)) ORDER BY r.seq`,
  );
  const pathOf = db
    .prepare<[number, string], string>('SELECT path FROM mutation_row WHERE id = ? AND kind = ?')
    .pluck();
  const asRow = (row: Pending): PendingRow => ({ ...row, supersedes: Boolean(row.supersedes) });
  return {
    pending: ({ destination, everything }, after, limit) => {
      const begin = everything ? 0 : (mark.get(destination) ?? 0);
      const bounds = { destination, everything: everything ? 1 : 0, after: after?.order ?? begin };
      return pending.all({ ...bounds, kind, limit }).map(asRow);
    },
    pendingAmong: ({ destination, everything }, items) =>
      among
        .all({ destination, everything: everything ? 1 : 0, kind, items: JSON.stringify(items) })
        .map(asRow),
    byPaths: (destination, paths) =>
      byPaths.all({ destination, kind, paths: JSON.stringify(paths) }).map(asRow),
    pathOf: (item) => pathOf.get(item, kind),
  };
}

function marks(db: Database) {
  const lacking = db.prepare<Query, { rows: number; first: number | null; oldestAt: number | null }>(
    `SELECT count(*) AS rows, min(r.seq) AS first, min(nullif(r.at, 0)) AS oldestAt FROM mutation_row r
     WHERE r.kind = @kind AND r.seq > coalesce((SELECT seq FROM mutation_mark WHERE destination = @destination), 0)
       AND NOT EXISTS (SELECT 1 FROM ledger l JOIN batch b ON b.id = l.batch AND b.state = 'committed'
         WHERE l.destination = @destination AND l.item = r.id AND l.version = r.version)`,
  );
  const last = db
    .prepare<[string], number>('SELECT coalesce(max(seq), 0) FROM mutation_row WHERE kind = ?')
    .pluck();
  const set = db.prepare('INSERT OR REPLACE INTO mutation_mark(destination, seq) VALUES (?, ?)');
  const unset = db.prepare('DELETE FROM mutation_mark WHERE destination = ?');
  return {
    settle: (kind: string, destination: number) => {
      const found = lacking.get({ kind, destination }) ?? { rows: 0, first: null, oldestAt: null };
      set.run(destination, found.first === null ? (last.get(kind) ?? 0) : found.first - 1);
      return { rows: found.rows, oldestAt: found.oldestAt ?? undefined };
    },
    unsettle: (destination: number) => {
      unset.run(destination);
    },
  };
}
