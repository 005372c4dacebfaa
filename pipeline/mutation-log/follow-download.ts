import { SamovarError } from '../errors.ts';
import { type FollowCache, hashFile, writePart } from './follow-cache.ts';
import { type FollowedSegment, historySplit, type RemoteSegment } from './follow-history.ts';
import type { FollowHttp } from './follow-http.ts';

export interface Download {
  readonly url: string;
  readonly http: FollowHttp;
  readonly cache: FollowCache;
  readonly retry: <T>(attempt: () => Promise<T>, signal?: AbortSignal) => Promise<T>;
  readonly signal: AbortSignal | undefined;
}

export interface SegmentState {
  /** It is the last one. */
  readonly growing: boolean;
  /** What it was before. */
  readonly known: FollowedSegment | undefined;
}

/**
 * Brings one segment to this machine: only the bytes that are missing, checked by the hash of all of them. Where bytes that were
 * there already do not fit, it is read once more as a whole. Throws `malformed` when the server's bytes do not have the hash its list
 * says, `conflict` when the segment does not begin with what was known of it.
 */
export async function downloadSegment(
  download: Download,
  segment: RemoteSegment,
  { growing, known }: SegmentState,
): Promise<void> {
  const { cache, retry, signal } = download;
  for (let base = known, whole = false; ; base = undefined, whole = true) {
    let reused = 0;
    const file = await retry(async () => {
      const part = await cache.begin(segment, base);
      reused = Math.max(reused, part.bytes);
      if (part.bytes < segment.size) await fetchRest(download, segment, part);
      return part.file;
    }, signal);
    const isRight = (await hashFile(file)).digest('hex') === segment.sha224;
    if (isRight) {
      await assertBegins(download, segment, known, file);
      return cache.finish({ file, bytes: segment.size }, segment, growing);
    }
    await cache.drop(file);
    if (whole || reused === 0) throw corrupt(segment);
  }
}

async function fetchRest(
  { http, signal }: Download,
  segment: RemoteSegment,
  part: { readonly file: string; readonly bytes: number },
): Promise<void> {
  const { size, url } = segment;
  const range = { start: part.bytes, end: size };
  const take = async (body: AsyncIterable<Uint8Array>, start: number) => {
    const end = await writePart(part.file, { start, size }, body);
    if (end < size)
      throw new SamovarError('network', `${url} ended after ${end} of ${size} bytes`, { subject: url });
  };
  await http.bytes(segment, range, take, signal);
}

/** A hash that fits says only what the server has now; it must also be what it had. */
async function assertBegins(
  { url, cache }: Download,
  segment: RemoteSegment,
  known: FollowedSegment | undefined,
  file: string,
): Promise<void> {
  if (known === undefined) return;
  const begin = (await hashFile(file, known.size)).digest('hex');
  if (begin === known.sha224) return;
  await cache.drop(file);
  throw historySplit(url, segment.number, 'does not begin as it did');
}

function corrupt({ url, sha224 }: RemoteSegment): SamovarError {
  return new SamovarError(
    'malformed',
    `corrupt download: the bytes at ${url} do not have the hash ${sha224}`,
    {
      subject: url,
      remedy: 'Try again; if it stays so, the server or a proxy before it is broken.',
    },
  );
}
