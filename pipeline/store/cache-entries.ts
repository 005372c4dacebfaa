import type { Database } from 'better-sqlite3';

/** What a read needs of an entry. */
export interface ReadRow {
  readonly key: string;
  readonly version: number;
  /** JSON text, or deflated bytes of it; null: none. */
  readonly value: string | Buffer | null;
  readonly sum: number | null;
  readonly changedAt: number | null;
  readonly checkedAt: number | null;
  readonly stale: number;
  readonly absent: number;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorAt: number | null;
  readonly seq: number;
}

export interface EntryRow extends ReadRow {
  readonly hash: Buffer | null;
  readonly things: number | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly failures: number;
  readonly retryAt: number | null;
}

/** Of an entry, without its value. */
export interface EntrySign {
  readonly key: string;
  readonly version: number;
  readonly hash: Buffer | null;
  readonly things: number | null;
  readonly failures: number;
  readonly checkedAt: number | null;
  readonly changedAt: number | null;
  readonly hasValue: number;
  readonly stale: number;
  readonly absent: number;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorAt: number | null;
  readonly retryAt: number | null;
  readonly seq: number;
}

export interface EntryValue {
  readonly provider: string;
  readonly key: string;
  readonly version: number;
  readonly value: string | Buffer | null;
  readonly sum: number | null;
  readonly hash: Buffer | null;
  /** Bytes it takes. */
  readonly size: number;
  readonly things: number | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly absent: 0 | 1;
  readonly nowMs: number;
  readonly seq: number;
}

export interface EntryFailure {
  readonly code: string;
  readonly message: string;
  readonly atMs: number;
  /** No refresh before it. */
  readonly retryAtMs: number;
}

export interface EntryName {
  readonly provider: string;
  readonly key: string;
}

/** A change, for those who follow them. */
export interface ChangedRow extends ReadRow {
  readonly provider: string;
  readonly hash: Buffer | null;
  readonly size: number;
}

export interface CacheEntries {
  /** What changed after a count of cache_seq, in the order of changes. */
  since(seq: number, limit: number): readonly ChangedRow[];
  /** Which changed after it, in no order. */
  namesSince(seq: number, limit: number): readonly EntryName[];
  get(provider: string, key: string): EntryRow | undefined;
  /** Those there are, in the order of `keys`. */
  many(provider: string, keys: readonly string[]): readonly ReadRow[];
  sign(provider: string, key: string): EntrySign | undefined;
  signs(provider: string, keys: readonly string[]): readonly EntrySign[];
  /** A new value, or that there is none; ends an error. */
  put(entry: EntryValue): void;
  /** Looked at, and nothing had changed; ends an error. */
  touch(
    provider: string,
    key: string,
    touched: {
      readonly nowMs: number;
      readonly etag: string | null;
      readonly lastModified: string | null;
      readonly version: number;
    },
  ): void;
  fail(provider: string, key: string, failure: EntryFailure, seq: number): void;
  setTags(provider: string, key: string, tags: readonly string[]): void;
  remove(provider: string, key: string): boolean;
  /** The same value in another shape: its times stay. */
  rewrite(
    entry: Pick<EntryValue, 'provider' | 'key' | 'version' | 'value' | 'sum' | 'hash' | 'size' | 'seq'>,
  ): void;
  /** Its value cannot be read: forgets it. */
  forget(provider: string, key: string): void;
  /** By key; null where the value is of another version. */
  hashes(provider: string, version: number): Map<string, Buffer | null>;
  keys(provider: string): readonly string[];
  /** At most `limit`. */
  keysWithValue(provider: string, limit: number): readonly string[];
  markStale(provider: string): void;
  read(provider: string, key: string, reads: number, nowMs: number): void;
}

const READ_COLUMNS = `e.key, e.version, e.value, e.sum, e.changed_at, e.checked_at, e.stale, e.absent, e.error_code,
  e.error_message, e.error_at, e.seq`;

