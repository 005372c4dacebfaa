import { Buffer } from 'node:buffer';
import { type Attribute, type Kind, OTHER } from './elements.ts';

/** Why scanning ended before its input did. */
export type StopStatus = 'malformed' | 'not-junit' | 'refused' | 'too-large';

export interface Stop {
  readonly status: StopStatus;
  readonly reason: string;
}

/** Takes what the scanner finds. Positions are in the window given last; they mean nothing once `retire` was called. */
export interface ScanHandler {
  window(bytes: Buffer): void;
  retire(): void;
  /** At a start tag inside a root: where to go on when the element there is dealt with already, else `at`. */
  passOver(text: string, at: number): number;
  /** A start tag's name. Answers which attributes are wanted, as bits. `depth` is 1 for a document's root. */
  open(kind: Kind, depth: number, name: string): Attribute;
  /** A wanted attribute's value, or the next piece of it when not `last`. */
  value(attribute: Attribute, start: number, end: number, last: boolean): void;
  /** A start tag's end. Answers whether the text before the first child is wanted. */
  opened(kind: Kind, depth: number): boolean;
  text(start: number, end: number, cdata: boolean): void;
  close(kind: Kind, depth: number): void;
  /** Text outside any root, not only white space. */
  outside(start: number, end: number): void;
  /** A document type, from its `<!DOCTYPE` to its `>` or `[`. */
  doctype(declaration: string): void;
}

export type Mode = 'text' | 'tag' | 'value' | 'cdata' | 'comment' | 'instruction';

/** Where a scan stands. One shape for its whole life, as the hot loop reads it for every tag. */
export interface ScanState {
  readonly handler: ScanHandler;
  bytes: Buffer;
  /** `bytes`, one character each, for searching: what is kept is decoded from `bytes`. */
  text: string;
  at: number;
  end: number;
  mode: Mode;
  /** Any markup was seen, be it only a declaration. */
  markup: boolean;
  stop: Stop | undefined;
  /** Names and kinds of the open elements, the root first. */
  readonly names: string[];
  readonly kinds: Kind[];
  depth: number;
  /** The innermost open element's kind. */
  kind: Kind;
  wanted: Attribute;
  /** The attribute whose value goes on in the next window. */
  attribute: Attribute;
  quote: string;
  textWanted: boolean;
}

export const SPACE = 0x20;
export const BANG = 0x21;
export const QUOTE = 0x22;
export const APOSTROPHE = 0x27;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const LESS = 0x3c;
export const EQUALS = 0x3d;
export const GREATER = 0x3e;
export const QUESTION = 0x3f;
/** Stands for the end of the window; no byte has this value. */
export const END = 0x100;

const PUNCTUATION_LEAD = 0xe2;

export function createScanState(handler: ScanHandler): ScanState {
  return {
    handler,
    bytes: Buffer.alloc(0),
    text: '',
    at: 0,
    end: 0,
    mode: 'text',
    markup: false,
    stop: undefined,
    names: [],
    kinds: [],
    depth: 0,
    kind: OTHER,
    wanted: 0,
    attribute: 0,
    quote: '"',
    textWanted: false,
  };
}

/** Ends the scan, unless something did before. */
export function stopScan(scan: ScanState, status: StopStatus, reason: string): false {
  scan.stop ??= { status, reason };
  return false;
}

/** Whether a tag's name can start so: letters, `_`, `:` and letters beyond ASCII, but not the dashes and quotes after byte E2. */
export function startsName(byte: number): boolean {
  if (byte < 0x80)
    return (
      (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte === COLON
    );
  return byte < END && byte !== PUNCTUATION_LEAD;
}

/** Up to so many characters from `start`, for a message. */
export function seen(scan: ScanState, start: number, charsMax = 40): string {
  const raw = scan.bytes.toString('utf8', start, Math.min(scan.end, start + charsMax));
  return JSON.stringify(raw.replace(/\s+/g, ' '));
}
