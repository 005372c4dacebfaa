/** Numbers between 0 and 1 that depend on nothing but the key they were made from. */
export interface Random {
  next(): number;
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string;
}

/** A stream of numbers for a key. Equal keys give equal streams, on every machine. */
export function randomFor(...key: readonly (string | number)[]): Random {
  let state = hash(key.join('\u0000'));
  // mulberry32: 32 bits of state are plenty for a demo, and the sequence needs no big integers.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    hex: (digits) => Array.from({ length: digits }, () => below(16).toString(16)).join(''),
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value;
}
