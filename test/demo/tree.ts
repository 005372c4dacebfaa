import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Every file under a directory by its relative name. */
export async function readTree(dir: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = await Promise.all(
    files.map(async (file) => [file.slice(dir.length + 1), await readFile(file, 'latin1')] as const),
  );
  return new Map(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Folders of builds: those that hold a started.json. */
export function buildFolders(tree: ReadonlyMap<string, string>): readonly string[] {
  return [...tree.keys()]
    .filter((name) => name.endsWith('/started.json'))
    .map((name) => name.slice(0, -'/started.json'.length));
}