const COLUMNS = `key, version, value, sum, hash, things, etag, last_modified AS lastModified, changed_at AS changedAt,
  checked_at AS checkedAt, stale, absent, error_code AS errorCode, error_message AS errorMessage, error_at AS errorAt,
  failures, retry_at AS retryAt, seq`;

const SIGN_COLUMNS = `e.key, e.version, e.hash, e.things, e.failures, e.checked_at AS checkedAt, e.changed_at AS changedAt, e.value IS NOT NULL AS hasValue, e.stale,
  e.absent, e.error_code AS errorCode, e.error_message AS errorMessage, e.error_at AS errorAt, e.retry_at AS retryAt, e.seq`;

const LOOK_UP = 'FROM json_each(?) AS j CROSS JOIN cache_entry AS e ON e.provider = ? AND e.key = j.value';

type ReadTuple = [
  ...[string, number, string | Buffer | null, number | null, number | null, number | null, number, number],
  ...[string | null, string | null, number | null, number],
];

const PUT = `
  INSERT INTO cache_entry(provider, key, version, value, sum, hash, size, things, etag, last_modified, absent,
    changed_at, checked_at, access_at, seq)
  VALUES (@provider, @key, @version, @value, @sum, @hash, @size, @things, @etag, @lastModified, @absent,
    @nowMs, @nowMs, @nowMs, @seq)
  ON CONFLICT(provider, key) DO UPDATE SET
    version = @version, value = @value, sum = @sum, hash = @hash, size = @size, things = @things, etag = @etag,
    last_modified = @lastModified, absent = @absent, changed_at = @nowMs, checked_at = @nowMs, seq = @seq, stale = 0,
    error_code = NULL, error_message = NULL, error_at = NULL, failures = 0, retry_at = NULL`;

const TOUCH = `
  UPDATE cache_entry SET checked_at = @nowMs, etag = coalesce(@etag, etag), version = @version,
    last_modified = coalesce(@lastModified, last_modified), stale = 0,
    error_code = NULL, error_message = NULL, error_at = NULL, failures = 0, retry_at = NULL
  WHERE provider = @provider AND key = @key`;

const FAIL = `
  INSERT INTO cache_entry(provider, key, version, access_at, seq, error_code, error_message, error_at, failures, retry_at)
  VALUES (@provider, @key, 0, @atMs, @seq, @code, @message, @atMs, 1, @retryAtMs)
  ON CONFLICT(provider, key) DO UPDATE SET error_code = @code, error_message = @message, error_at = @atMs,
    failures = failures + 1, retry_at = @retryAtMs`;

export function openCacheEntries(db: Database): CacheEntries {
  const get = db.prepare<[string, string], EntryRow>(
    `SELECT ${COLUMNS} FROM cache_entry WHERE provider = ? AND key = ?`,
  );
  // Arrays instead of objects take half the time of a look at thousands.
  const many = db.prepare<[string, string], ReadTuple>(`SELECT ${READ_COLUMNS} ${LOOK_UP}`).raw();
  const sign = db.prepare<[string, string], EntrySign>(
    `SELECT ${SIGN_COLUMNS} FROM cache_entry AS e WHERE e.provider = ? AND e.key = ?`,
  );
  const signs = db.prepare<[string, string], EntrySign>(`SELECT ${SIGN_COLUMNS} ${LOOK_UP}`);
  return {
    get: (provider, key) => get.get(provider, key),
    many: (provider, keys) => many.all(JSON.stringify(keys), provider).map(readRow),
    sign: (provider, key) => sign.get(provider, key),
    signs: (provider, keys) => signs.all(JSON.stringify(keys), provider),
    ...writes(db),
    ...listings(db),
  };
}

// No spreading here: it is called for each of thousands.
function readRow(row: ReadTuple): ReadRow {
  return {
    key: row[0],
    version: row[1],
    value: row[2],
    sum: row[3],
    changedAt: row[4],
    checkedAt: row[5],
    stale: row[6],
    absent: row[7],
    errorCode: row[8],
    errorMessage: row[9],
    errorAt: row[10],
    seq: row[11],
  };
}

