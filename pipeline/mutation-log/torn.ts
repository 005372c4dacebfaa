const HEADER = /REC@([0-9a-f]+)\+[0-9a-f]+=/g;

/**
 * Whether what follows the last good record may be what an append left that was cut off, of which nobody was told: nothing in it is a record
 * at its place. Where there is one, records were lost before it, and that is damage.
 */
export function isTornAppend(rest: Uint8Array, offset: number): boolean {
  const text = Buffer.from(rest.buffer, rest.byteOffset, rest.byteLength).toString('latin1');
  for (const { index, 1: place = '' } of text.matchAll(HEADER))
    if (index > 0 && Number.parseInt(place, 16) === offset + index) return false;
  return true;
}
