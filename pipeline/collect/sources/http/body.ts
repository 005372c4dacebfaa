import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { SamovarError } from '../../../errors.ts';
import type { Json } from './upstream.ts';

/** Deeper than any upstream's, and safe for whoever walks through it by recursion. */
const DEPTH_MAX = 200;

const UNPACK: Readonly<
  Record<string, (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** A body without its Content-Encoding. Throws `too-large` past `bytesMax`, before more than that was unpacked; `malformed`. */
export async function unpacked(
  bytes: Buffer,
  encoding: string,
  bytesMax: number,
  subject: string,
): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return bytes;
  const unpack = Object.hasOwn(UNPACK, name) ? UNPACK[name] : undefined;
  if (unpack === undefined)
    throw new SamovarError('malformed', `${subject}: its encoding ${JSON.stringify(name)} is not known`, {
      subject,
    });
  try {
    return await unpack(bytes, { maxOutputLength: bytesMax });
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(subject, bytesMax);
    throw new SamovarError('malformed', `${subject}: its ${name} cannot be unpacked`, { subject, cause });
  }
}

export function tooLarge(subject: string, bytesMax: number): SamovarError {
  return new SamovarError('too-large', `${subject}: more than ${bytesMax} bytes`, { subject });
}

/** Throws `malformed` for what is not UTF-8. A byte order mark is taken off. */
export function textOf(bytes: Uint8Array, subject: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SamovarError('malformed', `${subject}: the answer is not UTF-8`, { subject, cause });
  }
}

/** Throws `malformed`, with how the text begins: an error page is mostly what it is. */
export function jsonOf(bytes: Uint8Array, subject: string): Json {
  const text = textOf(bytes, subject);
  if (isTooDeep(bytes))
    throw new SamovarError('malformed', `${subject}: JSON nested deeper than ${DEPTH_MAX}`, { subject });
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    const begin = JSON.stringify(text.slice(0, 80));
    throw new SamovarError('malformed', `${subject}: the answer is no JSON; it begins ${begin}`, {
      subject,
      cause,
    });
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** JSON.parse has no limit of its own, and what it makes cannot be written again by JSON.stringify, which has. */
function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > DEPTH_MAX) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return false;
}