function writes(db: Database) {
  const put = db.prepare(PUT);
  const touch = db.prepare(TOUCH);
  const fail = db.prepare(FAIL);
  const untag = db.prepare('DELETE FROM cache_tag WHERE provider = ? AND key = ?');
  const tag = db.prepare('INSERT OR IGNORE INTO cache_tag(tag, provider, key) VALUES (?, ?, ?)');
  const remove = db.prepare('DELETE FROM cache_entry WHERE provider = ? AND key = ?');
  const rewrite = db.prepare(`
    UPDATE cache_entry SET version = @version, value = @value, sum = @sum, hash = @hash, size = @size, seq = @seq
    WHERE provider = @provider AND key = @key`);
  const forget = db.prepare(`
    UPDATE cache_entry SET value = NULL, hash = NULL, sum = NULL, size = 0, etag = NULL, last_modified = NULL, absent = 0,
      checked_at = NULL, changed_at = NULL WHERE provider = ? AND key = ?`);
  const stale = db.prepare('UPDATE cache_entry SET stale = 1 WHERE provider = ? AND stale = 0');
  const read = db.prepare(`
    UPDATE cache_entry SET access_at = max(access_at, ?), access_count = access_count + ?
    WHERE provider = ? AND key = ?`);
  return {
    put: (entry: EntryValue) => void put.run(entry),
    touch: (provider: string, key: string, touched: Parameters<CacheEntries['touch']>[2]) =>
      void touch.run({ provider, key, ...touched }),
    fail: (provider: string, key: string, failure: EntryFailure, seq: number) =>
      void fail.run({ provider, key, seq, ...failure }),
    setTags: (provider: string, key: string, tags: readonly string[]) => {
      untag.run(provider, key);
      for (const name of tags) tag.run(name, provider, key);
    },
    remove: (provider: string, key: string) => {
      untag.run(provider, key);
      return remove.run(provider, key).changes > 0;
    },
    rewrite: (entry: Parameters<CacheEntries['rewrite']>[0]) => void rewrite.run(entry),
    forget: (provider: string, key: string) => void forget.run(provider, key),
    markStale: (provider: string) => void stale.run(provider),
    read: (provider: string, key: string, reads: number, nowMs: number) =>
      void read.run(nowMs, reads, provider, key),
  };
}

function listings(db: Database) {
  const hashes = db
    .prepare<[number, string], [string, Buffer | null]>(
      'SELECT key, iif(version = ?, hash, NULL) FROM cache_entry WHERE provider = ?',
    )
    .raw();
  const keys = db
    .prepare<[string], string>('SELECT key FROM cache_entry WHERE provider = ? ORDER BY key')
    .pluck();
  const withValue = db
    .prepare<[string, number], string>(
      'SELECT key FROM cache_entry WHERE provider = ? AND checked_at IS NOT NULL LIMIT ?',
    )
    .pluck();
  const namesSince = db.prepare<[number, number], EntryName>(
    'SELECT provider, key FROM cache_entry WHERE seq > ? LIMIT ?',
  );
  const since = db.prepare<[number, number], ChangedRow>(
    `SELECT provider, key, version, value, sum, hash, size, changed_at AS changedAt, checked_at AS checkedAt, stale, absent,
       error_code AS errorCode, error_message AS errorMessage, error_at AS errorAt, seq
     FROM cache_entry WHERE seq > ? AND changed_at IS NOT NULL ORDER BY seq, provider, key LIMIT ?`,
  );
  return {
    hashes: (provider: string, version: number) => new Map(hashes.all(version, provider)),
    keys: (provider: string) => keys.all(provider),
    keysWithValue: (provider: string, limit: number) => withValue.all(provider, limit),
    since: (seq: number, limit: number) => since.all(seq, limit),
    namesSince: (seq: number, limit: number) => namesSince.all(seq, limit),
  };
}
