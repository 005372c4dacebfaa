import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { SamovarError } from '../errors.ts';
import { type AppendStreamStore, openAppendStreams } from './append-streams.ts';
import { type BuildStore, openBuilds } from './builds.ts';
import { type CacheStore, openCacheStore } from './cache.ts';
import { type MessageStore, openCacheMessages } from './cache-messages.ts';
import { openCorpus } from './corpus.ts';
import type { Corpus } from './corpus-types.ts';
import { type CursorStore, openCursors } from './cursors.ts';
import { type DeadLetterStore, openDeadLetters } from './dead-letters.ts';
import { type GithubStore, openGithubStore } from './github.ts';
import { pagesLeft } from './headroom.ts';
import { type JunitStore, openJunit } from './junit.ts';
import { isKettleDatabase, upgradeFromKettle } from './kettle.ts';
import { type LedgerStore, openLedger } from './ledger.ts';
import { MIGRATIONS } from './migrations.ts';
import { type MutationRowStore, openMutationRows } from './mutation-rows.ts';
import { openRows, type RowStore } from './rows.ts';
import { openShards, type ShardStore } from './shards.ts';
import { storageError } from './storage-error.ts';

/** 'SMVR': marks a database file as ours. */
export const APPLICATION_ID = 0x534d5652;
const BUSY_TIMEOUT_MS = 10_000;
/** Below this many free pages under SQLite's page limit a run refuses to start. */
const PAGE_HEADROOM_MIN = 10_000;

/** The one database: what was collected, what was emitted. Single writer, any number of readers. */
export interface Store {
  readonly file: string;
  readonly builds: BuildStore;
  readonly rows: RowStore;
  readonly junit: JunitStore;
  readonly cursors: CursorStore;
  readonly deadLetters: DeadLetterStore;
  readonly ledger: LedgerStore;
  readonly streams: AppendStreamStore;
  readonly github: GithubStore;
  readonly corpus: Corpus;
  readonly mutationRows: MutationRowStore;
  readonly shards: ShardStore;
  readonly cache: CacheStore;
  /** The message of the day. */
  readonly cacheMessages: MessageStore;
  /** Runs `work` in one transaction; throws and rolls back together. */
  transaction<T>(work: () => T): T;
  /** Pages the database may still grow by. */
  pagesLeft(): number;
  /** Gives pages freed by pruning back to the file system. */
  shrink(): void;
  close(): void;
}

export interface StoreOptions {
  readonly nowMs: () => number;
  /** Says what a slow step (an upgrade from Kettle) is doing. */
  readonly onNotice?: (text: string) => void;
}

/**
 * Opens or creates the database at `file`. A Kettle `build.db` is copied to `<file>.kettle-backup` and upgraded in place.
 * Throws `storage` (cannot open, not a database, disk full) or `incompatible` (made by a newer Samovar).
 */
export function openStore(file: string, options: StoreOptions): Store {
  const db = connect(file);
  try {
    prepare(db, file, options);
    return assemble(db, file, options);
  } catch (cause) {
    db.close();
    throw storageError(cause, `cannot use the database ${file}`, file);
  }
}

function assemble(db: Database.Database, file: string, options: StoreOptions): Store {
  const ledger = openLedger(db, options.nowMs);
  let cache: CacheStore | undefined;
  let shards: ShardStore | undefined;
  return {
    file,
    builds: openBuilds(db, options.nowMs),
    rows: openRows(db),
    junit: openJunit(db),
    cursors: openCursors(db),
    deadLetters: openDeadLetters(db, options.nowMs),
    ledger,
    streams: openAppendStreams(db),
    github: openGithubStore(db, options.nowMs),
    corpus: openCorpus(db),
    mutationRows: openMutationRows(db),
    cacheMessages: openCacheMessages(db, options.nowMs),
    get shards() {
      shards ??= openShards(db);
      return shards;
    },
    // Many statements, and most commands have no use for them.
    get cache() {
      cache ??= openCacheStore(db);
      return cache;
    },
    transaction: (work) => {
      try {
        return db.transaction(work).immediate();
      } catch (cause) {
        throw storageError(cause, `cannot write to the database ${file}`, file);
      }
    },
    pagesLeft: () => pagesLeft(db),
    shrink: () => {
      db.pragma('incremental_vacuum');
      db.pragma('wal_checkpoint(TRUNCATE)');
    },
    close: () => {
      if (!db.open) return;
      // Only a kindness to the next run; on a full disk it cannot be done.
      attempt(() => db.pragma('optimize'));
      db.close();
    },
  };
}

function connect(file: string): Database.Database {
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    return new Database(file, { timeout: BUSY_TIMEOUT_MS });
  } catch (cause) {
    throw storageError(cause, `cannot open the database ${file}`, file);
  }
}

function prepare(db: Database.Database, file: string, options: StoreOptions): void {
  const fresh = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
  if (fresh) db.pragma('auto_vacuum = INCREMENTAL');
  if (!fresh && isKettleDatabase(db)) {
    upgradeFromKettle(db, file, {
      migrate: () => migrate(db, file),
      notice: options.onNotice ?? (() => undefined),
    });
  }
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  if (!fresh) assertOurs(db, file);
  migrate(db, file);
  assertHeadroom(db, file);
}

function assertOurs(db: Database.Database, file: string): void {
  if (db.pragma('application_id', { simple: true }) === APPLICATION_ID) return;
  throw new SamovarError('config', `${file} is a SQLite database, but neither Samovar's nor Kettle's`, {
    subject: file,
    remedy: 'Name another file with --db (or SAMOVAR_DB), or move this one away.',
  });
}

function migrate(db: Database.Database, file: string): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > MIGRATIONS.length) {
    throw new SamovarError(
      'incompatible',
      `${file} was made by a newer Samovar (schema ${version}, this one knows ${MIGRATIONS.length})`,
      {
        subject: file,
        remedy: 'Install the newer version, or give another database with --db.',
      },
    );
  }
  if (version === MIGRATIONS.length) return;
  const steps = db.transaction(() => {
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  if (db.inTransaction) steps();
  else steps.immediate();
}

function assertHeadroom(db: Database.Database, file: string): void {
  const left = pagesLeft(db);
  if (left >= PAGE_HEADROOM_MIN) return;
  throw new SamovarError('storage', `${file} has ${left} pages left under SQLite's limit`, {
    subject: file,
    remedy: 'Run `samovar prune` to drop raw XML, or start a new database.',
  });
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // What cannot be done is left out.
  }
}
