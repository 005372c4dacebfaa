import { Buffer } from 'node:buffer';
import { type Encoding, encodingOf } from './encoding.ts';
import { createGunzip, type Gunzip, GZIP_MAGIC } from './gunzip.ts';
import type { StopStatus } from './scan-state.ts';

export interface DecodeOptions {
  /** Of the file after decompression. */
  readonly bytesMax: number;
  /** Takes UTF-8 without a byte order mark; valid only during the call. */
  readonly onBytes: (bytes: Buffer) => void;
  readonly stop: (status: StopStatus, reason: string) => void;
}

/** Turns a file as it was stored into UTF-8: gzip that nobody told of is unpacked, other encodings are converted. */
export interface Decoder {
  push(chunk: Uint8Array): void;
  end(): void;
  /** So many bytes came, after decompression. */
  bytes(): number;
  /** What says that the input broke off, when something other than the XML says so. */
  cutShort(): string | undefined;
}

/** Enough to see an XML declaration, and for a reason to show something of a file that is no XML. */
const HEAD_BYTES = 1_024;
/** Real files shrink to a tenth or a fortieth. Beyond the first part, what shrank more than this is taken for a bomb. */
const GZIP_RATIO_MAX = 200;
const GZIP_FREE_BYTES = 32 * 2 ** 20;

interface Decoding {
  readonly options: DecodeOptions;
  gunzip: Gunzip | undefined;
  /** The first bytes, until there are enough to judge. */
  packedHead: Buffer | undefined;
  head: Buffer | undefined;
  encoding: Encoding;
  packedBytes: number;
  bytes: number;
  stopped: boolean;
}

export function createDecoder(options: DecodeOptions): Decoder {
  const decoding: Decoding = {
    options,
    gunzip: undefined,
    packedHead: Buffer.alloc(0),
    head: Buffer.alloc(0),
    encoding: { markBytes: 0, toUtf8: undefined },
    packedBytes: 0,
    bytes: 0,
    stopped: false,
  };
  return {
    push: (chunk) => takePacked(decoding, Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)),
    end: () => end(decoding),
    bytes: () => decoding.bytes,
    cutShort: () =>
      decoding.gunzip?.state() === 'running' ? 'the gzip stream it is packed in breaks off' : undefined,
  };
}

function takePacked(decoding: Decoding, chunk: Buffer): void {
  decoding.packedBytes += chunk.length;
  let bytes = chunk;
  if (decoding.packedHead !== undefined) {
    bytes = Buffer.concat([decoding.packedHead, chunk]);
    decoding.packedHead = bytes;
    if (bytes.length < GZIP_MAGIC.length) return;
    decoding.packedHead = undefined;
    if (bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1])
      decoding.gunzip = createGunzip((unpacked) => takePlain(decoding, unpacked));
  }
  if (decoding.gunzip === undefined) takePlain(decoding, bytes);
  else {
    decoding.gunzip.push(bytes);
    checkGunzip(decoding);
  }
}

function checkGunzip({ gunzip, options, stopped }: Decoding): void {
  const state = gunzip?.state();
  if (typeof state === 'object' && !stopped)
    options.stop('malformed', `it is packed with gzip, and there is ${state.wrong}`);
}

/** Answers whether more is welcome. */
function takePlain(decoding: Decoding, bytes: Buffer): boolean {
  const { options, gunzip, packedBytes } = decoding;
  if (decoding.stopped) return false;
  decoding.bytes += bytes.length;
  if (decoding.bytes > options.bytesMax)
    return refuse(decoding, `it has more than ${options.bytesMax} bytes`);
  const grown =
    gunzip !== undefined && decoding.bytes > GZIP_FREE_BYTES && decoding.bytes > packedBytes * GZIP_RATIO_MAX;
  if (grown)
    return refuse(decoding, `it unpacks to more than ${GZIP_RATIO_MAX} times its size, as a gzip bomb does`);
  if (decoding.head === undefined) pass(decoding, bytes, false);
  else {
    decoding.head = Buffer.concat([decoding.head, bytes]);
    if (decoding.head.length >= HEAD_BYTES) passHead(decoding, false);
  }
  return true;
}

function refuse(decoding: Decoding, reason: string): false {
  decoding.stopped = true;
  decoding.options.stop('too-large', reason);
  return false;
}

function end(decoding: Decoding): void {
  if (decoding.packedHead !== undefined && decoding.packedHead.length > 0)
    takePlain(decoding, decoding.packedHead);
  decoding.gunzip?.end();
  checkGunzip(decoding);
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
