import { mkdir, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Keeps bytes that are taken out of a file, synced, in `quarantine/` beside it; gives the new file's path. Its name does not end as a
 * log's files do, so that nobody replays it.
 */
export async function putAside(path: string, offset: number, bytes: Uint8Array): Promise<string> {
  const folder = join(dirname(path), 'quarantine');
  await mkdir(folder, { recursive: true });
  for (let tries = 0; ; tries += 1) {
    const file = join(folder, asideName(basename(path), offset, tries));
    try {
      const handle = await open(file, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** `maintner-2026-11-21.mutlog.at-1f4`; offsets in hex, as in headers. */
export function asideName(name: string, offset: number, tries = 0): string {
  return `${name}.at-${offset.toString(16)}${tries === 0 ? '' : `.${tries}`}`;
}
