import type { Buffer } from 'node:buffer';

const REPLACEMENT = '\u{fffd}';
const CODE_POINT_MAX = 0x10ffff;
const ODD_IN_ATTRIBUTE = /[\0\t\n\r&]/;
const ODD_IN_TEXT = /[\0\r&]/;
const ODD_IN_CDATA = /[\0\r]/;
const NUMERIC = /^#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}))$/;
/** Of the longest that means anything, without its semicolon. */
const REFERENCE_CHARS_MAX = 11;
const CUT_REFERENCE = /&[#a-zA-Z0-9]{0,10}$/;
const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** Where a value stood in its document; each has its own rules for white space and references. */
export type Place = 'attribute' | 'text' | 'cdata';

/**
 * The meaning of UTF-8 bytes of a document. Invalid bytes and NUL become U+FFFD; other control characters stay, since
 * captured output has them. The result is a copy: it holds on to nothing of `bytes`.
 */
export function decodeValue(bytes: Buffer, start: number, end: number, place: Place): string {
  return meaningOf(bytes.toString('utf8', start, end), place);
}

/** The same of characters, for a reader that has no bytes. */
export function meaningOf(raw: string, place: Place): string {
  if (place === 'attribute') {
    if (!ODD_IN_ATTRIBUTE.test(raw)) return raw;
    return withReferences(withoutNul(raw.replace(/\r\n?|[\t\n]/g, ' ')));
  }
  if (!(place === 'text' ? ODD_IN_TEXT : ODD_IN_CDATA).test(raw)) return raw;
  const lines = withoutNul(raw.replace(/\r\n?/g, '\n'));
  return place === 'text' ? withReferences(lines) : lines;
}

function withoutNul(raw: string): string {
  return raw.replaceAll('\0', REPLACEMENT);
}

/** Expands the five named references and numeric ones. Any other stays as it is written: no entity is ever looked up. */
function withReferences(raw: string): string {
  let at = raw.indexOf('&');
  if (at < 0) return raw;
  let done = '';
  let from = 0;
  for (; at >= 0; at = raw.indexOf('&', at + 1)) {
    const end = raw.indexOf(';', at);
    if (end < 0) break;
    const character = end - at <= REFERENCE_CHARS_MAX ? referenced(raw.slice(at + 1, end)) : undefined;
    if (character === undefined) continue;
    done += raw.slice(from, at) + character;
    from = end + 1;
    at = end;
  }
  return done + raw.slice(from);
}

function referenced(name: string): string | undefined {
  const named = NAMED.get(name);
  if (named !== undefined || !name.startsWith('#')) return named;
  const [, hex, decimal] = NUMERIC.exec(name) ?? [];
  if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
  return decimal === undefined ? undefined : characterOf(Number(decimal));
}

function characterOf(codePoint: number): string {
  const surrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  return codePoint === 0 || surrogate || codePoint > CODE_POINT_MAX
    ? REPLACEMENT
    : String.fromCodePoint(codePoint);
}

/** Where bytes cut at `end` should rather end, so that no character and no reference is halved. */
export function wholeEnd(bytes: Buffer, start: number, end: number): number {
  let lead = end - 1;
  while (lead > start && end - lead < 4 && ((bytes[lead] ?? 0) & 0xc0) === 0x80) lead -= 1;
  const first = lead >= start ? (bytes[lead] ?? 0) : 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  const whole = first >= 0xc0 && end - lead < length ? lead : end;
  const reference = CUT_REFERENCE.exec(bytes.toString('latin1', Math.max(start, whole - 11), whole));
  return reference === null ? whole : whole - reference[0].length;
}
