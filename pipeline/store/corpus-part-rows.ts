import type { Database } from 'better-sqlite3';
import type { PartKind } from '../records/mutation/codec-split.ts';

/** Rows of what belongs to issues. `issue` is a key. */
export interface PartRows {
  /** What was said, in the order in which it was. */
  all(issue: number, kind: PartKind): readonly Uint8Array[];
  /** All kinds in one read; comments only when they are wanted, for they are most of it. */
  every(issue: number, withComments: boolean): readonly Omit<PartRow, 'issue'>[];
  /** Gives the number of the row, which only grows. */
  add(issue: number, kind: PartKind, data: Uint8Array): number;
  count(issue: number, kind: PartKind): number;
  /** Puts one row, or none, in place of all. */
  replace(issue: number, kind: PartKind, data: Uint8Array | undefined): void;
  /** Those of the issues with keys in between, both included, one issue's of a kind after the other. */
  between(first: number, last: number): IterableIterator<PartRow>;
  clear(first: number, last: number): void;
}

export interface PartRow {
  readonly issue: number;
  readonly kind: number;
  readonly data: Uint8Array;
}

/** As the table has them. */
export const PART_KINDS: Readonly<Record<PartKind, number>> = {
  comments: 1,
  events: 2,
  reviews: 3,
  reviewComments: 4,
};

export function openPartRows(db: Database): PartRows {
  const add = db.prepare('INSERT INTO corpus_part(issue, kind, data) VALUES (?, ?, ?)');
  const all = db
    .prepare<[number, number], Uint8Array>(
      'SELECT data FROM corpus_part WHERE issue = ? AND kind = ? ORDER BY id',
    )
    .pluck();
  const every = db.prepare<[number], PartRow>(
    'SELECT kind, data FROM corpus_part WHERE issue = ? ORDER BY kind, id',
  );
  const fewer = db.prepare<[number], PartRow>(
    'SELECT kind, data FROM corpus_part WHERE issue = ? AND kind IN (2, 3) ORDER BY kind, id',
  );
  const count = db
    .prepare<[number, number], number>('SELECT count(*) FROM corpus_part WHERE issue = ? AND kind = ?')
    .pluck();
  const remove = db.prepare('DELETE FROM corpus_part WHERE issue = ? AND kind = ?');
  const between = db.prepare<[number, number], PartRow>(
    'SELECT issue, kind, data FROM corpus_part WHERE issue BETWEEN ? AND ? ORDER BY issue, kind',
  );
  const clear = db.prepare('DELETE FROM corpus_part WHERE issue BETWEEN ? AND ?');
  return {
    all: (issue, kind) => all.all(issue, PART_KINDS[kind]),
    every: (issue, withComments) => (withComments ? every : fewer).all(issue),
    add: (issue, kind, data) => Number(add.run(issue, PART_KINDS[kind], data).lastInsertRowid),
    count: (issue, kind) => count.get(issue, PART_KINDS[kind]) ?? 0,
    replace: (issue, kind, data) => {
      remove.run(issue, PART_KINDS[kind]);
      if (data !== undefined) add.run(issue, PART_KINDS[kind], data);
    },
    between: (first, last) => between.iterate(first, last),
    clear: (first, last) => void clear.run(first, last),
  };
}
