import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SamovarError } from '../errors.ts';

/** A file of records in a folder: of maintner's disk form, what was logged on one day of UTC; or a segment of a writer's own. */
export interface DayFile {
  /** The day as a number, so that segments have the order of their days: 20261121; or the segment's. */
  readonly number: number;
  readonly name: string;
  readonly path: string;
  /** In bytes, when it was listed. */
  readonly size: number;
}

const NAME = /^maintner-(\d{4})-(\d{2})-(\d{2})\.mutlog$/;
/** What maintner replays, in the order of names. */
const REPLAYED = /^maintner-.*\.mutlog$/;
const DAY_CHARS = 10;

/** `maintner-2026-11-21.mutlog` */
export function dayFileName(ms: number): string {
  return `maintner-${new Date(ms).toISOString().slice(0, DAY_CHARS)}.mutlog`;
}

/** Undefined for what is no daily file. */
export function dayNumber(name: string): number | undefined {
  const [, year = '', month = '', day = ''] = NAME.exec(name) ?? [];
  return year === '' ? undefined : Number(`${year}${month}${day}`);
}

/**
 * Daily files in order; none where there is no folder. Throws `config` for a file that maintner would replay and whose name has no day:
 * where in the log its records belong is not known.
 */
export async function listDayFiles(folder: string): Promise<readonly DayFile[]> {
  const names = await namesIn(folder);
  const files: DayFile[] = [];
  for (const name of names.filter((one) => REPLAYED.test(one)).sort()) {
    const number = dayNumber(name);
    const path = join(folder, name);
    if (number === undefined) {
      throw new SamovarError('config', `${path} is named like a file of a log, but not after a day`, {
        subject: path,
        remedy: 'Name it maintner-YYYY-MM-DD.mutlog, or take it out of the folder.',
      });
    }
    files.push({ number, name, path, size: (await stat(path)).size });
  }
  return files;
}

const WAL_FILE = /^(\d{4,})\.mutlog$/;

/** Segments that a writer keeps until the bucket has them, in order; none where there is no folder. */
export async function listWalFiles(folder: string): Promise<readonly DayFile[]> {
  const files: DayFile[] = [];
  for (const name of await namesIn(folder)) {
    const [, digits] = WAL_FILE.exec(name) ?? [];
    const path = join(folder, name);
    if (digits !== undefined)
      files.push({ number: Number(digits), name, path, size: (await stat(path)).size });
  }
  return files.sort((a, b) => a.number - b.number);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw folderError(folder, 'listed', error);
  });
}

/** Bytes of a file from `start` on, not further than it went when it was listed: a record may be on its way behind that. */
export async function* fileBytes({ path, size }: DayFile, start = 0): AsyncGenerator<Uint8Array> {
  if (start >= size) return;
  try {
    yield* createReadStream(path, { start, end: size - 1 }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw folderError(path, 'read', error as NodeJS.ErrnoException);
  }
}

export function folderError(path: string, done: string, cause: NodeJS.ErrnoException): SamovarError {
  return new SamovarError('storage', `${path} could not be ${done} (${cause.code ?? cause.message})`, {
    subject: path,
    remedy: 'Check that it exists, that its disk has room, and that this user may use it.',
    cause,
  });
}
