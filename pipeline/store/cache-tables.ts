/**
 * Tables of the cache jobs. All times are epoch milliseconds.
 *
 * Values are JSON text; from a size on, deflated bytes. `sum` is the CRC-32 of what is in `value`: a row whose value was damaged
 * is told apart from one that is right without parsing it.
 */
export const CACHE_TABLES = `
  -- others: the seq about which something changed that no entry's own seq tells.
  CREATE TABLE cache_seq(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    token INTEGER NOT NULL,
    others INTEGER NOT NULL
  ) STRICT;
  INSERT INTO cache_seq VALUES (1, 0, 0, 0);

  -- What is kept of a key. A row without a value and not absent is a key to be fetched, or whose fetch failed.
  CREATE TABLE cache_entry(
    provider TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    value ANY,
    sum INTEGER,
    hash BLOB,
    size INTEGER NOT NULL DEFAULT 0,
    things INTEGER,
    etag TEXT,
    last_modified TEXT,
    changed_at INTEGER,
    checked_at INTEGER,
    stale INTEGER NOT NULL DEFAULT 0,
    absent INTEGER NOT NULL DEFAULT 0,
    error_code TEXT,
    error_message TEXT,
    error_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    -- No refresh before it, unless by hand.
    retry_at INTEGER,
    -- When the next scheduled refresh is due; null: not kept warm.
    next_at INTEGER,
    access_at INTEGER NOT NULL,
    access_count INTEGER NOT NULL DEFAULT 0,
    -- The count of cache_seq at which the value last changed.
    seq INTEGER NOT NULL,
    PRIMARY KEY (provider, key)
  ) STRICT;
  -- What changed since somebody looked.
  CREATE INDEX cache_entry_by_seq ON cache_entry(seq);
  CREATE TRIGGER cache_entry_removed AFTER DELETE ON cache_entry BEGIN
    UPDATE cache_seq SET others = seq;
  END;
  CREATE TRIGGER cache_entry_marked AFTER UPDATE OF stale, value ON cache_entry
    WHEN new.seq = old.seq AND (new.stale > old.stale OR (new.value IS NULL AND old.value IS NOT NULL)) BEGIN
    UPDATE cache_seq SET others = seq;
  END;
  CREATE INDEX cache_entry_due ON cache_entry(provider, next_at);

  CREATE TABLE cache_tag(
    tag TEXT NOT NULL,
    provider TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (tag, provider, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX cache_tag_by_entry ON cache_tag(provider, key);

  -- derived_*: of a provider that is made from others, whose entries are checked all at once.
  CREATE TABLE cache_provider(
    name TEXT PRIMARY KEY,
    generation INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0,
    last_ok_at INTEGER,
    error_code TEXT,
    error_message TEXT,
    error_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    retry_at INTEGER,
    derived_at INTEGER,
    -- Of cache_seq: before it was last made, and when one of its values last changed.
    derived_seq INTEGER,
    changed_seq INTEGER NOT NULL DEFAULT 0,
    stale INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    -- Scheduled jobs of the latest minute, and that minute.
    minute INTEGER NOT NULL DEFAULT 0,
    minute_jobs INTEGER NOT NULL DEFAULT 0,
    -- When its keys were last compared with what is to be kept warm.
    keys_at INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;

  -- rank: run_at and a time for each step of priority, so that what waits long overtakes what is more urgent.
  CREATE TABLE cache_job(
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    key TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('waiting', 'manual', 'dependency', 'schedule')),
    priority INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'failed')),
    owner TEXT,
    -- Of the lease: what comes with another one is not written.
    token INTEGER,
    lease_until INTEGER,
    generation INTEGER,
    -- Wanted once more while it was running.
    again INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    UNIQUE (provider, key)
  ) STRICT;
  CREATE INDEX cache_job_rank ON cache_job(provider, rank, run_at, state);
  CREATE INDEX cache_job_running ON cache_job(state, lease_until);

  CREATE TABLE cache_run(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    key TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    bytes INTEGER,
    worker TEXT NOT NULL,
    code TEXT,
    message TEXT
  ) STRICT;
  CREATE INDEX cache_run_by_provider ON cache_run(provider, id);
  CREATE INDEX cache_run_by_time ON cache_run(started_at);

  CREATE TABLE cache_subject(
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group', 'package')),
    name TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE cache_host(
    host TEXT PRIMARY KEY,
    -- The next request begins no earlier.
    next_at INTEGER NOT NULL DEFAULT 0,
    -- The host itself asked for a pause.
    blocked_until INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    -- Set: the breaker is open; past it, one request may try.
    open_until INTEGER,
    -- That one is under way until then.
    probe_until INTEGER,
    requests INTEGER NOT NULL DEFAULT 0,
    last_error TEXT
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE cache_slot(id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
  CREATE INDEX cache_slot_by_host ON cache_slot(host);

  -- The scheduler's lease, and the signs of workers.
  CREATE TABLE cache_lease(
    role TEXT NOT NULL CHECK (role IN ('scheduler', 'worker')),
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    since INTEGER NOT NULL,
    sign_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (role, name)
  ) STRICT, WITHOUT ROWID;
`;
