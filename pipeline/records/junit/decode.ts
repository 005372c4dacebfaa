import { Buffer } from 'node:buffer';
import { type Encoding, encodingOf } from './encoding.ts';
import type { StopStatus } from './scan-state.ts';

export interface DecodeOptions {
  readonly bytesMax: number;
  /** Takes UTF-8 without a byte order mark; valid only during the call. */
  readonly onBytes: (bytes: Buffer) => void;
  readonly stop: (status: StopStatus, reason: string) => void;
}

/** Turns a file into UTF-8, whatever encoding it is in. */
export interface Decoder {
  push(chunk: Uint8Array): void;
  end(): void;
  /** So many bytes came. */
  bytes(): number;
}

/** Enough to see an XML declaration, and for a reason to show something of a file that is no XML. */
const HEAD_BYTES = 1_024;

interface Decoding {
  readonly options: DecodeOptions;
  /** The first bytes, until there are enough to judge. */
  head: Buffer | undefined;
  encoding: Encoding;
  bytes: number;
  stopped: boolean;
}

export function createDecoder(options: DecodeOptions): Decoder {
  const decoding: Decoding = {
    options,
    head: Buffer.alloc(0),
    encoding: { markBytes: 0, toUtf8: undefined },
    bytes: 0,
    stopped: false,
  };
  return {
    push: (chunk) => take(decoding, Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)),
    end: () => end(decoding),
    bytes: () => decoding.bytes,
  };
}

function take(decoding: Decoding, bytes: Buffer): void {
  const { options } = decoding;
  if (decoding.stopped) return;
  decoding.bytes += bytes.length;
  if (decoding.bytes > options.bytesMax) {
    decoding.stopped = true;
    options.stop('too-large', `it has more than ${options.bytesMax} bytes`);
  } else if (decoding.head === undefined) pass(decoding, bytes, false);
  else {
    decoding.head = Buffer.concat([decoding.head, bytes]);
    if (decoding.head.length >= HEAD_BYTES) passHead(decoding, false);
  }
}

function end(decoding: Decoding): void {
  if (decoding.stopped) return;
  if (decoding.head !== undefined) passHead(decoding, true);
  else pass(decoding, Buffer.alloc(0), true);
}

function passHead(decoding: Decoding, last: boolean): void {
  const head = decoding.head ?? Buffer.alloc(0);
  decoding.head = undefined;
  decoding.encoding = encodingOf(head);
  pass(decoding, head.subarray(decoding.encoding.markBytes), last);
}

function pass({ encoding, options }: Decoding, bytes: Buffer, last: boolean): void {
  const utf8 = encoding.toUtf8 === undefined ? bytes : encoding.toUtf8(bytes, last);
  if (utf8.length > 0) options.onBytes(utf8);
}
