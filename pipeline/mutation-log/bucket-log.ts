import { createHash } from 'node:crypto';
import type { Bucket, CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { readRecords } from '../records/mutation/framing.ts';
import { findSegments, type SegmentObject } from './bucket-segments.ts';
import type { LogPosition, LogRecord, LogSegment, LogSource } from './contract.ts';

/** How often a segment is looked for again that was there when the log was listed: its writer may just have replaced it. */
const LOOKS_MAX = 3;

/** A log in a bucket, to read. `prefix` ends with a slash. */
export function openBucketLog(bucket: Bucket, prefix: string): LogSource {
  const url = `${bucket.url}/${prefix}`;
  return {
    url,
    segments: async (options = {}) => {
      const { segments } = await findSegments(bucket, prefix, options);
      return segments.map((segment, at) => logSegment(segment, at === segments.length - 1));
    },
    read: (options = {}) => readLog(bucket, prefix, options),
  };
}

export function logSegment({ number, size, sha224, object }: SegmentObject, growing: boolean): LogSegment {
  return { number, size, sha224, name: object, growing };
}

async function* readLog(
  bucket: Bucket,
  prefix: string,
  { from, ...call }: CallOptions & { readonly from?: LogPosition },
): AsyncGenerator<LogRecord> {
  let next = from ?? { segment: 0, offset: 0 };
  for (let looks = 0; ; looks += 1) {
    const { segments } = await findSegments(bucket, prefix, call);
    assertHas(segments, next, `${bucket.url}/${prefix}`);
    let gone = false;
    for (const segment of segments.filter(({ number }) => number >= next.segment)) {
      const begin = segment.number === next.segment ? next.offset : 0;
      for await (const record of readSegment(bucket, segment, begin, call)) {
        if (record === 'gone') {
          gone = true;
          break;
        }
        next = { segment: segment.number, offset: record.end };
        yield record;
      }
      if (gone) break;
      next = { segment: segment.number + 1, offset: 0 };
    }
    if (!gone) return;
    if (looks === LOOKS_MAX) throw vanished(`${bucket.url}/${prefix}`);
  }
}

/** All of a segment is read and hashed, whatever the beginning; records from there on are given. `'gone'`: it is not there. */
export async function* readSegment(
  bucket: Bucket,
  { number, object, sha224 }: SegmentObject,
  begin: number,
  call: CallOptions,
): AsyncGenerator<LogRecord | 'gone'> {
  const name = `${bucket.url}/${object}`;
  const stream = await bucket.stream(object, call);
  if (stream === undefined) {
    yield 'gone';
    return;
  }
  const hash = createHash('sha224');
  let reached = begin === 0;
  for await (const { offset, end, payload } of readRecords(hashed(stream.body, hash), { name })) {
    if (offset >= begin) {
      if (!reached && offset !== begin) throw split(name, begin);
      reached = true;
      yield { segment: number, offset, end, payload };
    } else if (end === begin) reached = true;
  }
  if (!reached) throw split(name, begin);
  const found = hash.digest('hex');
  if (found === sha224) return;
  throw new SamovarError('malformed', `${name} has the hash ${found}, not that of its name`, {
    subject: name,
    remedy: 'Bring it back from a copy, or run `samovar mutation-log repair`.',
  });
}

export async function* hashed(
  body: AsyncIterable<Uint8Array>,
  hash: { update(chunk: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Throws where a reader has been further than the log goes. */
export function assertHas(
  segments: readonly { readonly number: number; readonly size: number }[],
  { segment, offset }: LogPosition,
  name: string,
): void {
  const last = segments.at(-1);
  if (segment === 0 && offset === 0) return;
  if (last !== undefined && segment === last.number + 1 && offset === 0) return;
  const mine = segments.find(({ number }) => number === segment);
  if (mine === undefined || offset > mine.size) throw split(`${name} segment ${segment}`, offset);
}

export function split(name: string, offset: number): SamovarError {
  return new SamovarError('conflict', `${name} has no record that begins or ends at byte ${offset}`, {
    subject: name,
    remedy: 'It is not the log that was read before: read all of it anew (replay with --rebuild).',
  });
}

function vanished(name: string): SamovarError {
  return new SamovarError('unavailable', `${name}: a segment goes away again and again while it is read`, {
    subject: name,
  });
}
