import type { Buffer } from 'node:buffer';
import { OUTPUT } from './elements.ts';
import { TOKEN_BYTES_MAX } from './limits.ts';
import {
  BANG,
  END,
  GREATER,
  QUESTION,
  type ScanState,
  SLASH,
  SPACE,
  startsName,
  stopScan,
} from './scan-state.ts';
import { closeTag, openTag, scanAttributes, scanValue } from './tags.ts';

const COMMENT = '<!--';
const CDATA = '<![CDATA[';
const DOCTYPE = '<!DOCTYPE';
/** The longest of the three: a `<!` is judged with so many bytes. */
const MARKUP_BYTES = 9;

/**
 * Scans one window of XML, `window` up to `end`, and gives the count of its bytes that are done with; the rest must come again with more behind it.
 *
 * Finds tags, wanted attributes and wanted text, and builds nothing: what is not wanted costs one search for its end. Whatever can
 * be long (values, text, comments, CDATA) is passed on in pieces, so the rest left of a window is never longer than a name.
 * Lenient where real files are dirty: a `<` that starts no tag, any `&`, and in captured output everything but its end tag,
 * comments and CDATA are text.
 */
export function scanWindow(scan: ScanState, window: Buffer, end: number): number {
  scan.bytes = window;
  scan.text = window.toString('latin1', 0, end);
  scan.at = 0;
  scan.end = end;
  scan.handler.window(window);
  while (scan.at < scan.end && scan.stop === undefined && step(scan));
  scan.handler.retire();
  return scan.at;
}

/** Goes one construct further; false when that needs bytes beyond the window or the scan has stopped. */
function step(scan: ScanState): boolean {
  switch (scan.mode) {
    case 'text':
      return scan.kind === OUTPUT ? scanOutput(scan) : scanText(scan);
    case 'tag':
      return scanAttributes(scan);
    case 'value':
      return scanValue(scan);
    case 'cdata':
      return scanTo(scan, ']]>');
    case 'comment':
      return scanTo(scan, '-->');
    case 'instruction':
      return scanTo(scan, '?>');
  }
}

function scanText(scan: ScanState): boolean {
  const { bytes, text, end } = scan;
  let from = scan.at;
  for (;;) {
    const tag = text.indexOf('<', from);
    if (tag < 0 || tag + 1 >= end) return passText(scan, tag < 0 ? end : tag, false);
    const next = bytes[tag + 1] ?? END;
    if (startsName(next)) {
      const after = scan.depth > 0 ? scan.handler.passOver(text, tag) : tag;
      if (after === tag) return passText(scan, tag, true) && openTag(scan);
      scan.at = after;
      if (scan.stop !== undefined) return false;
      from = after;
      continue;
    }
    if (next === SLASH) return passText(scan, tag, true) && closeTag(scan);
    if (next === QUESTION) {
      if (!passText(scan, tag, true)) return false;
      return enter(scan, 'instruction', tag + 2);
    }
    if (next === BANG) return passText(scan, tag, true) && scanMarkup(scan);
    from = tag + 1;
  }
}

/** Passes over captured output. Programs print tags: only the end tag of this very element ends it. */
function scanOutput(scan: ScanState): boolean {
  const { bytes, text, end } = scan;
  const name = scan.names[scan.depth - 1] ?? '';
  let tag = text.indexOf('<', scan.at);
  for (; tag >= 0; tag = text.indexOf('<', tag + 1)) {
    const next = tag + 1 < end ? bytes[tag + 1] : undefined;
    if (next !== SLASH && next !== BANG && next !== undefined) continue;
    if (tag + Math.max(MARKUP_BYTES, name.length + 3) > end) break;
    scan.at = tag;
    if (next === BANG) {
      if (text.startsWith(COMMENT, tag) || text.startsWith(CDATA, tag)) return scanMarkup(scan);
      continue;
    }
    const after = bytes[tag + 2 + name.length] ?? END;
    if (text.startsWith(name, tag + 2) && (after === GREATER || after <= SPACE)) return closeTag(scan);
  }
  scan.at = tag < 0 ? end : tag;
  return false;
}

/** What starts with `<!`, at `scan.at`. */
function scanMarkup(scan: ScanState): boolean {
  const { text, at, end } = scan;
  if (text.startsWith(COMMENT, at)) return enter(scan, 'comment', at + COMMENT.length);
  if (end - at < MARKUP_BYTES) return false;
  if (text.startsWith(CDATA, at) && scan.depth > 0) return enter(scan, 'cdata', at + CDATA.length);
  if (scan.depth === 0 && text.slice(at, at + MARKUP_BYTES).toUpperCase() === DOCTYPE)
    return scanDoctype(scan);
  return stopScan(
    scan,
    'malformed',
    `${JSON.stringify(text.slice(at, at + MARKUP_BYTES))} where no such markup belongs`,
  );
}

function enter(scan: ScanState, mode: 'comment' | 'cdata' | 'instruction', at: number): true {
  scan.markup = true;
  scan.mode = mode;
  scan.at = at;
  return true;
}

function scanDoctype(scan: ScanState): boolean {
  const declaration = /^[^[>]*[[>]/.exec(scan.text.slice(scan.at, scan.at + TOKEN_BYTES_MAX))?.[0];
  if (declaration === undefined) {
    return (
      scan.end - scan.at >= TOKEN_BYTES_MAX && stopScan(scan, 'refused', 'a document type that does not end')
    );
  }
  scan.markup = true;
  scan.handler.doctype(declaration);
  scan.at += declaration.length;
  return scan.stop === undefined;
}

/** Goes to the end of a CDATA section, comment or instruction, as far as the window holds it. */
function scanTo(scan: ScanState, ending: string): boolean {
  const found = scan.text.indexOf(ending, scan.at);
  const to = found < 0 ? Math.max(scan.at, scan.end - ending.length + 1) : found;
  if (scan.mode === 'cdata' && scan.textWanted) scan.handler.text(scan.at, to, true);
  scan.at = found < 0 ? to : found + ending.length;
  if (found < 0) return false;
  scan.mode = 'text';
  return true;
}

/** Hands over the text up to `to`, if anyone wants it. Gives `goOn`, or false once the scan has stopped. */
function passText(scan: ScanState, to: number, goOn: boolean): boolean {
  const from = scan.at;
  scan.at = to;
  if (from === to) return goOn;
  if (scan.textWanted) scan.handler.text(from, to, false);
  else if (scan.depth === 0) {
    scan.handler.outside(from, to);
    return goOn && scan.stop === undefined;
  }
  return goOn;
}
