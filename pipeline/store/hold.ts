import { existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { SamovarError } from '../errors.ts';

/** Between two looks at a database that somebody else holds. */
const LOOK_MS = 200;

/** Who works on a database. */
export interface Holder {
  readonly command: string;
  readonly process: number;
  readonly host: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

export interface HoldOptions {
  /** What this process is doing: `make-db`. */
  readonly command: string;
  readonly waitMs: number;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  /** Told once, when there is somebody to wait for. */
  readonly onWait?: (holder: Holder | undefined) => void;
}

/**
 * Takes the one right to write to the database at `file`; the function given back returns it. It is a lock of the operating
 * system's on `<file>.hold`, so it ends with its process, however that ends. Throws `conflict`, with who holds it, when it is not
 * free in time.
 */
export async function holdDatabase(file: string, options: HoldOptions): Promise<() => void> {
  if (file === ':memory:') return () => undefined;
  const db = connect(file);
  try {
    await take(db, file, options);
  } catch (cause) {
    db.close();
    throw cause;
  }
  return () => {
    if (db.open) db.close();
  };
}

/** Whether somebody holds a database: `unknown` where this user may not ask. */
export interface HoldState {
  readonly state: 'free' | 'held' | 'unknown';
  readonly holder?: Holder;
}

/** A look at who holds the database at `file`, for no longer than the look takes. Makes nothing, waits for nobody. */
export function lookAtHold(file: string): HoldState {
  if (file === ':memory:' || !existsSync(`${file}.hold`)) return { state: 'free' };
  let db: Database.Database | undefined;
  try {
    db = new Database(`${file}.hold`, { timeout: 0, fileMustExist: true });
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return { state: 'free' };
  } catch (cause) {
    if (db === undefined || !isBusy(cause)) return { state: 'unknown' };
    const holder = readHolder(db);
    return { state: 'held', ...(holder !== undefined && { holder }) };
  } finally {
    db?.close();
  }
}

async function take(db: Database.Database, file: string, options: HoldOptions): Promise<void> {
  const untilMs = options.nowMs() + options.waitMs;
  let told = false;
  while (!tryTake(db, file, options)) {
    const holder = readHolder(db);
    if (options.signal.aborted) throw new SamovarError('aborted', `stopped while waiting for ${file}`);
    if (options.nowMs() >= untilMs) throw heldBy(file, holder);
    if (!told) options.onWait?.(holder);
    told = true;
    await options.sleep(Math.max(1, Math.min(LOOK_MS, untilMs - options.nowMs())));
  }
}

/** Others can still read while one holds RESERVED, the lock that BEGIN IMMEDIATE takes: that is how they learn who it is. */
function tryTake(db: Database.Database, file: string, { command, nowMs }: HoldOptions): boolean {
  try {
    db.exec('BEGIN IMMEDIATE');
    db.exec('CREATE TABLE IF NOT EXISTS holder(command TEXT, process INTEGER, host TEXT, since INTEGER)');
    db.exec('DELETE FROM holder');
    db.prepare('INSERT INTO holder VALUES (?, ?, ?, ?)').run(command, process.pid, hostname(), nowMs());
    db.exec('COMMIT');
    // Whoever comes in between has the hold, and this fails.
    db.exec('BEGIN IMMEDIATE');
    return true;
  } catch (cause) {
    if (db.inTransaction) db.exec('ROLLBACK');
    if (isBusy(cause)) return false;
    throw new SamovarError('storage', `cannot take hold of the database ${file}`, {
      subject: file,
      remedy: 'Check that its folder exists, has room and can be written to.',
      cause,
    });
  }
}

function readHolder(db: Database.Database): Holder | undefined {
  try {
    return db.prepare<unknown[], Holder>('SELECT command, process, host, since FROM holder').get();
  } catch {
    // Just being written.
    return undefined;
  }
}

function heldBy(file: string, holder: Holder | undefined): SamovarError {
  const who = holder === undefined ? 'another process' : holderText(holder);
  return new SamovarError('conflict', `${file} is held by ${who}`, {
    subject: file,
    remedy:
      'One process at a time writes to a database. Wait for it (--wait SECONDS), stop it, or give another --db.',
  });
}

/** `samovar stream, process 123 on ci-host, since 2026-11-21T05:00:00.000Z` */
export function holderText({ command, process: pid, host, since }: Holder): string {
  return `samovar ${command}, process ${pid} on ${host}, since ${new Date(since).toISOString()}`;
}

function connect(file: string): Database.Database {
  try {
    mkdirSync(dirname(file), { recursive: true });
    // No waiting inside SQLite: that would stop this process's clock and signals.
    return new Database(`${file}.hold`, { timeout: 0 });
  } catch (cause) {
    throw new SamovarError('storage', `cannot open ${file}.hold, which says who works on the database`, {
      subject: file,
      remedy: 'Check that the path exists and can be written.',
      cause,
    });
  }
}

function isBusy(cause: unknown): boolean {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'));
}
