/**
 * Rows of mutations and of what they add up to, packed for the warehouse.
 *
 * A *source* is a repository whose log is read; its position is the last record that has a row. What a record touched is noted in
 * the same transaction, and made into rows from the corpus afterwards: a stop in between loses nothing.
 */
export const MUTATION_ROWS_TABLES = `
  -- start_offset, end_offset, sha256: of the last record read, by which a log that was replaced is told. pass: how often the log
  -- was begun anew; swept: the pass whose leftovers were marked.
  CREATE TABLE mutation_source(
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    segment INTEGER,
    start_offset INTEGER,
    end_offset INTEGER,
    sha256 TEXT,
    last_at INTEGER,
    pass INTEGER NOT NULL DEFAULT 0,
    swept INTEGER NOT NULL DEFAULT 0,
    UNIQUE (owner, name)
  ) STRICT;

  -- issue: its number; 0 for what is the repository's. kinds: bits, records/mutation/rows-touched.ts.
  CREATE TABLE mutation_touched(
    source INTEGER NOT NULL REFERENCES mutation_source(id),
    issue INTEGER NOT NULL,
    kinds INTEGER NOT NULL,
    PRIMARY KEY (source, issue)
  ) STRICT, WITHOUT ROWID;

  -- seq: counts the changes of a kind's rows, so that what changed since is a range. data: as build_row's.
  CREATE TABLE mutation_row(
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    source INTEGER NOT NULL REFERENCES mutation_source(id),
    issue INTEGER NOT NULL,
    path TEXT NOT NULL,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    pass INTEGER NOT NULL,
    data BLOB NOT NULL,
    crc32 INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    UNIQUE (kind, path)
  ) STRICT;
  CREATE UNIQUE INDEX mutation_row_by_seq ON mutation_row(kind, seq);
  CREATE INDEX mutation_row_by_issue ON mutation_row(source, kind, issue);

  -- A destination has every row up to this change.
  CREATE TABLE mutation_mark(
    destination INTEGER PRIMARY KEY REFERENCES destination(id),
    seq INTEGER NOT NULL
  ) STRICT;
`;
