import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';

/** Pages the database may still grow by before SQLite's own limit ends it. */
export function pagesLeft(db: Database): number {
  const limit = Number(db.pragma('max_page_count', { simple: true }));
  const used = Number(db.pragma('page_count', { simple: true }));
  return limit - used;
}

/** Free bytes of the disk that a database is on, for this user; infinite for one in memory. */
export async function diskFreeBytes(file: string): Promise<number> {
  if (file === ':memory:') return Number.POSITIVE_INFINITY;
  const { bavail, bsize } = await statfs(dirname(file));
  return bavail * bsize;
}
