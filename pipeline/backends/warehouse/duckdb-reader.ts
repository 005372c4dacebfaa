import { constants } from 'node:fs';
import { copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SamovarError } from '../../errors.ts';
import type { Warehouse, WarehouseDriverOptions, WarehouseReader } from './contract.ts';
import { openDuckDb } from './duckdb.ts';
import { quoteName } from './duckdb-types.ts';
import { checkTable } from './names.ts';

/** More than a file system's clock ticks: what is written later than this has another time. */
const QUIET_MS = 25;
const COPIES_MAX = 40;
/** A copy that nobody asks is dropped. The file itself is held no longer than it takes to ask the next question. */
const COPY_IDLE_MS = 60_000;
const FILE_IDLE_MS = 50;
/** Larger files are not copied. */
const COPY_BYTES_MAX = 4 * 1024 ** 3;
/** A copy is used for at least so long, whatever is written meanwhile: ten seconds for each GB, some ten times what it took. */
const COPY_BYTES_PER_MS = 100_000;
/** There is no room or no right to copy: then the file itself is read. */
const CANNOT_COPY = /^(ENOSPC|EDQUOT|EROFS|EACCES|EPERM)$/;

interface Opened {
  readonly warehouse: Warehouse;
  readonly signature: string;
  /** The copy's; undefined: it is the file itself. */
  readonly folder: string | undefined;
  users: number;
  /** So new that nobody looks whether the file has changed: questions of one page are answered of one moment. */
  isFresh: boolean;
  /** Another one has taken its place. */
  isOld: boolean;
  timer: NodeJS.Timeout | undefined;
}

export interface DuckDbReaderOptions extends WarehouseDriverOptions {
  /** Default 4 GiB. */
  readonly copyBytesMax?: number;
}

/**
 * Reads a DuckDB file that others write. One process at a time may have it open to write, and none while it is open to be read: a
 * follower holds it for hours, and a reader would keep a writer out. So a copy is read, made anew when the file has changed; it
 * costs a disk's copy and locks nobody out. Without room for it the file itself is opened for the length of the questions; `conflict`
 * when somebody writes it then.
 */
export function openDuckDbReader(url: string, options: DuckDbReaderOptions): WarehouseReader {
  const file = url.slice('duckdb:'.length);
  const place = { url, file, bytesMax: options.copyBytesMax ?? COPY_BYTES_MAX };
  let current: Opened | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;
  // One after another: two copies at once help nobody.
  const acquire = (): Promise<Opened> => {
    const mine = turn.then(async () => {
      if (closed)
        throw new SamovarError('aborted', `${url}: given up, the reader is closed`, { subject: url });
      if (current === undefined || current.isOld || !(await isCurrent(current, place))) {
        const fresh = await open(place, options);
        if (current !== undefined) void retire(current);
        current = fresh;
      }
      clearTimeout(current.timer);
      current.users += 1;
      return current;
    });
    turn = mine.catch(() => undefined);
    return mine;
  };
  return {
    url,
    dialect: 'duckdb',
    tableName: (name) => {
      checkTable(name);
      return quoteName(name);
    },
    async query(sql, call) {
      const opened = await acquire();
      try {
        return await opened.warehouse.query(sql, call);
      } finally {
        release(opened);
      }
    },
    async close() {
      closed = true;
      await turn;
      if (current !== undefined) await retire(current);
    },
  };
}

async function isCurrent({ isFresh, signature }: Opened, place: Place): Promise<boolean> {
  return isFresh || (await signatureOf(place)) === signature;
}

function release(opened: Opened): void {
  opened.users -= 1;
  if (opened.users > 0) return;
  if (opened.isOld) {
    void drop(opened);
    return;
  }
  const idleMs = opened.folder === undefined ? FILE_IDLE_MS : COPY_IDLE_MS;
  opened.timer = setTimeout(() => void retire(opened), idleMs);
  opened.timer.unref();
}

/** For nobody new: gone as soon as nobody asks it. */
async function retire(opened: Opened): Promise<void> {
  if (opened.isOld) return;
  opened.isOld = true;
  clearTimeout(opened.timer);
  if (opened.users === 0) await drop(opened);
}

async function drop({ warehouse, folder }: Opened): Promise<void> {
  await warehouse.close();
  // What stays is swept by the next reader.
  if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

interface Place {
  readonly url: string;
  readonly file: string;
  readonly bytesMax: number;
}

async function open(place: Place, options: DuckDbReaderOptions): Promise<Opened> {
  const signature = await signatureOf(place);
  const copy = await copyOf(place).catch((error: unknown) => {
    if (CANNOT_COPY.test(String((error as NodeJS.ErrnoException).code))) return undefined;
    throw error;
  });
  try {
    const warehouse = await openDuckDb(`duckdb:${copy?.path ?? place.file}`, { ...options, readOnly: true });
    const rest = { folder: copy?.folder, users: 0, isOld: false, timer: undefined };
    const opened: Opened = { warehouse, signature: copy?.signature ?? signature, isFresh: true, ...rest };
    const ageing = setTimeout(
      () => Object.assign(opened, { isFresh: false }),
      (copy?.bytes ?? 0) / COPY_BYTES_PER_MS,
    );
    ageing.unref();
    return opened;
  } catch (error) {
    if (copy !== undefined) await rm(copy.folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * A copy of the file and of its log, of one moment: neither has changed from before it was begun until after it was done. That is
 * what a process finds that opens the file after its writer was killed, and DuckDB reads it.
 */
async function copyOf(place: Place) {
  await sweep(place.file);
  for (let nth = 0; nth < COPIES_MAX; nth += 1) {
    const before = await signatureOf(place);
    await sleep(QUIET_MS);
    if ((await signatureOf(place)) !== before) continue;
    const bytes = (await stat(place.file)).size;
    if (bytes > place.bytesMax) return undefined;
    const folder = await mkdtemp(`${place.file}.reading-${process.pid}-`);
    const path = join(folder, 'copy.duckdb');
    try {
      await copyFile(place.file, path, constants.COPYFILE_FICLONE);
      await copyFile(`${place.file}.wal`, `${path}.wal`, constants.COPYFILE_FICLONE).catch(ignoreMissing);
      if ((await signatureOf(place)) === before) return { folder, path, bytes, signature: before };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    await rm(folder, { recursive: true, force: true });
  }
  throw new SamovarError(
    'conflict',
    `${place.url} is being written all the time: there is no moment to read it`,
    {
      subject: place.url,
      remedy: 'Wait for the load that is under way.',
    },
  );
}

/** What tells one state of the file and its log from another. */
async function signatureOf({ url, file }: Place): Promise<string> {
  const parts = await Promise.all(
    [file, `${file}.wal`].map((path) => stat(path, { bigint: true }).catch(ignoreMissing)),
  );
  if (parts[0] === undefined)
    throw new SamovarError('missing', `${url}: there is no such file yet`, {
      subject: url,
      remedy: 'Run `./runner.sh --once` or `samovar update` to fill it, or name another with --warehouse.',
    });
  return parts.map((one) => (one ? `${one.ino} ${one.size} ${one.mtimeNs} ${one.ctimeNs}` : '-')).join(' ');
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Copies of readers that were killed. */
async function sweep(file: string): Promise<void> {
  const prefix = `${basename(file)}.reading-`;
  const names = await readdir(dirname(file)).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || isAlive(Number.parseInt(name.slice(prefix.length), 10))) continue;
    await rm(join(dirname(file), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
