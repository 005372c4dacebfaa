/** A header whose end is missing. */
const HEADER_BEGIN = /^(R|RE|REC|REC@[0-9a-f]*|REC@[0-9a-f]+\+[0-9a-f]*)$/;
const HEADER = /^REC@([0-9a-f]+)\+([0-9a-f]+)=/;
const HEADER_CHARS_MAX = 40;

/**
 * Whether what follows the last good record is no more than the beginning of the next one: what is left of an append that was cut off, of
 * which nobody was told. All zeroes are that too: a file system may have made room that was never written. Anything else is damage.
 */
export function isTornAppend(rest: Uint8Array, offset: number): boolean {
  if (rest.every((byte) => byte === 0)) return true;
  const text = Buffer.from(rest.subarray(0, HEADER_CHARS_MAX)).toString('latin1');
  const [header, place = '', length = ''] = HEADER.exec(text) ?? [];
  if (header === undefined)
    return HEADER_BEGIN.test(text) && `REC@${offset.toString(16)}+`.startsWith(text.replace(/\+.*/, '+'));
  return Number.parseInt(place, 16) === offset && rest.length < header.length + Number.parseInt(length, 16);
}
