/**
 * Compares two names in the order of their UTF-8 bytes, as object storage sorts. JavaScript's own order is that of UTF-16
 * units, which puts an emoji (a surrogate pair) before U+E000–U+FFFF; its bytes come after.
 */
export function compareNames(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Moves surrogates above all other units and keeps the rest in order. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
