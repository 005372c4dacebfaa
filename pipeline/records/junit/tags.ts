import { attributeOf, kindOf, OTHER, WORDS } from './elements.ts';
import { DEPTH_MAX, TOKEN_BYTES_MAX } from './limits.ts';
import {
  APOSTROPHE,
  COLON,
  END,
  EQUALS,
  GREATER,
  LESS,
  QUOTE,
  type ScanState,
  SLASH,
  SPACE,
  seen,
  stopScan,
} from './scan-state.ts';

const CASE = 'testcase';
const SKIP = 'skipped';

/** Reads a start tag's name at `scan.at`. False when it needs bytes beyond the window or has stopped the scan. */
export function openTag(scan: ScanState): boolean {
  const { bytes, text, end } = scan;
  const start = scan.at + 1;
  let local = start;
  // The two most frequent tags of all are known at a glance.
  let p = text.startsWith(CASE, start)
    ? start + CASE.length
    : text.startsWith(SKIP, start)
      ? start + SKIP.length
      : start;
  for (; p < end; p += 1) {
    const byte = bytes[p] ?? END;
    if (byte <= SPACE || byte === GREATER || byte === SLASH) break;
    if (byte === LESS) return stopScan(scan, 'malformed', `a tag without an end, ${seen(scan, scan.at)}`);
    if (byte === COLON) local = p + 1;
  }
  if (p === end) return waitForToken(scan, scan.at);
  const kind = kindOf(text, local, p);
  if (scan.depth >= DEPTH_MAX)
    return stopScan(scan, 'malformed', `more than ${DEPTH_MAX} elements inside each other`);
  // Most tags have a name of ours, which need not be cut out of the text.
  const word = local === start ? WORDS[kind] : undefined;
  const name = word ?? text.slice(start, p);
  scan.names[scan.depth] = name;
  scan.kinds[scan.depth] = kind;
  scan.depth += 1;
  scan.kind = kind;
  scan.textWanted = false;
  scan.wanted = scan.handler.open(kind, scan.depth, name);
  scan.at = p;
  scan.mode = 'tag';
  return scan.stop === undefined;
}

/** Reads attributes until the tag's end or a value that goes on beyond the window. */
export function scanAttributes(scan: ScanState): boolean {
  const { bytes, text, end, wanted } = scan;
  let p = scan.at;
  for (;;) {
    while (p < end && (bytes[p] ?? END) <= SPACE) p += 1;
    if (p >= end) return waitAt(scan, p);
    const first = bytes[p] ?? END;
    if (first === GREATER) return endTag(scan, p + 1, false);
    if (first === SLASH) {
      if (p + 1 >= end) return waitAt(scan, p);
      if (bytes[p + 1] === GREATER) return endTag(scan, p + 2, true);
    }
    const nameEnd = endOfName(scan, p + 1);
    const opening = openingQuote(scan, nameEnd);
    if (opening >= end) return waitForToken(scan, p);
    const quote = bytes[opening];
    if (quote !== QUOTE && quote !== APOSTROPHE) {
      return stopScan(
        scan,
        'malformed',
        `an attribute without a quoted value in <${scan.names[scan.depth - 1]}>, ${seen(scan, p)}`,
      );
    }
    const attribute = wanted === 0 ? 0 : attributeOf(bytes, text, p, nameEnd) & wanted;
    const closing = text.indexOf(quote === QUOTE ? '"' : "'", opening + 1);
    if (closing < 0) {
      scan.quote = quote === QUOTE ? '"' : "'";
      scan.attribute = attribute;
      scan.mode = 'value';
      return waitAt(scan, opening + 1, true);
    }
    if (attribute !== 0) scan.handler.value(attribute, opening + 1, closing, true);
    p = closing + 1;
  }
}

/** Goes on with a value that began in an earlier window. */
export function scanValue(scan: ScanState): boolean {
  const closing = scan.text.indexOf(scan.quote, scan.at);
  const to = closing < 0 ? scan.end : closing;
  if (scan.attribute !== 0) scan.handler.value(scan.attribute, scan.at, to, closing >= 0);
  if (closing < 0) return waitAt(scan, to);
  scan.mode = 'tag';
  scan.at = closing + 1;
  return true;
}

/** Reads an end tag at `scan.at`. */
export function closeTag(scan: ScanState): boolean {
  const { bytes, end, text, at } = scan;
  const expected = scan.names[scan.depth - 1];
  const after = at + 2 + (expected?.length ?? 0);
  if (expected !== undefined && text.startsWith(expected, at + 2)) {
    let p = after;
    while (p < end && (bytes[p] ?? END) <= SPACE) p += 1;
    if (p >= end) return waitForToken(scan, at);
    if (bytes[p] === GREATER) {
      leave(scan);
      scan.at = p + 1;
      return scan.stop === undefined;
    }
  } else if (after >= end && text.indexOf('>', at) < 0) return waitForToken(scan, at);
  const tag = text.slice(at, Math.min(Math.max(text.indexOf('>', at) + 1, at + 2), at + 80));
  const open = expected === undefined ? 'with nothing open' : `where </${expected}> belongs`;
  return stopScan(scan, 'malformed', `${JSON.stringify(tag)} ${open}`);
}

function endTag(scan: ScanState, after: number, selfClosing: boolean): boolean {
  scan.at = after;
  scan.mode = 'text';
  scan.textWanted = scan.handler.opened(scan.kind, scan.depth);
  if (selfClosing) leave(scan);
  return scan.stop === undefined;
}

function leave(scan: ScanState): void {
  scan.handler.close(scan.kind, scan.depth);
  scan.depth -= 1;
  scan.kind = scan.kinds[scan.depth - 1] ?? OTHER;
  scan.textWanted = false;
}

function endOfName(scan: ScanState, start: number): number {
  const { bytes, end } = scan;
  let p = start;
  for (; p < end; p += 1) {
    const byte = bytes[p] ?? END;
    if (byte === EQUALS || byte <= SPACE || byte === GREATER || byte === SLASH) break;
  }
  return p;
}

/** Where the quote after `=` stands; `end` or beyond when the window ends before it. */
function openingQuote(scan: ScanState, nameEnd: number): number {
  const { bytes, end } = scan;
  let p = nameEnd;
  while (p < end && (bytes[p] ?? END) <= SPACE) p += 1;
  if (p < end && bytes[p] !== EQUALS) return p;
  p += 1;
  while (p < end && (bytes[p] ?? END) <= SPACE) p += 1;
  return p;
}

function waitAt(scan: ScanState, at: number, goOn = false): boolean {
  scan.at = at;
  return goOn;
}

/** Waits for the rest of a name; no real one is long. */
function waitForToken(scan: ScanState, at: number): false {
  scan.at = at;
  if (scan.end - at <= TOKEN_BYTES_MAX) return false;
  return stopScan(scan, 'malformed', `a tag that does not end, ${seen(scan, at)}`);
}
