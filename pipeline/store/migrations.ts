import { CACHE_MESSAGE_TABLES } from './cache-messages.ts';
import { CACHE_TABLES } from './cache-tables.ts';
import { CORPUS_TABLES } from './corpus-tables.ts';
import { GITHUB_TABLES } from './github-tables.ts';
import { MUTATION_ROWS_TABLES } from './mutation-rows-tables.ts';

/**
 * The tables, as numbered steps; `PRAGMA user_version` holds the number of the last one taken. A step, once released,
 * never changes: mend by adding another.
 *
 * Glossary: a *root* is a configured place of jobs (`gs://bucket/logs/`); a *build* is one run of a job, known by its path;
 * its *version* is the first 48 bits of its row's SHA-256; an *item* of a ledger is whatever a job emits (here: a build).
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE root(id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE) STRICT;

  -- state: empty = a folder without either document; running = started only; settling = finished lately, looked at again;
  -- complete = not looked at again; abandoned = never finished and given up.
  -- junit: pending = not asked for yet or not got; done = every file there was has been read.
  CREATE TABLE build(
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    root INTEGER NOT NULL REFERENCES root(id),
    job TEXT NOT NULL,
    build TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('empty', 'running', 'settling', 'complete', 'abandoned')),
    junit TEXT NOT NULL CHECK (junit IN ('pending', 'done')),
    started_json TEXT,
    finished_json TEXT,
    finished_generation TEXT,
    finished_at INTEGER,
    first_seen_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX build_by_job ON build(root, job, build);
  CREATE INDEX build_by_finished ON build(finished_at) WHERE finished_at IS NOT NULL;
  CREATE INDEX build_open ON build(root, state) WHERE state IN ('empty', 'running', 'settling');
  CREATE INDEX build_junit_pending ON build(root) WHERE junit = 'pending' AND finished_json IS NOT NULL;

  -- data: the row's NDJSON line as one raw-deflate chunk (records/chunk.ts); tests_start and tests_end: where the test
  -- array lies in the line, so that a new head can be put around the same tests.
  CREATE TABLE build_row(
    build INTEGER PRIMARY KEY REFERENCES build(id),
    version INTEGER NOT NULL,
    data BLOB NOT NULL,
    crc32 INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    tests_start INTEGER NOT NULL,
    tests_end INTEGER NOT NULL,
    tests_run INTEGER NOT NULL,
    tests_failed INTEGER NOT NULL,
    truncated TEXT
  ) STRICT;

  CREATE TABLE junit_file(
    build INTEGER NOT NULL REFERENCES build(id),
    name TEXT NOT NULL,
    generation TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    run INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    flaky TEXT,
    PRIMARY KEY (build, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE junit_raw(
    build INTEGER NOT NULL REFERENCES build(id),
    name TEXT NOT NULL,
    encoding TEXT NOT NULL CHECK (encoding IN ('br', 'zlib')),
    bytes INTEGER,
    data BLOB NOT NULL,
    PRIMARY KEY (build, name)
  ) STRICT;

  -- last_build: every build of the job up to this id is stored or has a dead letter.
  CREATE TABLE cursor(
    root INTEGER NOT NULL REFERENCES root(id),
    job TEXT NOT NULL,
    last_build TEXT NOT NULL,
    PRIMARY KEY (root, job)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE dead_letter(
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('collect', 'junit', 'row', 'load')),
    subject TEXT NOT NULL,
    root TEXT,
    job TEXT,
    build TEXT,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    UNIQUE (kind, subject)
  ) STRICT;
  CREATE INDEX dead_letter_by_build ON dead_letter(root, job, build) WHERE kind = 'collect';

  CREATE TABLE destination(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

  CREATE TABLE batch(
    id INTEGER PRIMARY KEY,
    destination INTEGER NOT NULL REFERENCES destination(id),
    generation INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'committed', 'failed')),
    replaces INTEGER NOT NULL CHECK (replaces IN (0, 1)),
    attempt INTEGER NOT NULL DEFAULT 0,
    job_id TEXT,
    warehouse TEXT,
    file TEXT,
    sha256 TEXT,
    rows INTEGER,
    bytes INTEGER,
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    committed_at INTEGER,
    UNIQUE (destination, generation)
  ) STRICT;
  CREATE UNIQUE INDEX batch_by_job ON batch(warehouse, job_id) WHERE job_id IS NOT NULL;

  -- version 0: emitted by Kettle, before rows had versions; set when the row is first made.
  CREATE TABLE ledger(
    destination INTEGER NOT NULL REFERENCES destination(id),
    item INTEGER NOT NULL,
    batch INTEGER NOT NULL REFERENCES batch(id),
    version INTEGER NOT NULL,
    PRIMARY KEY (destination, item, batch)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ledger_by_batch ON ledger(batch);
  `,
  `
  -- Where the next rows of a destination go: a write stream of BigQuery's, and how many rows it has had.
  CREATE TABLE append_stream(
    destination INTEGER PRIMARY KEY REFERENCES destination(id),
    stream TEXT NOT NULL,
    next_offset INTEGER NOT NULL
  ) STRICT;

  -- 'event': a message that no bucket event could be read from. SQLite cannot change a CHECK, so the table is made anew.
  CREATE TABLE dead_letter_2(
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('collect', 'junit', 'row', 'load', 'event')),
    subject TEXT NOT NULL,
    root TEXT,
    job TEXT,
    build TEXT,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    UNIQUE (kind, subject)
  ) STRICT;
  INSERT INTO dead_letter_2 SELECT * FROM dead_letter;
  DROP TABLE dead_letter;
  ALTER TABLE dead_letter_2 RENAME TO dead_letter;
  CREATE INDEX dead_letter_by_build ON dead_letter(root, job, build) WHERE kind = 'collect';
  `,
  `${CORPUS_TABLES}${GITHUB_TABLES}${MUTATION_ROWS_TABLES}`,
  `${CACHE_TABLES}${CACHE_MESSAGE_TABLES}`,
];
