/** Tables of the sync with GitHub: how far it is, answers' ETags, what is to be looked at, webhook deliveries. */
export const GITHUB_TABLES = `
  -- How far a listing of a repository was followed: a time or an id, as text.
  CREATE TABLE github_cursor(
    repo INTEGER NOT NULL REFERENCES corpus_repo(id),
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (repo, kind)
  ) STRICT, WITHOUT ROWID;

  -- Of the last answer of a kind: asked again with it, the answer is free when nothing has changed.
  CREATE TABLE github_etag(
    repo INTEGER NOT NULL REFERENCES corpus_repo(id),
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (repo, kind)
  ) STRICT, WITHOUT ROWID;

  -- Pull requests that were told of as changed and not yet asked for.
  CREATE TABLE github_pull(
    repo INTEGER NOT NULL REFERENCES corpus_repo(id),
    number INTEGER NOT NULL,
    PRIMARY KEY (repo, number)
  ) STRICT, WITHOUT ROWID;

  -- What a whole listing no longer had, and since when: asked for once more before it counts as deleted.
  CREATE TABLE github_missing(
    repo INTEGER NOT NULL REFERENCES corpus_repo(id),
    kind TEXT NOT NULL CHECK (kind IN ('issue', 'comment', 'review_comment')),
    id INTEGER NOT NULL,
    issue INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    PRIMARY KEY (repo, kind, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE github_repo(
    repo INTEGER PRIMARY KEY REFERENCES corpus_repo(id),
    synced_at INTEGER,
    reconciled_at INTEGER,
    paused TEXT
  ) STRICT;

  -- To be asked about soon: a webhook said that something happened.
  CREATE TABLE github_wake(repo INTEGER PRIMARY KEY REFERENCES corpus_repo(id), at INTEGER NOT NULL) STRICT;

  CREATE TABLE github_delivery(id TEXT PRIMARY KEY, received_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
