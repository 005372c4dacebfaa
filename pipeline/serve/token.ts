import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Refusal } from './status.ts';

/** Where a list goes on. It is all in the token: the server remembers nothing between pages. */
export interface PagePlace {
  /** Number of the last issue that was looked at, or name of the last repository. */
  readonly after: number | string;
  /** Its time where the order is by time, microseconds since the epoch. */
  readonly timeUs: number;
  /** The end of the log when the first page was made. */
  readonly segment: number;
  readonly offset: number;
  /** When that was, milliseconds since the epoch: what `now` is in a filter. */
  readonly startedMs: number;
  /** Of all pages; 0: not known. */
  readonly total: number;
}

export interface PageTokens {
  /** `query` is everything that decides which items come in which order. */
  write(query: readonly unknown[], place: PagePlace): string;
  /** Refuses what this server, or one with the same secret, did not write for the same query. */
  read(query: readonly unknown[], token: string): PagePlace;
}

const VERSION = 1;
const MAC_BYTES = 16;
const TOKEN_CHARS_MAX = 1024;
const REFUSED =
  'page_token is not of this list: it was made for another request, by another server, or changed. Begin again without one.';

export function pageTokens(secret: Uint8Array): PageTokens {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'samovar page tokens', 32));
  const sign = (query: readonly unknown[], body: Uint8Array) =>
    createHmac('sha256', key)
      // The query's length first: nothing can pass from one part into the other.
      .update(lengthFirst(Buffer.from(JSON.stringify(query))))
      .update(body)
      .digest()
      .subarray(0, MAC_BYTES);
  return {
    write: (query, place) => {
      const { after, timeUs, segment, offset, startedMs, total } = place;
      const body = Buffer.from(JSON.stringify([VERSION, after, timeUs, segment, offset, startedMs, total]));
      return Buffer.concat([sign(query, body), body]).toString('base64url');
    },
    read: (query, token) => {
      // Standard base64 and its padding are read too: some clients write tokens anew.
      if (token.length > TOKEN_CHARS_MAX || !/^[\w+/-]*={0,2}$/.test(token)) throw refused(token);
      const bytes = Buffer.from(token, 'base64');
      const body = bytes.subarray(MAC_BYTES);
      const mac = bytes.subarray(0, MAC_BYTES);
      if (mac.length !== MAC_BYTES || !timingSafeEqual(mac, sign(query, body))) throw refused(token);
      return placeOf(JSON.parse(body.toString()) as readonly unknown[]);
    },
  };
}

function lengthFirst(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Of what bears our signature: but a server that is known by its API key has clients who could sign too. */
function placeOf(fields: readonly unknown[]): PagePlace {
  const [version, after, ...numbers] = fields;
  const [timeUs, segment, offset, startedMs, total] = numbers;
  const isRight = typeof after === 'string' || Number.isSafeInteger(after);
  if (version !== VERSION || !isRight || !numbers.every(Number.isSafeInteger)) throw refused('');
  return { after, timeUs, segment, offset, startedMs, total } as PagePlace;
}

/** A token of the original names a place in the memory of a process that is gone. */
function refused(token: string): Refusal {
  return new Refusal(
    'INVALID_ARGUMENT',
    /^C[A-P]/.test(token) && token.length < 40
      ? 'page_token is of drghs-worker, whose lists were kept in its memory. Begin again without one.'
      : REFUSED,
  );
}
