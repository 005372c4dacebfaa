/**
 * Tables of the corpus: what mutation logs add up to.
 *
 * The key of an issue is its repository's id * 2^32 + its number: one repository's issues lie together, in order.
 */
export const CORPUS_TABLES = `
  -- segment, end_offset: the end of the last record that was applied; last_offset, last_sha256: that record, by which a log that
  -- was replaced is recognised.
  CREATE TABLE corpus_repo(
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    segment INTEGER,
    last_offset INTEGER,
    end_offset INTEGER,
    last_sha256 TEXT,
    state TEXT,
    renamed_to TEXT,
    UNIQUE (owner, name)
  ) STRICT;

  -- kind: 1 = tombstoned, 2 = closed, 4 = a pull request, added up. Times in microseconds since the epoch, 0: none.
  -- comments_us, events_us, reviews_us: until when they are known; event_max_us: of its latest event or review. Most of a log
  -- changes nothing but these four.
  -- state: all else that is small, as JSON (corpus-issue-json.ts); its text is in corpus_text.
  CREATE TABLE corpus_issue(
    key INTEGER PRIMARY KEY,
    repo INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    closed_us INTEGER NOT NULL,
    comments_us INTEGER NOT NULL,
    events_us INTEGER NOT NULL,
    reviews_us INTEGER NOT NULL,
    event_max_us INTEGER NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL
  ) STRICT;
  CREATE INDEX corpus_issue_by_created ON corpus_issue(repo, created_us);
  CREATE INDEX corpus_issue_by_updated ON corpus_issue(repo, updated_us);
  CREATE INDEX corpus_issue_by_closed ON corpus_issue(repo, closed_us);

  -- How many issues there are of each kind.
  CREATE TABLE corpus_count(
    repo INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    issues INTEGER NOT NULL,
    PRIMARY KEY (repo, kind)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE corpus_text(issue INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;

  -- What belongs to an issue, by its key: one row for what one mutation says of one kind, in its own bytes, in order. kind: 1 =
  -- comments, 2 = events, 3 = reviews, 4 = comments of reviews. data: a message with that one list (records/mutation/messages.ts).
  -- What a later row says of the same comment holds. The table grows at its end, whatever the order in which a log comes.
  CREATE TABLE corpus_part(
    id INTEGER PRIMARY KEY,
    issue INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  CREATE INDEX corpus_part_of ON corpus_part(issue, kind);

  CREATE TABLE corpus_label(
    repo INTEGER NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (repo, id)
  ) STRICT, WITHOUT ROWID;

  -- closed: null where it was never said.
  CREATE TABLE corpus_milestone(
    repo INTEGER NOT NULL,
    id INTEGER NOT NULL,
    title TEXT NOT NULL,
    number INTEGER,
    closed INTEGER,
    PRIMARY KEY (repo, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE corpus_user(id INTEGER PRIMARY KEY, login TEXT NOT NULL) STRICT;
`;
