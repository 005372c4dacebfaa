import { createHash } from 'node:crypto';
import type { CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import type { FoundLog, SegmentObject } from '../mutation-log/bucket-segments.ts';
import { type BucketPlace, urlOf } from './mutation-copy-hold.ts';

/**
 * What a destination is to a source: `new`: it has nothing; `same`; `behind`: it has the source's beginning; `ahead`: it has all of the
 * source, and more; `split`: it has other records.
 */
export type CopyState = 'new' | 'same' | 'behind' | 'ahead' | 'split';

export interface Compared {
  readonly state: CopyState;
  /** Of the source, what the destination does not have. */
  readonly missing: readonly SegmentObject[];
}

interface Side {
  readonly place: BucketPlace;
  readonly log: FoundLog;
}

/** Compares two logs by their hashes; bytes are read only where the one's last segment may be the beginning of the other's. */
export async function compareLogs(
  source: Side,
  destination: Side,
  call: CallOptions = {},
): Promise<Compared> {
  const from = source.log.segments;
  const to = destination.log.segments;
  const same = from.findIndex(({ sha224 }, at) => to[at]?.sha224 !== sha224);
  const common = same < 0 ? from.length : same;
  const missing = from.slice(common);
  const theirs = to.slice(common);
  if (to.length === 0) return { state: from.length === 0 ? 'same' : 'new', missing };
  const [mine] = missing;
  const [other] = theirs;
  if (mine === undefined) return { state: other === undefined ? 'same' : 'ahead', missing: [] };
  if (other === undefined) return { state: 'behind', missing };
  const isLast = theirs.length === 1;
  if (isLast && other.size < mine.size && (await begins(source.place, mine, other, call)))
    return { state: 'behind', missing };
  if (missing.length === 1 && other.size > mine.size && (await begins(destination.place, other, mine, call)))
    return { state: 'ahead', missing: [] };
  return { state: 'split', missing };
}

/** Whether the longer segment begins with all of the shorter one. */
async function begins(
  place: BucketPlace,
  longer: SegmentObject,
  shorter: SegmentObject,
  call: CallOptions,
): Promise<boolean> {
  const stream = await place.bucket.stream(longer.object, call);
  if (stream === undefined) throw segmentGone(place, longer);
  const hash = createHash('sha224');
  let left = shorter.size;
  for await (const chunk of stream.body) {
    hash.update(chunk.subarray(0, left));
    left -= Math.min(left, chunk.length);
    if (left === 0) break;
  }
  return hash.digest('hex') === shorter.sha224;
}

export function segmentGone(place: BucketPlace, { object }: SegmentObject): SamovarError {
  return new SamovarError(
    'unavailable',
    `${place.bucket.url}/${object} is gone: its log is being written to`,
    {
      subject: urlOf(place),
      remedy: 'Run it again: what has been copied is not copied again.',
    },
  );
}
