import { SamovarError } from '../errors.ts';
import type { RootRun } from './run.ts';
import type { Candidate } from './sources/candidate.ts';

const POINTER_BYTES_MAX = 8_192;

/**
 * Where a candidate lies in its bucket, without trailing slash. A pointer is read when its metadata did not say. Undefined when
 * the pointer is gone.
 */
export async function placeOf(run: RootRun, candidate: Candidate): Promise<string | undefined> {
  if (candidate.folder !== undefined) return candidate.folder;
  if (candidate.pointer === undefined) return undefined;
  const link = candidate.link ?? (await readPointer(run, candidate.pointer));
  return link === undefined ? undefined : folderOfLink(run, link, candidate.pointer);
}

async function readPointer(run: RootRun, pointer: string): Promise<string | undefined> {
  const read = await run.bucket.read(pointer, { bytesMax: POINTER_BYTES_MAX, signal: run.breaker.signal });
  return read === undefined || read === 'unchanged'
    ? undefined
    : Buffer.from(read.bytes).toString('utf8').trim();
}

/**
 * A link must name a folder of the same bucket. In a `file:` bucket, which may be the copy of another one, the link's own bucket
 * is not looked at.
 */
function folderOfLink(run: RootRun, link: string, pointer: string): string {
  const subject = `${run.bucket.url}/${pointer}`;
  const local = run.bucket.url.startsWith('file:');
  const inside = link.startsWith(`${run.bucket.url}/`)
    ? link.slice(run.bucket.url.length + 1)
    : local
      ? /^[a-z0-9]+:\/\/[^/]+\/(.+)$/.exec(link)?.[1]
      : undefined;
  const folder = inside?.replace(/\/+$/, '');
  if (
    folder === undefined ||
    folder.split('/').some((part) => part === '' || part === '.' || part === '..')
  ) {
    throw new SamovarError(
      'malformed',
      `${subject} does not point to a build of its own bucket, but to "${link.slice(0, 200)}"`,
      { subject },
    );
  }
  return folder;
}
