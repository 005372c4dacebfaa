import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { SamovarError } from '../../errors.ts';
import { errnoOf } from './file-errors.ts';
import { TEMPORARY_PREFIX } from './file-generation.ts';

/** As Google's. */
const NAME_BYTES_MAX = 1024;

/** The directory that is a bucket. */
export interface Root {
  readonly url: string;
  /** Absolute. */
  readonly path: string;
}

export function openRoot(place: string, url: string): Root {
  return { url, path: resolve(place) };
}

/** The path of an object. Throws `refused` for names that are no plain relative path: `..`, `.`, empty parts, NUL, too long. */
export function pathOf(root: Root, name: string): string {
  const parts = name.split('/');
  const bad = parts.find(
    (part) => part === '' || part === '.' || part === '..' || part.startsWith(TEMPORARY_PREFIX),
  );
  const long =
    Buffer.byteLength(name) > NAME_BYTES_MAX || parts.some((part) => Buffer.byteLength(part) > 255);
  if (bad === undefined && !long && !name.includes('\0')) return `${root.path}${sep}${parts.join(sep)}`;
  const shown = JSON.stringify(name.slice(0, 200));
  const why = long ? 'it is too long' : `its part ${JSON.stringify(bad ?? '\0')} cannot be a file's`;
  throw new SamovarError('refused', `${root.url}: ${shown} cannot name an object in a directory: ${why}`, {
    subject: `${root.url}/${name}`,
  });
}

/** The real path behind `path`; undefined when there is nothing, or when a link leads out of the bucket. */
export async function realInside(root: Root, path: string): Promise<string | undefined> {
  try {
    const [rootReal, real] = await Promise.all([realpath(root.path), realpath(path)]);
    const base = rootReal.endsWith(sep) ? rootReal : rootReal + sep;
    return real === rootReal || real.startsWith(base) ? real : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** True when the error says that no file is there: a part is missing, is no directory, is too long, or links in a circle. */
export function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(errnoOf(error));
}
