import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import { SamovarError } from '../errors.ts';

const IN_MEMORY = ':memory:';

export interface DiskSpace {
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

export interface Headroom {
  readonly diskFreeBytes: number;
  readonly diskSizeBytes: number;
  /** Absent where no open database was given. */
  readonly pagesLeft?: number;
}

/** How much more fits: on the disk of the database `file`, and under SQLite's limit. Throws `storage`. */
export async function headroomOf(file: string, db?: Database): Promise<Headroom> {
  const { freeBytes, sizeBytes } = await diskSpace(file);
  const disk = { diskFreeBytes: freeBytes, diskSizeBytes: sizeBytes };
  return db === undefined ? disk : { ...disk, pagesLeft: pagesLeft(db) };
}

/** Pages the database may still grow by before SQLite's own limit ends it; infinite for one in memory. */
export function pagesLeft(db: Database): number {
  if (db.memory) return Number.POSITIVE_INFINITY;
  const limit = Number(db.pragma('max_page_count', { simple: true }));
  const used = Number(db.pragma('page_count', { simple: true }));
  return limit - used;
}

/** Free bytes of the disk that a database is on, for this user; infinite for one in memory. Throws `storage`. */
export async function diskFreeBytes(file: string): Promise<number> {
  return (await diskSpace(file)).freeBytes;
}

/** Of the disk that a database is on; infinite for one in memory. Throws `storage`. */
export async function diskSpace(file: string): Promise<DiskSpace> {
  if (file === IN_MEMORY) return { freeBytes: Number.POSITIVE_INFINITY, sizeBytes: Number.POSITIVE_INFINITY };
  const folder = dirname(file);
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch (cause) {
    throw new SamovarError('storage', `cannot tell the free space of ${folder}`, {
      subject: file,
      remedy: 'Check that the folder exists and can be read.',
      cause,
    });
  }
}
