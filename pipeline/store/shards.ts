import type { Database } from 'better-sqlite3';
import { buildOfPath } from '../records/ids.ts';

/** A stored row with what a shard's index says of it. */
export interface ShardRow {
  readonly path: string;
  readonly version: number;
  /** Epoch seconds. */
  readonly finishedAt: number;
  /** When the build was last looked at, epoch milliseconds: of two versions of a row the later look is the newer. */
  readonly checkedAt: number;
  /** Packed (records/chunk.ts). */
  readonly data: Uint8Array;
  readonly crc32: number;
  readonly bytes: number;
  /** Where in the line the columns before the tests end. */
  readonly testsStart: number;
}

/** What this database knows of a build, and of its row in a destination. */
export interface KnownRow {
  readonly path: string;
  readonly id: number;
  readonly checkedAt: number;
  /** Of the row that this database made itself. */
  readonly ownVersion: number | null;
  /** What the destination has, or is being sent; and in which batch. */
  readonly loadedVersion: number | null;
  readonly loadedBatch: number | null;
}

/**
 * Rows on their way between databases. A build whose row came in a shard's file is kept as a *bare* one: path and times, no
 * documents, never looked at again; that is all the ledger needs.
 */
export interface ShardStore {
  /** Rows by time finished and path, a page at a time. Epoch seconds: finished in [since, before). */
  rows(
    range: { readonly since: number; readonly before: number },
    after: Pick<ShardRow, 'finishedAt' | 'path'> | undefined,
    limit: number,
  ): readonly ShardRow[];
  /** Of these builds those that are known. */
  known(destination: number, paths: readonly string[]): readonly KnownRow[];
  /** A bare build; gives its id. */
  addBare(build: Pick<ShardRow, 'path' | 'finishedAt' | 'checkedAt'> & { readonly root: number }): number;
  /** A bare build was looked at later than was known. */
  seen(build: number, checkedAt: number): void;
  /** Removes those of these builds that are bare and of which no destination has, or is being sent, a row. */
  forgetBare(builds: readonly number[]): void;
  /** Builds of a root that have no finished.json, or were never read, a page at a time by id. */
  unfinished(
    root: number,
    afterId: number,
    limit: number,
  ): readonly { id: number; job: string; build: string }[];
}

const BARE = `state = 'complete' AND started_json IS NULL AND finished_json IS NULL`;
const LEDGER = `FROM ledger l WHERE l.destination = @destination AND l.item = b.id ORDER BY l.batch DESC LIMIT 1`;

export function openShards(db: Database): ShardStore {
  const rows = db.prepare<[Record<string, unknown>], ShardRow>(
    `SELECT b.path, r.version, b.finished_at AS finishedAt, b.checked_at AS checkedAt, r.data, r.crc32, r.bytes,
       r.tests_start AS testsStart
     FROM build b JOIN build_row r ON r.build = b.id
     WHERE b.finished_at >= @since AND b.finished_at < @before AND (b.finished_at, b.path) > (@finishedAt, @path)
     ORDER BY b.finished_at, b.path LIMIT @limit`,
  );
  const known = db.prepare<[Record<string, unknown>], KnownRow>(
    `SELECT b.path, b.id, b.checked_at AS checkedAt, r.version AS ownVersion,
       (SELECT l.version ${LEDGER}) AS loadedVersion, (SELECT l.batch ${LEDGER}) AS loadedBatch
     FROM build b LEFT JOIN build_row r ON r.build = b.id WHERE b.path IN (SELECT value FROM json_each(@paths))`,
  );
  const addBare = db
    .prepare<[Record<string, unknown>], number>(
      `INSERT INTO build(path, root, job, build, state, junit, finished_at, first_seen_at, checked_at)
       VALUES (@path, @root, @job, @build, 'complete', 'done', @finishedAt, @checkedAt, @checkedAt) RETURNING id`,
    )
    .pluck();
  const seen = db.prepare(
    `UPDATE build SET checked_at = @at WHERE id = @id AND checked_at < @at AND ${BARE}`,
  );
  const forget = db.prepare(
    `DELETE FROM build WHERE id = @id AND ${BARE} AND NOT EXISTS (SELECT 1 FROM build_row r WHERE r.build = @id)
       AND NOT EXISTS (SELECT 1 FROM destination d JOIN ledger l ON l.destination = d.id AND l.item = @id)`,
  );
  const unfinished = db.prepare<[number, number, number], { id: number; job: string; build: string }>(
    `SELECT id, job, build FROM build WHERE root = ? AND id > ? AND state IN ('empty', 'running') ORDER BY id LIMIT ?`,
  );
  return {
    rows: ({ since, before }, after, limit) =>
      rows.all({
        since: Math.max(since, after?.finishedAt ?? since),
        before,
        finishedAt: after?.finishedAt ?? since - 1,
        path: after?.path ?? '',
        limit,
      }),
    known: (destination, paths) => known.all({ destination, paths: JSON.stringify(paths) }),
    addBare: ({ path, ...build }) => Number(addBare.get({ path, ...buildOfPath(path), ...build })),
    seen: (id, at) => void seen.run({ id, at }),
    forgetBare: (builds) => {
      for (const id of builds) forget.run({ id });
    },
    unfinished: (root, afterId, limit) => unfinished.all(root, afterId, limit),
  };
}
