import type { LogSegment } from '../mutation-log/contract.ts';
import type { ServedLog } from './served.ts';

/** From `start`, without the byte at `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const CHUNK_BYTES = 256 * 1024;

/** What a `Range` header asks for. Undefined: all of it (also for several ranges at once); `none`: nothing that is there. */
export function rangeOf(
  header: string | undefined,
  ifRange: string | undefined,
  size: number,
): ByteRange | 'none' | undefined {
  // Bytes have no version here that the condition could be about.
  if (header === undefined || ifRange !== undefined) return undefined;
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim()) ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const bytes = Math.min(Number(last), size);
    return bytes === 0 ? 'none' : { start: size - bytes, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  // A range that ends before it begins is no range: it is passed over, as RFC 9110 has it.
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'none' : { start, end };
}

/** Bytes of a segment, read as the client takes them. */
export function logBody(
  log: ServedLog,
  segment: LogSegment,
  { start, end }: ByteRange,
): ReadableStream<Uint8Array> {
  let at = start;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        if (at < end) {
          const bytes = await log.bytes(segment, { start: at, end: Math.min(at + CHUNK_BYTES, end) });
          if (bytes.length === 0) throw new Error('the segment is shorter than it was');
          at += bytes.length;
          controller.enqueue(bytes);
        }
        if (at >= end) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
