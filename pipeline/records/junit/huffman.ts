/** A prefix code as a table: `entries[next bits]` is a symbol times 16 plus its length in bits, 0 for no symbol. */
export interface Code {
  readonly entries: Uint16Array;
  readonly mask: number;
}

const LENGTH_MAX = 15;

/** The canonical code of DEFLATE (RFC 1951 §3.2.2) for symbols with these lengths; `undefined` when there can be none. */
export function createCode(lengths: Uint8Array): Code | undefined {
  const counts = new Uint16Array(LENGTH_MAX + 2);
  let longest = 1;
  for (const length of lengths) {
    if (length === 0) continue;
    counts[length] = (counts[length] ?? 0) + 1;
    if (length > longest) longest = length;
  }
  const next = new Uint32Array(LENGTH_MAX + 2);
  for (let length = 1; length <= LENGTH_MAX; length += 1) {
    const first = ((next[length] ?? 0) + (counts[length] ?? 0)) * 2;
    if (first > 2 ** (length + 1)) return undefined;
    next[length + 1] = first;
  }
  const entries = new Uint16Array(2 ** longest);
  for (let symbol = 0; symbol < lengths.length; symbol += 1) {
    const length = lengths[symbol] ?? 0;
    if (length === 0) continue;
    const code = next[length] ?? 0;
    next[length] = code + 1;
    for (let at = reversed(code, length); at < entries.length; at += 2 ** length)
      entries[at] = symbol * 16 + length;
  }
  return { entries, mask: entries.length - 1 };
}

/** Codes are written from their first bit on, all else from its last. */
function reversed(code: number, length: number): number {
  let turned = 0;
  for (let bit = 0; bit < length; bit += 1) turned |= ((code >> bit) & 1) << (length - 1 - bit);
  return turned;
}

function repeated(...runs: readonly (readonly [count: number, length: number])[]): Uint8Array {
  return Uint8Array.from(runs.flatMap(([count, length]) => new Array<number>(count).fill(length)));
}

/** The code lengths of blocks that bring none (RFC 1951 §3.2.6). */
export const FIXED_LITERAL_LENGTHS = repeated([144, 8], [112, 9], [24, 7], [8, 8]);
export const FIXED_DISTANCE_LENGTHS = repeated([30, 5]);
