/** 'SMVT': marks a file of triage's. */
export const TRIAGE_APPLICATION_ID = 0x534d5654;

/**
 * Raised when texts are normalised otherwise, or the tables change: the failures are then read anew, and only the clusters stay. They
 * are all that cannot be had again from the rows.
 */
export const TRIAGE_FORMAT = 1;

/** Tables of what was read. `build` has every build that was looked at, so that each version is read once. */
export const TRIAGE_TABLES = `
  DROP TABLE IF EXISTS failure;
  DROP TABLE IF EXISTS build;
  DROP TABLE IF EXISTS test;
  DROP TABLE IF EXISTS text;
  CREATE TABLE build(
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    job TEXT NOT NULL,
    finished_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX build_by_finished ON build(finished_at);
  CREATE TABLE test(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  -- sha1: of the normalised text. cluster: null until it is given one.
  CREATE TABLE text(id INTEGER PRIMARY KEY, sha1 BLOB NOT NULL UNIQUE, text TEXT NOT NULL, cluster TEXT) STRICT;
  CREATE INDEX text_by_cluster ON text(cluster);
  CREATE TABLE failure(
    build INTEGER NOT NULL REFERENCES build(id),
    test INTEGER NOT NULL REFERENCES test(id),
    text INTEGER NOT NULL REFERENCES text(id),
    count INTEGER NOT NULL,
    PRIMARY KEY (build, test, text)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX failure_by_text ON failure(text);
  CREATE INDEX failure_by_test ON failure(test);
  CREATE TABLE IF NOT EXISTS cluster(
    id TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    first_seen INTEGER,
    last_seen INTEGER
  ) STRICT;
`;
