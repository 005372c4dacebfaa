import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildFiles } from './build-files.ts';

/** Writes whole folders and files into a directory, so that whoever looks sees all of one or nothing. */
export interface DemoWriter {
  /** True when the folder was not there before. */
  writeFolder(folder: string, files: BuildFiles): Promise<boolean>;
  /** Adds what is missing to a folder that is there; the entries come whole, in the order of `files`. */
  completeFolder(folder: string, files: BuildFiles): Promise<void>;
  writeFile(file: string, content: string): Promise<void>;
  /** Removes what an interrupted run left half-written. */
  clean(): Promise<void>;
}

/** Half-written things wait here, on the same disk and outside both buckets. */
const WAITING = '.samovar-tmp-demo';

export function createWriter(dir: string): DemoWriter {
  const waiting = join(dir, WAITING);
  let count = 0;
  const fresh = () => {
    count += 1;
    return join(waiting, String(count));
  };
  return {
    writeFolder: async (folder, files) => {
      const target = join(dir, folder);
      if (await exists(target)) return false;
      const temporary = fresh();
      for (const [name, content] of files) await put(join(temporary, name), content);
      await mkdir(dirname(target), { recursive: true });
      await rename(temporary, target);
      return true;
    },
    completeFolder: async (folder, files) => {
      const temporary = fresh();
      for (const [name, content] of files) await put(join(temporary, name), content);
      for (const entry of new Set([...files.keys()].map((name) => name.split('/')[0] ?? name))) {
        const target = join(dir, folder, entry);
        if (!(await exists(target))) await rename(join(temporary, entry), target);
      }
      await rm(temporary, { recursive: true, force: true });
    },
    writeFile: async (file, content) => {
      const temporary = fresh();
      await put(temporary, content);
      await mkdir(dirname(join(dir, file)), { recursive: true });
      await rename(temporary, join(dir, file));
    },
    clean: () => rm(waiting, { recursive: true, force: true }),
  };
}

async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
