import type { Database } from 'better-sqlite3';

/** A build's row, packed (records/chunk.ts), as emission copies it. */
export interface StoredRow {
  readonly build: number;
  readonly version: number;
  readonly data: Uint8Array;
  readonly crc32: number;
  /** Length of the line, newline included. */
  readonly bytes: number;
  readonly testsStart: number;
  readonly testsEnd: number;
  readonly testsRun: number;
  readonly testsFailed: number;
  readonly truncated: string | null;
}

export interface PendingRow extends StoredRow {
  readonly path: string;
  readonly finishedAt: number;
  /** True when another version of this row has been emitted before: it supersedes that one. */
  readonly supersedes: boolean;
  /** Its place where rows are emitted in another order than by time and path. */
  readonly order?: number;
}

/** Place in the order of emission: by time finished, then path. */
export interface RowKey {
  readonly finishedAt: number;
  readonly path: string;
}

export interface PendingFilter {
  readonly destination: number;
  /** Epoch seconds; builds finished before are left out. */
  readonly finishedSince: number;
  readonly finishedBefore: number;
  /** Every row, whatever was emitted before. */
  readonly everything: boolean;
}

/** Rows as emission takes them. A row's `build` is the item of the ledger that it is. */
export interface RowSource {
  /** Rows a destination lacks in their present version, in the order of emission, a page at a time. */
  pending(filter: PendingFilter, after: PendingRow | undefined, limit: number): readonly PendingRow[];
  /** Of these items, as `pending`: the rows the destination lacks. */
  pendingAmong(filter: PendingFilter, items: readonly number[]): readonly PendingRow[];
  byPaths(destination: number, paths: readonly string[]): readonly PendingRow[];
  /** The key of an item's row in every table. */
  pathOf(item: number): string | undefined;
}

export interface RowStore extends RowSource {
  get(build: number): StoredRow | undefined;
  put(row: StoredRow): void;
  /** Rows a destination lacks in their present version, in the order of emission, a page at a time. */
  pending(filter: PendingFilter, after: RowKey | undefined, limit: number): readonly PendingRow[];
  /** Of these builds, as `pending`: the rows the destination lacks. */
  pendingAmong(filter: PendingFilter, builds: readonly number[]): readonly PendingRow[];
  byPaths(destination: number, paths: readonly string[]): readonly PendingRow[];
  count(): number;
  /** How many rows `pending` would give in all; reads none of them. */
  pendingCount(filter: PendingFilter): number;
}

const PENDING_COLUMNS = `r.build, r.version, r.data, r.crc32, r.bytes, r.tests_start AS testsStart, r.tests_end AS testsEnd,
  r.tests_run AS testsRun, r.tests_failed AS testsFailed, r.truncated, b.path, b.finished_at AS finishedAt,
  EXISTS (SELECT 1 FROM ledger l WHERE l.destination = @destination AND l.item = r.build AND l.version <> r.version) AS supersedes`;

export function openRows(db: Database): RowStore {
  const { get, put, adopt, pending, among, byPaths, pathOf, pendingCount, count } = prepareStatements(db);
  return {
    get: (build) => get.get(build),
    put: (row) => {
      put.run(row);
      adopt.run({ version: row.version, build: row.build });
    },
    pending: (filter, after, limit) => {
      const bounds = {
        destination: filter.destination,
        since: filter.finishedSince,
        before: filter.finishedBefore,
        everything: filter.everything ? 1 : 0,
        // From the cursor on; the row-value comparison does the rest.
        finishedAt: after?.finishedAt ?? filter.finishedSince - 1,
        path: after?.path ?? '',
        limit,
      };
      const since = after === undefined ? bounds.since : Math.max(bounds.since, after.finishedAt);
      return pending.all({ ...bounds, since }).map(withBoolean);
    },
    pendingAmong: (filter, builds) =>
      among
        .all({
          destination: filter.destination,
          since: filter.finishedSince,
          before: filter.finishedBefore,
          everything: filter.everything ? 1 : 0,
          builds: JSON.stringify(builds),
        })
        .map(withBoolean),
    byPaths: (destination, paths) =>
      byPaths.all({ destination, paths: JSON.stringify(paths) }).map(withBoolean),
    pathOf: (build) => pathOf.get(build),
    pendingCount: ({ destination, finishedSince, finishedBefore, everything }) =>
      pendingCount.get({
        ...{ destination, since: finishedSince, before: finishedBefore },
        everything: everything ? 1 : 0,
      }) ?? 0,
    count: () => count.get() ?? 0,
  };
}

function prepareStatements(db: Database) {
  const get = db.prepare<[number], StoredRow>(
    `SELECT build, version, data, crc32, bytes, tests_start AS testsStart, tests_end AS testsEnd, tests_run AS testsRun,
       tests_failed AS testsFailed, truncated FROM build_row WHERE build = ?`,
  );
  const put = db.prepare(
    `INSERT OR REPLACE INTO build_row(build, version, data, crc32, bytes, tests_start, tests_end, tests_run, tests_failed, truncated)
     VALUES (@build, @version, @data, @crc32, @bytes, @testsStart, @testsEnd, @testsRun, @testsFailed, @truncated)`,
  );
  const adopt = db.prepare(
    'UPDATE ledger SET version = @version WHERE item = @build AND version = 0 AND destination IN (SELECT id FROM destination)',
  );
  const pending = db.prepare<[Record<string, unknown>], PendingRow & { supersedes: number }>(
    `SELECT ${PENDING_COLUMNS} FROM build b JOIN build_row r ON r.build = b.id
     WHERE b.finished_at >= @since AND b.finished_at < @before AND (b.finished_at, b.path) > (@finishedAt, @path)
       AND (@everything OR NOT EXISTS (
         SELECT 1 FROM ledger l WHERE l.destination = @destination AND l.item = b.id AND l.version = r.version))
     ORDER BY b.finished_at, b.path LIMIT @limit`,
  );
  const among = db.prepare<[Record<string, unknown>], PendingRow & { supersedes: number }>(
    `SELECT ${PENDING_COLUMNS} FROM build b JOIN build_row r ON r.build = b.id
     WHERE b.id IN (SELECT value FROM json_each(@builds)) AND b.finished_at >= @since AND b.finished_at < @before
       AND (@everything OR NOT EXISTS (
         SELECT 1 FROM ledger l WHERE l.destination = @destination AND l.item = b.id AND l.version = r.version))
     ORDER BY b.finished_at, b.path`,
  );
  const byPaths = db.prepare<[Record<string, unknown>], PendingRow & { supersedes: number }>(
    `SELECT ${PENDING_COLUMNS} FROM build b JOIN build_row r ON r.build = b.id
     WHERE b.path IN (SELECT value FROM json_each(@paths)) ORDER BY b.finished_at, b.path`,
  );
  const pathOf = db.prepare<[number], string>('SELECT path FROM build WHERE id = ?').pluck();
  const pendingCount = db
    .prepare<[Record<string, unknown>], number>(
      `SELECT count(*) FROM build b JOIN build_row r ON r.build = b.id
       WHERE b.finished_at >= @since AND b.finished_at < @before AND (@everything OR NOT EXISTS (
         SELECT 1 FROM ledger l WHERE l.destination = @destination AND l.item = b.id AND l.version = r.version))`,
    )
    .pluck();
  const count = db.prepare<unknown[], number>('SELECT count(*) FROM build_row').pluck();
  return { get, put, adopt, pending, among, byPaths, pathOf, pendingCount, count };
}

function withBoolean(row: PendingRow & { supersedes: number | boolean }): PendingRow {
  return { ...row, supersedes: Boolean(row.supersedes) };
}
