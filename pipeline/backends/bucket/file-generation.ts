import type { BigIntStats } from 'node:fs';

/** Start of the names of files still being written; such files are invisible. */
export const TEMPORARY_PREFIX = '.samovar-tmp-';

/** Opaque: time of the last write, size and inode. Writes of ours always move the time forward (file-write.ts). */
export function generationOf(stats: BigIntStats): string {
  return `${stats.mtimeNs}-${stats.size}-${stats.ino}`;
}
