/** Says in a cut text that it was cut. Plain ASCII without quotes: it has the same length in JSON. */
const CUT_MARK = ' [cut here: the row would be too large for the warehouse]';
export const CUT_MARK_BYTES = Buffer.byteLength(CUT_MARK);

const UNLOADABLE = /[\0\ud800-\udfff]/;
const LONE_SURROGATE_OR_NUL = /[\0\p{Surrogate}]/gu;

/**
 * The text as a warehouse can load it: half a surrogate pair has no UTF-8 form and BigQuery refuses the row, NUL is refused by
 * more than one loader. Each becomes U+FFFD; all else stays.
 */
export function loadable(text: string): string {
  return UNLOADABLE.test(text) ? text.replace(LONE_SURROGATE_OR_NUL, '\ufffd') : text;
}

const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** The text as a loadable JSON string. Most names need no escape, and quoting those without looking further is faster. */
export function jsonText(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(loadable(text)) : `"${text}"`;
}

/**
 * The first `bytesMax` UTF-8 bytes, to a whole code point, and a mark that says so; the text itself when the cut would save
 * nothing. Cutting a cut text again at a lower bound gives what cutting the whole one at that bound gives.
 */
export function cutText(text: string, bytesMax: number): string {
  // A unit of UTF-16 takes three bytes at most: most texts are told to be short without being encoded.
  if (text.length * 3 <= bytesMax + CUT_MARK_BYTES) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax + CUT_MARK_BYTES) return text;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end) + CUT_MARK;
}
