import { createHash } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { SamovarError } from '../errors.ts';
import type { AppliedRecord, LastRecord, LogPlace } from './corpus-types.ts';

/** How far a repository's log has been applied. */
export interface PositionStore {
  get(repo: number): LastRecord | undefined;
  set(repo: number, last: LastRecord): void;
  clear(repo: number): void;
}

interface PositionRow {
  readonly segment: number | null;
  readonly last_offset: number;
  readonly end_offset: number;
  readonly last_sha256: string;
}

export function openPositions(db: Database): PositionStore {
  const get = db.prepare<[number], PositionRow>(
    'SELECT segment, last_offset, end_offset, last_sha256 FROM corpus_repo WHERE id = ?',
  );
  const set = db.prepare(
    'UPDATE corpus_repo SET segment = ?, last_offset = ?, end_offset = ?, last_sha256 = ? WHERE id = ?',
  );
  return {
    get: (repo) => {
      const row = get.get(repo);
      if (row === undefined || row.segment === null) return undefined;
      return { segment: row.segment, offset: row.last_offset, end: row.end_offset, sha256: row.last_sha256 };
    },
    set: (repo, { segment, offset, end, sha256 }) => void set.run(segment, offset, end, sha256, repo),
    clear: (repo) => void set.run(null, null, null, null, repo),
  };
}

export function lastRecordOf({ segment, offset, end, payload }: AppliedRecord): LastRecord {
  return { segment, offset, end, sha256: createHash('sha256').update(payload).digest('hex') };
}

/**
 * Where a record lies seen from the end of the one applied last: `known` before it, `next` right behind it. Anything else is a gap
 * or another log, and throws `conflict`.
 */
export function placeOf(record: AppliedRecord, at: LogPlace | undefined): 'known' | 'next' {
  if (at === undefined || record.segment > at.segment) {
    if (record.offset === 0) return 'next';
  } else if (record.segment < at.segment || record.end <= at.offset) {
    return 'known';
  } else if (record.offset === at.offset) {
    return 'next';
  }
  const expected =
    at === undefined ? 'the beginning of a segment' : `segment ${at.segment}, offset ${at.offset}`;
  throw new SamovarError(
    'conflict',
    `cannot apply the record at segment ${record.segment}, offset ${record.offset}: the next one must begin at ${expected}`,
    { remedy: 'The log is another one than was applied before: replay it with --rebuild.' },
  );
}
