import type { Database } from 'better-sqlite3';

/** The last record of a log that has a row. */
export interface SourcePosition {
  readonly segment: number;
  /** In bytes from the segment's beginning: of the record, and of what follows it. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** Of its payload, in hexadecimal. */
  readonly sha256: string;
  /** Epoch seconds of the latest thing a record told of; 0: none told a time. */
  readonly lastAt: number;
}

/** An issue (0: the repository itself) of which rows are to be made, and which: bits, records/mutation/rows-touched.ts. */
export interface Touched {
  readonly issue: number;
  readonly kinds: number;
}

/** A repository whose log becomes rows. */
export interface MutationSource {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  /** How often its log was begun anew. */
  readonly pass: number;
  /** The pass whose leftovers were marked as deleted. */
  readonly swept: number;
}

export interface MutationSources {
  find(owner: string, name: string): MutationSource | undefined;
  /** Made when new. */
  source(owner: string, name: string): MutationSource;
  position(source: number): SourcePosition | undefined;
  setPosition(source: number, position: SourcePosition): void;
  /** The log was replaced: it is read from its beginning, in a new pass. */
  restart(source: number): void;
  setSwept(source: number, pass: number): void;
  touch(source: number, touched: Iterable<Touched>): void;
  /** By number, ascending, a page. */
  touched(source: number, limit: number): readonly Touched[];
  touchedCount(source: number): number;
  untouch(source: number, issues: Iterable<number>): void;
}

type PositionRow = { readonly [K in keyof SourcePosition]: SourcePosition[K] | null };

export function openMutationSources(db: Database): MutationSources {
  const find = db.prepare<[string, string], MutationSource>(
    'SELECT id, owner, name, pass, swept FROM mutation_source WHERE owner = ? AND name = ?',
  );
  const make = db.prepare('INSERT OR IGNORE INTO mutation_source(owner, name) VALUES (?, ?)');
  const position = db.prepare<[number], PositionRow>(
    `SELECT segment, start_offset AS startOffset, end_offset AS endOffset, sha256, last_at AS lastAt FROM mutation_source
     WHERE id = ?`,
  );
  const setPosition = db.prepare(
    `UPDATE mutation_source SET segment = @segment, start_offset = @startOffset, end_offset = @endOffset, sha256 = @sha256,
       last_at = @lastAt WHERE id = @id`,
  );
  const restart = db.prepare(
    `UPDATE mutation_source SET segment = NULL, start_offset = NULL, end_offset = NULL, sha256 = NULL, last_at = NULL,
       pass = pass + 1 WHERE id = ?`,
  );
  const setSwept = db.prepare('UPDATE mutation_source SET swept = ? WHERE id = ?');
  return {
    find: (owner, name) => find.get(owner, name),
    source: (owner, name) => {
      const known = find.get(owner, name);
      if (known !== undefined) return known;
      make.run(owner, name);
      return find.get(owner, name) ?? { id: 0, owner, name, pass: 0, swept: 0 };
    },
    position: (id) => asPosition(position.get(id)),
    setPosition: (id, found) => {
      setPosition.run({ ...found, id });
    },
    restart: (id) => {
      restart.run(id);
    },
    setSwept: (id, pass) => {
      setSwept.run(pass, id);
    },
    ...touches(db),
  };
}

function touches(db: Database) {
  const touch = db.prepare(
    `INSERT INTO mutation_touched(source, issue, kinds) VALUES (?, ?, ?)
     ON CONFLICT (source, issue) DO UPDATE SET kinds = kinds | excluded.kinds`,
  );
  const touched = db.prepare<[number, number], Touched>(
    'SELECT issue, kinds FROM mutation_touched WHERE source = ? ORDER BY issue LIMIT ?',
  );
  const count = db
    .prepare<[number], number>('SELECT count(*) FROM mutation_touched WHERE source = ?')
    .pluck();
  const untouch = db.prepare('DELETE FROM mutation_touched WHERE source = ? AND issue = ?');
  return {
    touch: (source: number, things: Iterable<Touched>) => {
      for (const { issue, kinds } of things) touch.run(source, issue, kinds);
    },
    touched: (source: number, limit: number) => touched.all(source, limit),
    touchedCount: (source: number) => count.get(source) ?? 0,
    untouch: (source: number, issues: Iterable<number>) => {
      for (const issue of issues) untouch.run(source, issue);
    },
  };
}

function asPosition(row: PositionRow | undefined): SourcePosition | undefined {
  if (row === undefined) return undefined;
  const { segment, startOffset, endOffset, sha256, lastAt } = row;
  if (segment === null || startOffset === null || endOffset === null || sha256 === null) return undefined;
  return { segment, startOffset, endOffset, sha256, lastAt: lastAt ?? 0 };
}
