import type { BigIntStats } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SamovarError } from '../../errors.ts';
import type { RemoveOptions, WriteOptions } from './contract.ts';
import { errnoOf, fileError, throwIfAborted } from './file-errors.ts';
import { generationOf, TEMPORARY_PREFIX } from './file-generation.ts';
import { isAbsence, pathOf, type Root, realInside } from './file-root.ts';

export interface FileWriter {
  write(name: string, bytes: Uint8Array, call: WriteOptions): Promise<string>;
  remove(name: string, call: RemoveOptions): Promise<void>;
}

/**
 * What changes one bucket. Writing: temporary name, fsync, rename, fsync of the directory. Changes to one name take turns within
 * this process, so `ifGeneration` is exact here; between processes only `'0'` (create) is, because it links.
 */
export function createWriter(root: Root): FileWriter {
  const turns = new Map<string, Promise<unknown>>();
  let count = 0;
  const inTurn = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const before = turns.get(name) ?? Promise.resolve();
    const turn = before.then(work, work);
    turns.set(name, turn);
    try {
      return await turn;
    } finally {
      if (turns.get(name) === turn) turns.delete(name);
    }
  };
  return {
    write: async (name, bytes, call) => {
      throwIfAborted(`${root.url}/${name}`, call);
      const path = pathOf(root, name);
      return inTurn(name, () => replace(root, name, path, bytes, call, () => count++));
    },
    remove: async (name, call) => {
      throwIfAborted(`${root.url}/${name}`, call);
      const path = pathOf(root, name);
      return inTurn(name, () => discard(root, name, path, call.ifGeneration));
    },
  };
}

async function discard(
  root: Root,
  name: string,
  path: string,
  ifGeneration: string | undefined,
): Promise<void> {
  const subject = `${root.url}/${name}`;
  try {
    const directory = await realInside(root, dirname(path));
    if (directory === undefined) return;
    const target = `${directory}${path.slice(dirname(path).length)}`;
    const old = await statOf(target);
    if (old === undefined || !old.isFile()) return;
    refuseConflict(subject, old, ifGeneration);
    await rm(target, { force: true });
    await syncDirectory(directory);
  } catch (error) {
    throw fileError(subject, 'removed', error);
  }
}

async function replace(
  root: Root,
  name: string,
  path: string,
  bytes: Uint8Array,
  call: WriteOptions,
  nextCount: () => number,
): Promise<string> {
  const subject = `${root.url}/${name}`;
  let temporary: string | undefined;
  try {
    const directory = await ensureDirectory(root, dirname(path), subject);
    const target = `${directory}${path.slice(dirname(path).length)}`;
    const old = await statOf(target);
    refuseConflict(subject, old, call.ifGeneration);
    const opened = await openTemporary(directory, nextCount);
    temporary = opened.path;
    const generation = await fill(opened.handle, bytes, old);
    throwIfAborted(subject, call);
    if (call.ifGeneration === '0') await link(temporary, target);
    else await rename(temporary, target);
    await syncDirectory(directory);
    return generation;
  } catch (error) {
    throw errnoOf(error) === 'EEXIST' && call.ifGeneration === '0'
      ? conflict(subject, 'it exists')
      : fileError(subject, 'written', error);
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true });
  }
}

/** Makes the directories a name needs, one at a time, so that none is made behind a link that leads out. */
async function ensureDirectory(root: Root, path: string, subject: string): Promise<string> {
  if (path.length <= root.path.length) await mkdir(root.path, { recursive: true });
  const real = await realInside(root, path);
  if (real !== undefined) return real;
  if (await isTaken(path)) {
    // Another write may have made it between the two looks.
    const made = await realInside(root, path);
    if (made !== undefined) return made;
    throw new SamovarError(
      'refused',
      `${subject}: could not be written, a link on its path leads out of the bucket or nowhere`,
      { subject },
    );
  }
  const parent = await ensureDirectory(root, dirname(path), subject);
  await mkdir(parent + path.slice(dirname(path).length)).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  return ensureDirectory(root, path, subject);
}

/** The name holds the process id, so that two processes differ; a file left by a dead one only makes us count on. */
async function openTemporary(
  directory: string,
  nextCount: () => number,
): Promise<{ path: string; handle: FileHandle }> {
  for (;;) {
    const path = `${directory}/${TEMPORARY_PREFIX}${process.pid}-${nextCount()}`;
    try {
      return { path, handle: await open(path, 'wx') };
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** Two writes in one tick of the file system's clock would share a time; the later one is moved on by a millisecond. */
async function fill(handle: FileHandle, bytes: Uint8Array, old: BigIntStats | undefined): Promise<string> {
  try {
    await handle.writeFile(bytes);
    const { mtimeNs } = await handle.stat({ bigint: true });
    if (old !== undefined && mtimeNs <= old.mtimeNs) {
      const nextS = (Number(old.mtimeNs / 1_000_000n) + 2) / 1000;
      await handle.utimes(nextS, nextS);
    }
    await handle.sync();
    return generationOf(await handle.stat({ bigint: true }));
  } finally {
    await handle.close();
  }
}

function refuseConflict(
  subject: string,
  old: BigIntStats | undefined,
  ifGeneration: string | undefined,
): void {
  if (ifGeneration === undefined) return;
  const found = old === undefined ? '0' : generationOf(old);
  if (found !== ifGeneration)
    throw conflict(subject, found === '0' ? 'it does not exist' : `it has generation ${found}`);
}

function conflict(subject: string, seen: string): SamovarError {
  return new SamovarError('conflict', `${subject}: not written, somebody was faster: ${seen}`, { subject });
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** True for a link too, whatever is behind it. */
async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/** Makes the rename itself last through a power cut. Some file systems refuse it; then there is nothing more to do. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}
