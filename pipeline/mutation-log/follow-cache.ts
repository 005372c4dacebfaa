import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { FollowedSegment } from './follow-history.ts';
import { paddedNumber, parseSegmentName, segmentName } from './names.ts';

const GROWING = /^(\d{4,})\.growing\.mutlog$/;
const PART = /\.part$/;

/**
 * Segments on this machine's disk, under the names that maintner's own followers use: `NNNN.<sha224>.mutlog`, and
 * `NNNN.growing.mutlog` for the last one. Each of these files is whole and was checked when it got its name; `.part` files are
 * downloads that were cut.
 */
export interface FollowCache {
  readonly folder: string;
  /** What is there, in order and without a gap, from the first one on. */
  scan(): Promise<readonly FollowedSegment[]>;
  fileOf(segment: FollowedSegment, growing: boolean): string;
  /** The file of a download, made from what is known of the segment; gives how many of its bytes are there. */
  begin(segment: FollowedSegment, known: FollowedSegment | undefined): Promise<Part>;
  /** Whether the segment is there under its name. */
  has(segment: FollowedSegment, growing: boolean): Promise<boolean>;
  drop(file: string): Promise<void>;
  /** Gives a download its name, once it is on the disk, and drops what it replaces. */
  finish(part: Part, segment: FollowedSegment, growing: boolean): Promise<void>;
  /** A segment that did not grow but is no longer the last. */
  freeze(segment: FollowedSegment): Promise<void>;
  clear(): Promise<void>;
}

export interface Part {
  readonly file: string;
  readonly bytes: number;
}

export function openCache(folder: string): FollowCache {
  const frozenFile = (segment: FollowedSegment) => join(folder, segmentName(segment));
  const growingFile = (number: number) => join(folder, `${paddedNumber(number)}.growing.mutlog`);
  return {
    folder,
    scan: () => scan(folder),
    fileOf: (segment, growing) => (growing ? growingFile(segment.number) : frozenFile(segment)),
    has: async (segment, growing) =>
      (await sizeOf(growing ? growingFile(segment.number) : frozenFile(segment))) === segment.size,
    drop: (file) => rm(file, { force: true }),
    begin: async (segment, known) => {
      await mkdir(folder, { recursive: true });
      const file = join(folder, `${paddedNumber(segment.number)}.${segment.sha224}.part`);
      const there = await sizeOf(file);
      if (there > segment.size) await truncate(file, segment.size);
      if (there > 0) return { file, bytes: Math.min(there, segment.size) };
      if (known === undefined || (await sizeOf(growingFile(known.number))) !== known.size)
        return { file, bytes: 0 };
      await copyFile(growingFile(known.number), file);
      return { file, bytes: known.size };
    },
    finish: async ({ file }, segment, growing) => {
      await syncFile(file);
      await rename(file, growing ? growingFile(segment.number) : frozenFile(segment));
      if (!growing) await rm(growingFile(segment.number), { force: true });
      await syncFile(folder);
    },
    freeze: (segment) => rename(growingFile(segment.number), frozenFile(segment)),
    clear: async () => {
      for (const name of await names(folder))
        if (parseSegmentName(name) !== undefined || GROWING.test(name) || PART.test(name))
          await rm(join(folder, name));
    },
  };
}

async function scan(folder: string): Promise<readonly FollowedSegment[]> {
  const found = new Map<number, FollowedSegment>();
  for (const name of await names(folder)) {
    const frozen = parseSegmentName(name);
    if (frozen !== undefined) found.set(frozen.number, { ...frozen, size: await sizeOf(join(folder, name)) });
  }
  for (const name of await names(folder)) {
    const number = Number(GROWING.exec(name)?.[1] ?? Number.NaN);
    // A kill between the two steps of `finish` leaves a growing one beside its successor.
    if (Number.isNaN(number) || found.has(number)) continue;
    const file = join(folder, name);
    const sha224 = (await hashFile(file)).digest('hex');
    found.set(number, { number, size: await sizeOf(file), sha224 });
  }
  const segments = [...found.values()].toSorted((a, b) => a.number - b.number);
  const gap = segments.findIndex(({ number }, at) => number !== at);
  return gap === -1 ? segments : segments.slice(0, gap);
}

/** SHA-224 of a file's first bytes, or of all. */
export async function hashFile(file: string, bytes?: number): Promise<Hash> {
  const hash = createHash('sha224');
  if (bytes === 0) return hash;
  const stream = createReadStream(file, bytes === undefined ? {} : { end: bytes - 1 });
  for await (const chunk of stream) hash.update(chunk as Uint8Array);
  return hash;
}

/** Writes what comes behind the first `start` bytes of a file, at most up to `size` bytes; gives how long it is then. */
export async function writePart(
  file: string,
  { start, size }: { readonly start: number; readonly size: number },
  body: AsyncIterable<Uint8Array>,
): Promise<number> {
  const handle = await open(file, start === 0 ? 'w' : 'r+');
  let at = start;
  try {
    await handle.truncate(start);
    for await (const chunk of body) {
      const wanted = chunk.subarray(0, size - at);
      for (let done = 0; done < wanted.length; )
        done += (await handle.write(wanted, done, wanted.length - done, at + done)).bytesWritten;
      at += wanted.length;
      if (at >= size) break;
    }
  } finally {
    await handle.close();
  }
  return at;
}

async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  return found?.size ?? 0;
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
