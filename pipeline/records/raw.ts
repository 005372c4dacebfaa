import { once } from 'node:events';
import {
  type BrotliCompress,
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createInflate,
  inflateSync,
} from 'node:zlib';
import { SamovarError } from '../errors.ts';

/** `br`: brotli, what is written. `zlib`: what Kettle wrote; only read. */
export type RawEncoding = 'br' | 'zlib';

export interface PackedRaw {
  readonly encoding: RawEncoding;
  readonly data: Buffer;
  /** Length before packing. */
  readonly bytes: number;
}

export interface RawPacker {
  /** Takes a copy of the next bytes. Resolves when more may come: await it, and memory stays bounded. */
  push(chunk: Uint8Array): Promise<void>;
  end(): Promise<PackedRaw>;
  /** Gives up and frees what the compressor holds outside the heap. Nothing may follow. */
  discard(): void;
}

export interface RawOptions {
  /** Brotli's 0–11. */
  readonly quality?: number;
}

/**
 * By measurement on 51 MB of Ginkgo XML, nine cases of ten skipped (CPU, one thread): brotli 1 gives 360–610 MB/s at 14:1,
 * brotli 4 126 at 16:1, brotli 5 74 at 18.4:1, brotli 6 65 at 19.5:1; zlib 1 324 at 12:1, zlib 6 112 at 18.0:1, zlib 9 (Kettle)
 * 83 at 18.4:1. Nothing is both as small as zlib 9 and as fast as zlib 6. Compressing is what bounds Kettle's collection, and
 * raw XML is kept for a time only, so speed goes first.
 */
const QUALITY = 1;
/** Brotli 1 compresses each write by itself: 64 kB at a time gives 12:1 and half the speed, 1 MiB all there is to have. */
const BLOCK_BYTES = 1 << 20;
const OUTPUT_BYTES = 1 << 16;

/** Up to here a file is packed at once: a stream holds some 3 MB of its own and takes a turn in the thread pool for each block. */
const WHOLE_BYTES_MAX = 4 << 20;

/** Compresses a file as it arrives. A small one is kept and packed at its end, a larger one goes through a stream, a block at a time. */
export function createRawPacker(options: RawOptions = {}): RawPacker {
  let kept: Buffer[] = [];
  let bytes = 0;
  let stream: RawPacker | undefined;
  let discarded = false;
  return {
    async push(chunk) {
      if (discarded) throw new SamovarError('internal', 'a file that was given up goes on');
      bytes += chunk.length;
      if (stream !== undefined) return stream.push(chunk);
      kept.push(Buffer.from(chunk));
      if (bytes <= WHOLE_BYTES_MAX) return;
      stream = createStreamPacker(options);
      for (const block of kept.splice(0)) await stream.push(block);
    },
    end: async () => stream?.end() ?? packRaw(Buffer.concat(kept), options),
    discard() {
      discarded = true;
      kept = [];
      stream?.discard();
    },
  };
}

/** In libuv's thread pool. Holds a block of 1 MiB, the compressor and the compressed bytes. */
function createStreamPacker({ quality = QUALITY }: RawOptions): RawPacker {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  };
  const stream = createBrotliCompress({ params, chunkSize: OUTPUT_BYTES });
  const packed: Buffer[] = [];
  stream.on('data', (data: Buffer) => packed.push(data));
  // Each write and the end tell of an error themselves; without a listener it would end the process besides.
  stream.on('error', () => undefined);
  let block: Buffer[] = [];
  let blockBytes = 0;
  let bytes = 0;

  const flush = (): Promise<void> => {
    const whole = Buffer.concat(block);
    block = [];
    blockBytes = 0;
    return write(stream, whole);
  };
  return {
    async push(chunk) {
      block.push(Buffer.from(chunk));
      blockBytes += chunk.length;
      bytes += chunk.length;
      if (blockBytes >= BLOCK_BYTES) await flush();
    },
    async end() {
      const ended = once(stream, 'end');
      await flush();
      stream.end();
      await ended;
      return { encoding: 'br', data: Buffer.concat(packed), bytes };
    },
    discard() {
      stream.destroy();
    },
  };
}

function write(stream: BrotliCompress, block: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(block, (error) => (error ? reject(error) : resolve()));
  });
}

/** A small file at once, on the calling thread: the same bytes when unpacked, perhaps others packed. */
export function packRaw(bytes: Uint8Array, { quality = QUALITY }: RawOptions = {}): PackedRaw {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return { encoding: 'br', data: brotliCompressSync(bytes, { params }), bytes: bytes.length };
}

/** A packed file as it was, on the calling thread. Throws as `rawChunks` does. */
export function unpackRaw(encoding: RawEncoding, data: Uint8Array, bytesMax: number): Buffer {
  const options = { maxOutputLength: Math.max(bytesMax, 1) };
  try {
    return encoding === 'br' ? brotliDecompressSync(data, options) : inflateSync(data, options);
  } catch (cause) {
    throw Object(cause).code === 'ERR_BUFFER_TOO_LARGE'
      ? tooLarge(data, bytesMax)
      : damaged(encoding, data, cause);
  }
}

/**
 * A packed file, 64 kB at a time: a file of hundreds of megabytes is never there whole. Throws `too-large` once more than
 * `bytesMax` bytes have come out, however few went in, and `malformed` for data that are damaged or end too early.
 */
export async function* rawChunks(
  encoding: RawEncoding,
  data: Uint8Array,
  bytesMax: number,
): AsyncGenerator<Buffer> {
  const options = { chunkSize: OUTPUT_BYTES };
  const stream = encoding === 'br' ? createBrotliDecompress(options) : createInflate(options);
  let bytes = 0;
  try {
    stream.end(data);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge(data, bytesMax);
      yield chunk;
    }
  } catch (cause) {
    throw cause instanceof SamovarError ? cause : damaged(encoding, data, cause);
  }
}

function tooLarge(data: Uint8Array, bytesMax: number): SamovarError {
  return new SamovarError(
    'too-large',
    `a stored file is not unpacked: its ${data.length} bytes become more than the ${bytesMax} allowed`,
  );
}

function damaged(encoding: RawEncoding, data: Uint8Array, cause: unknown): SamovarError {
  return new SamovarError(
    'malformed',
    `a stored file cannot be unpacked: its ${data.length} bytes of ${encoding} are damaged or cut off`,
    { cause },
  );
}
