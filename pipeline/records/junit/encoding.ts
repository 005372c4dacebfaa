import { Buffer } from 'node:buffer';
import { TextDecoder } from 'node:util';

/** Turns a file's bytes into UTF-8, a piece at a time; `undefined` when they are UTF-8 already. */
export type ToUtf8 = ((bytes: Buffer, last: boolean) => Buffer) | undefined;

export interface Encoding {
  /** Bytes of a byte order mark, to be passed over. */
  readonly markBytes: number;
  readonly toUtf8: ToUtf8;
}

const DECLARED = /^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)["']/i;
const UTF_8 = /^utf-?8$/i;
const WIDE = /^(utf|ucs|iso-10646-ucs)[-_]?(16|32|2|4)/i;

/**
 * The encoding of a file that starts with `head`. What the bytes show goes before what the declaration says: a byte order mark or
 * zeros between `<` and `?` mean UTF-16, and without either nothing is UTF-16, whatever is declared. Names unknown here mean UTF-8.
 */
export function encodingOf(head: Buffer): Encoding {
  const [a, b, c, d] = head;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { markBytes: 3, toUtf8: undefined };
  if (a === 0xff && b === 0xfe) return { markBytes: 2, toUtf8: transcoder('utf-16le') };
  if (a === 0xfe && b === 0xff) return { markBytes: 2, toUtf8: transcoder('utf-16be') };
  if (a === 0x3c && b === 0 && c !== 0) return { markBytes: 0, toUtf8: transcoder('utf-16le') };
  if (a === 0 && b === 0x3c && d !== 0) return { markBytes: 0, toUtf8: transcoder('utf-16be') };
  const label = DECLARED.exec(head.toString('latin1'))?.[1]?.trim() ?? 'utf-8';
  return { markBytes: 0, toUtf8: UTF_8.test(label) || WIDE.test(label) ? undefined : transcoder(label) };
}

function transcoder(label: string): ToUtf8 {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(label, { ignoreBOM: true });
  } catch {
    return undefined;
  }
  return decoder.encoding === 'utf-8'
    ? undefined
    : (bytes, last) => Buffer.from(decoder.decode(bytes, { stream: !last }));
}
