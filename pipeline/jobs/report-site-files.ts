import {
  access,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SamovarError } from '../errors.ts';

/** What is the report's in a folder: only that is ever replaced or removed. */
const MANIFEST = '.samovar-report.json';
const WAITING = '.samovar-report-new-';
const LEFT_AFTER_MS = 3_600_000;
const FILE = /^(index|jobs|tests|clusters)\.html$|^(job|test|build|cluster|assets)\/[\w.-]+$/;

export interface SiteFiles {
  /** Beside what is there: nobody sees it yet. */
  add(file: string, text: string): Promise<void>;
  /** Moves everything in place, and takes away what an earlier report had and this one has not. */
  finish(): Promise<{ readonly files: number; readonly bytes: number; readonly removed: number }>;
  /** Forgets what was added. */
  drop(): Promise<void>;
}

/** Files of a site on their way into a folder, which is made where it is not there. Refuses a folder with others' pages in the way. */
export async function openSiteFiles(folder: string, nowMs: number): Promise<SiteFiles> {
  const made = await mkdir(folder, { recursive: true });
  await assertOurs(folder);
  await removeLeftOver(folder, nowMs);
  const waiting = await mkdtemp(join(folder, WAITING));
  const drop = async () => {
    await rm(waiting, { recursive: true, force: true });
    // A folder that nobody had is not left behind empty; one that somebody uses by now is.
    if (made !== undefined) await rmdir(folder).catch(() => undefined);
  };
  const added: string[] = [];
  const folders = new Set<string>();
  let bytes = 0;
  return {
    add: async (file, text) => {
      const path = join(waiting, file);
      await makeOnce(dirname(path), folders);
      await writeFile(path, text);
      added.push(file);
      bytes += Buffer.byteLength(text);
    },
    finish: async () => {
      const removed = await moveIn(folder, waiting, added);
      await rm(waiting, { recursive: true, force: true });
      return { files: added.length, bytes, removed };
    },
    drop,
  };
}

async function moveIn(folder: string, waiting: string, added: readonly string[]): Promise<number> {
  const now = new Set(added);
  const stale = (await readManifest(folder)).filter((file) => !now.has(file));
  // Whoever stops this: the next run knows both what was and what came.
  await writeManifest(folder, [...added, ...stale]);
  const folders = new Set<string>();
  // Assets first and the first page last: what is there meanwhile leads nowhere that is not there yet.
  const order = (file: string) =>
    file.startsWith('assets/') ? 0 : file.includes('/') ? 1 : file === 'index.html' ? 3 : 2;
  for (const file of [...added].sort((a, b) => order(a) - order(b))) {
    await makeOnce(dirname(join(folder, file)), folders);
    await rename(join(waiting, file), join(folder, file));
  }
  for (const file of stale) await rm(join(folder, file), { force: true });
  await writeManifest(folder, added);
  return stale.length;
}

async function makeOnce(folder: string, made: Set<string>): Promise<void> {
  if (made.has(folder)) return;
  await mkdir(folder, { recursive: true });
  made.add(folder);
}

async function readManifest(folder: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  try {
    const { files } = JSON.parse(text) as { files?: unknown };
    // Somebody may have written into it: nothing outside is ours.
    return Array.isArray(files) ? files.filter((file) => typeof file === 'string' && FILE.test(file)) : [];
  } catch {
    return [];
  }
}

async function writeManifest(folder: string, files: readonly string[]): Promise<void> {
  const path = join(folder, MANIFEST);
  await writeFile(
    `${path}.new`,
    `${JSON.stringify({ about: 'Files that samovar report wrote', files }, null, 1)}\n`,
  );
  await rename(`${path}.new`, path);
}

/** Another site's index.html is not replaced: it would be lost. */
async function assertOurs(folder: string): Promise<void> {
  const ours = await readManifest(folder);
  for (const file of ['index.html', 'jobs.html', 'tests.html', 'clusters.html']) {
    if (ours.includes(file) || !(await isThere(join(folder, file)))) continue;
    throw new SamovarError('config', `${folder} holds a ${file} that is not a report's: it would be lost`, {
      subject: folder,
      remedy: 'Give --out a folder of its own, or move that file away.',
    });
  }
}

/** Of a run that was stopped hard. One that runs now is younger. */
async function removeLeftOver(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(WAITING)) continue;
    const { mtimeMs } = await stat(join(folder, name));
    if (nowMs - mtimeMs > LEFT_AFTER_MS) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
