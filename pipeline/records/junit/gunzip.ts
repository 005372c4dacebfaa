import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { createInflate, type Inflate, inflateMore } from './inflate.ts';

/** Unpacks gzip (RFC 1952), of one member or several, piece by piece. */
export interface Gunzip {
  push(chunk: Uint8Array): void;
  /** Says that no more comes. */
  end(): void;
  /** `running` after `end` means that the input broke off. Anything else is done, or what is wrong. */
  state(): GunzipState;
}

export type GunzipState = 'running' | 'done' | { readonly wrong: string };

interface Gunzipping {
  readonly inflate: Inflate;
  rest: Buffer;
  part: 'header' | 'body' | 'trailer';
  members: number;
  crc: number;
  bytes: number;
  final: boolean;
  state: GunzipState;
  readonly onBytes: (bytes: Buffer) => boolean;
}

export const GZIP_MAGIC = [0x1f, 0x8b] as const;
/** Input is taken in steps: one may grow a thousandfold before anyone can say stop. */
const STEP_BYTES = 16 * 2 ** 10;
/** A header holds a file's name and a comment, both short. */
const HEADER_BYTES_MAX = 64 * 2 ** 10;
const HEADER_BYTES_MIN = 10;
const TRAILER_BYTES = 8;
const FLAG_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;

/** `onBytes` takes what is unpacked, valid only during the call, and answers whether to go on. */
export function createGunzip(onBytes: (bytes: Buffer) => boolean): Gunzip {
  const gunzip: Gunzipping = {
    inflate: createInflate((bytes) => takeUnpacked(gunzip, bytes)),
    rest: Buffer.alloc(0),
    part: 'header',
    members: 0,
    crc: 0,
    bytes: 0,
    final: false,
    state: 'running',
    onBytes,
  };
  return {
    push: (chunk) => {
      for (let at = 0; at < chunk.length && gunzip.state === 'running'; at += STEP_BYTES) {
        gunzip.rest = Buffer.concat([gunzip.rest, chunk.subarray(at, at + STEP_BYTES)]);
        advance(gunzip);
      }
    },
    end: () => {
      gunzip.final = true;
      advance(gunzip);
      if (gunzip.state === 'running' && gunzip.members > 0 && gunzip.part === 'header') gunzip.state = 'done';
    },
    state: () => gunzip.state,
  };
}

function advance(gunzip: Gunzipping): void {
  while (gunzip.state === 'running') {
    if (gunzip.part === 'header' && !readHeader(gunzip)) return;
    if (gunzip.part === 'body' && !readBody(gunzip)) return;
    if (gunzip.part === 'trailer' && !readTrailer(gunzip)) return;
  }
}

function takeUnpacked(gunzip: Gunzipping, bytes: Buffer): void {
  if (gunzip.state !== 'running') return;
  gunzip.crc = crc32(bytes, gunzip.crc);
  gunzip.bytes += bytes.length;
  if (!gunzip.onBytes(bytes)) gunzip.state = 'done';
}

function readHeader(gunzip: Gunzipping): boolean {
  const { rest } = gunzip;
  const another = rest[0] === GZIP_MAGIC[0] && rest[1] === GZIP_MAGIC[1];
  // Tapes and uploads leave padding behind the last member.
  if (gunzip.members > 0 && rest.length >= 2 && !another) gunzip.state = 'done';
  const length = another ? headerLength(rest) : undefined;
  if (length === undefined) {
    if (rest.length > HEADER_BYTES_MAX) gunzip.state = { wrong: 'a header that does not end' };
    return false;
  }
  gunzip.rest = rest.subarray(length);
  gunzip.crc = 0;
  gunzip.bytes = 0;
  gunzip.part = 'body';
  Object.assign(gunzip.inflate, { ...createInflate(gunzip.inflate.onBytes), output: gunzip.inflate.output });
  return true;
}

/** Bytes of the header; `undefined` while it is not complete. */
function headerLength(rest: Buffer): number | undefined {
  if (rest.length < HEADER_BYTES_MIN) return undefined;
  const flags = rest[3] ?? 0;
  let at = HEADER_BYTES_MIN;
  if (flags & FLAG_EXTRA) {
    if (rest.length < at + 2) return undefined;
    at += 2 + rest.readUInt16LE(at);
  }
  for (const flag of [FLAG_NAME, FLAG_COMMENT]) {
    if (!(flags & flag)) continue;
    const zero = rest.indexOf(0, at);
    if (zero < 0) return undefined;
    at = zero + 1;
  }
  if (flags & FLAG_CRC) at += 2;
  return at <= rest.length ? at : undefined;
}

function readBody(gunzip: Gunzipping): boolean {
  const { inflate } = gunzip;
  inflate.input = gunzip.rest;
  inflate.at = 0;
  inflate.final = gunzip.final;
  const outcome = inflateMore(inflate);
  gunzip.rest = inflate.input.subarray(inflate.at);
  if (outcome === 'more') return false;
  if (gunzip.state !== 'running') return false;
  if (outcome === 'done') gunzip.part = 'trailer';
  else gunzip.state = outcome;
  return true;
}

function readTrailer(gunzip: Gunzipping): boolean {
  const { rest } = gunzip;
  if (rest.length < TRAILER_BYTES) return false;
  const same = rest.readUInt32LE(0) === gunzip.crc && rest.readUInt32LE(4) === gunzip.bytes % 2 ** 32;
  if (!same) gunzip.state = { wrong: 'a checksum that does not fit what was unpacked' };
  gunzip.rest = rest.subarray(TRAILER_BYTES);
  gunzip.members += 1;
  gunzip.part = 'header';
  return true;
}
