import { readdir, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import type { CallOptions } from './contract.ts';
import { fileError, throwIfAborted } from './file-errors.ts';
import { TEMPORARY_PREFIX } from './file-generation.ts';
import { isAbsence, type Root, realInside } from './file-root.ts';
import { compareNames } from './order.ts';

export interface WalkOptions extends CallOptions {
  readonly prefix: string;
  readonly delimited: boolean;
  /** Inclusive. */
  readonly startOffset?: string;
  /** Exclusive. */
  readonly endOffset?: string;
  /** Only what comes after this name: where the page before ended. */
  readonly after?: string;
}

/** An object's or a folded prefix's full name; a prefix ends in `/`. */
export interface Found {
  readonly name: string;
  readonly path: string;
}

/** A directory on the way down. */
interface Place {
  /** Its name with the trailing slash; '' is the root. */
  readonly name: string;
  readonly path: string;
  /** Real paths from the root to here: a link to one of them would go round for ever. */
  readonly trail: readonly string[];
}

interface Child extends Place {
  readonly isDirectory: boolean;
}

/**
 * Objects and folded prefixes in byte order. Directories sort with their slash, because `a-b` stands before `a/b`; those
 * that hold nothing wanted are not opened. Memory is that of the directories on the way down, not of the tree.
 */
export async function* walk(root: Root, options: WalkOptions): AsyncGenerator<Found> {
  const name = options.prefix.slice(0, options.prefix.lastIndexOf('/') + 1);
  // No object has an empty or dotted part, so nothing can be under such a prefix.
  if (/(^|\/)\.{0,2}\//.test(name) || name.includes('\0')) return;
  const path = root.path + sep + name;
  const real = await realInside(root, path).catch((error: unknown) => {
    throw fileError(`${root.url}/${name}`, 'listed', error);
  });
  if (real !== undefined) yield* walkPlace(root, { name, path: real, trail: [real] }, options);
}

async function* walkPlace(root: Root, place: Place, options: WalkOptions): AsyncGenerator<Found> {
  throwIfAborted(`${root.url}/${place.name}`, options);
  for (const child of await childrenOf(root, place)) {
    if (options.endOffset !== undefined && compareNames(child.name, options.endOffset) >= 0) return;
    if (!child.isDirectory) {
      if (isWanted(child.name, options)) yield child;
    } else if (
      options.delimited &&
      child.name.length > options.prefix.length &&
      child.name.startsWith(options.prefix)
    ) {
      if (isWanted(child.name, options) && (await holdsObjects(root, child))) yield child;
    } else if (mayHoldWanted(child.name, options)) {
      yield* walkPlace(root, child, options);
    }
  }
}

function isWanted(name: string, { prefix, startOffset, after }: WalkOptions): boolean {
  if (!name.startsWith(prefix)) return false;
  if (startOffset !== undefined && compareNames(name, startOffset) < 0) return false;
  return after === undefined || compareNames(name, after) > 0;
}

/** Whether names that begin with `directory` can be wanted. */
function mayHoldWanted(directory: string, { prefix, startOffset = '', after = '' }: WalkOptions): boolean {
  if (!directory.startsWith(prefix) && !prefix.startsWith(directory)) return false;
  return [startOffset, after].every(
    (from) => from.startsWith(directory) || compareNames(directory, from) >= 0,
  );
}

/** Empty directories are no prefixes: object storage has none. One that may not be read counts as full, so that listing it tells. */
async function holdsObjects(root: Root, place: Place): Promise<boolean> {
  try {
    for await (const _ of walkPlace(root, place, { prefix: place.name, delimited: false })) return true;
    return false;
  } catch {
    return true;
  }
}

async function childrenOf(root: Root, place: Place): Promise<Child[]> {
  const subject = `${root.url}/${place.name}`;
  const entries = await readdir(place.path, { withFileTypes: true }).catch((error: unknown) => {
    if (isAbsence(error)) return [];
    throw fileError(subject, 'listed', error);
  });
  const children: Child[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(TEMPORARY_PREFIX)) continue;
    const path = place.path + sep + entry.name;
    const name = place.name + entry.name;
    if (entry.isFile()) children.push({ name, path, trail: place.trail, isDirectory: false });
    else if (entry.isDirectory())
      children.push({ name: `${name}/`, path, trail: [...place.trail, path], isDirectory: true });
    else if (entry.isSymbolicLink()) {
      const child = await followLink(root, place, name, path);
      if (child !== undefined) children.push(child);
    }
  }
  return children.sort((a, b) => compareNames(a.name, b.name));
}

/** Links inside the bucket are followed; those that lead out, nowhere or back up are as if they were not there. */
async function followLink(root: Root, place: Place, name: string, path: string): Promise<Child | undefined> {
  try {
    const real = await realInside(root, path);
    if (real === undefined) return undefined;
    const target = await stat(real);
    if (target.isFile()) return { name, path: real, trail: place.trail, isDirectory: false };
    if (!target.isDirectory() || place.trail.includes(real)) return undefined;
    return { name: `${name}/`, path: real, trail: [...place.trail, real], isDirectory: true };
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw fileError(`${root.url}/${name}`, 'listed', error);
  }
}
