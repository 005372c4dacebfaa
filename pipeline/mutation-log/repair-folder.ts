import { readFile, truncate } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { damageOf } from './check.ts';
import { type FolderOptions, scanFolder } from './check-folder.ts';
import type { DayFile } from './folder-files.ts';
import { lockFolder } from './folder-lock.ts';
import { folderUrl } from './folder-log.ts';
import { asideName, putAside } from './quarantine-file.ts';
import type { RepairResult, RepairStep } from './repair.ts';

/**
 * Cuts each file of a folder (daily ones, or those of `list`) behind its last good record; the rest is kept in `quarantine/`. Nothing is done to files that are whole. Throws
 * `conflict` while a writer has the folder.
 */
export async function repairFolder(
  folder: string,
  { dryRun, ...call }: FolderOptions & { readonly dryRun: boolean },
): Promise<RepairResult> {
  const unlock = dryRun ? async () => undefined : await lockFolder(folder);
  try {
    const steps: RepairStep[] = [];
    for await (const { file, scan } of scanFolder(folder, call)) {
      for (const finding of damageOf(file.path, file.number, scan)) {
        const quarantine = dryRun
          ? join(folder, 'quarantine', asideName(basename(file.path), scan.good))
          : await cut(file, scan.good);
        const action = `cut behind its ${scan.records} good records, at byte ${scan.good}`;
        steps.push({ finding, action, quarantine, bytes: scan.bytes - scan.good });
      }
    }
    return { url: folderUrl(folder), dryRun, steps };
  } finally {
    await unlock();
  }
}

/** Kept elsewhere first: a kill in between leaves the bytes in both places. */
async function cut({ path }: DayFile, good: number): Promise<string> {
  const bytes = await readFile(path);
  const aside = await putAside(path, good, bytes.subarray(good));
  await truncate(path, good);
  return aside;
}
