import { SamovarError } from '../errors.ts';
import type { JsonValue } from './json.ts';

/** Python refuses longer integers too: turning digits into a number takes time with the square of their count. */
const INTEGER_DIGITS_MAX = 4300;

const SPACE = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /(-?(?:0|[1-9]\d*))(\.\d+)?([eE][-+]?\d+)?/y;
const WORD = /-?[A-Za-z]+/y;
const HEX = /[0-9A-Fa-f]{4}/y;

const WORDS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

interface Cursor {
  readonly text: string;
  readonly depthMax: number;
  at: number;
}

/**
 * Parses JSON with what Python allows besides (NaN, Infinity, -Infinity, repeated keys). JSON.parse cannot be used: it makes
 * 64-bit ids inexact and cannot tell 1 from 1.0. Throws `malformed` with line and column, and with what the text looks like.
 */
export function parseJson(text: string, options: { readonly depthMax: number }): JsonValue {
  const cursor: Cursor = { text, depthMax: options.depthMax, at: 0 };
  skipSpace(cursor);
  if (cursor.at === text.length)
    throw new SamovarError('malformed', `document is empty (${text.length} characters of space)`);
  const value = readValue(cursor, 0);
  skipSpace(cursor);
  if (cursor.at < text.length) throw failure(cursor, 'the end of the document');
  return value;
}

function readValue(cursor: Cursor, depth: number): JsonValue {
  const first = cursor.text[cursor.at];
  if (first === '"') return readString(cursor);
  if (first === '{' || first === '[') {
    if (depth >= cursor.depthMax) {
      throw new SamovarError(
        'malformed',
        `document is not read: it is nested more than ${cursor.depthMax} levels deep at ${place(cursor)}`,
      );
    }
    return first === '{' ? readObject(cursor, depth + 1) : readArray(cursor, depth + 1);
  }
  const number = match(cursor, NUMBER);
  if (number) return readNumber(cursor, number);
  const start = cursor.at;
  const value = WORDS.get(match(cursor, WORD)?.[0] ?? '');
  if (value !== undefined) return value;
  cursor.at = start;
  throw failure(cursor, 'a value');
}

function readObject(cursor: Cursor, depth: number): JsonValue {
  const object: Record<string, JsonValue> = Object.create(null);
  cursor.at += 1;
  skipSpace(cursor);
  if (take(cursor, '}')) return object;
  while (true) {
    if (cursor.text[cursor.at] !== '"') throw failure(cursor, 'a key in double quotes');
    const key = readString(cursor);
    skipSpace(cursor);
    if (!take(cursor, ':')) throw failure(cursor, '":"');
    skipSpace(cursor);
    object[key] = readValue(cursor, depth);
    skipSpace(cursor);
    if (take(cursor, '}')) return object;
    if (!take(cursor, ',')) throw failure(cursor, '"," or "}"');
    skipSpace(cursor);
  }
}

function readArray(cursor: Cursor, depth: number): JsonValue {
  const array: JsonValue[] = [];
  cursor.at += 1;
  skipSpace(cursor);
  if (take(cursor, ']')) return array;
  while (true) {
    array.push(readValue(cursor, depth));
    skipSpace(cursor);
    if (take(cursor, ']')) return array;
    if (!take(cursor, ',')) throw failure(cursor, '"," or "]"');
    skipSpace(cursor);
  }
}

function readString(cursor: Cursor): string {
  cursor.at += 1;
  let value = match(cursor, PLAIN)?.[0] ?? '';
  while (!take(cursor, '"')) {
    if (!take(cursor, '\\')) throw failure(cursor, 'the end of a string, or an escape');
    value += readEscape(cursor);
    value += match(cursor, PLAIN)?.[0] ?? '';
  }
  return value;
}

function readEscape(cursor: Cursor): string {
  const short = ESCAPES.get(cursor.text[cursor.at] ?? '');
  if (short !== undefined) {
    cursor.at += 1;
    return short;
  }
  const hex = take(cursor, 'u') ? match(cursor, HEX) : undefined;
  if (!hex) throw failure(cursor, 'an escape such as \\n or \\u00e9');
  return String.fromCharCode(Number.parseInt(hex[0], 16));
}

function readNumber(cursor: Cursor, [lexeme, whole = '', fraction, exponent]: RegExpExecArray): JsonValue {
  if (fraction !== undefined || exponent !== undefined) return Number(lexeme);
  if (whole.length <= INTEGER_DIGITS_MAX) return BigInt(whole);
  throw new SamovarError(
    'malformed',
    `document is not read: an integer of ${whole.length} digits ends at ${place(cursor)}`,
  );
}

function match(cursor: Cursor, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text) ?? undefined;
  if (found) cursor.at += found[0].length;
  return found;
}

function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function skipSpace(cursor: Cursor): void {
  match(cursor, SPACE);
}

function place(cursor: Cursor): string {
  const before = cursor.text.slice(0, cursor.at);
  const line = before.split('\n').length;
  return `line ${line}, column ${cursor.at - before.lastIndexOf('\n')}`;
}

function failure(cursor: Cursor, expected: string): SamovarError {
  const { text, at } = cursor;
  if (/^\s*</.test(text)) {
    return new SamovarError(
      'malformed',
      `document is not JSON but looks like an HTML or XML page: ${quote(text.trimStart().slice(0, 60))}`,
    );
  }
  if (at >= text.length) {
    return new SamovarError(
      'malformed',
      `document is cut off at ${place(cursor)}: ${expected} was to follow ${quote(text.slice(-30))}`,
    );
  }
  return new SamovarError(
    'malformed',
    `document is not JSON: expected ${expected} at ${place(cursor)}, saw ${quote(text.slice(at, at + 30))}`,
  );
}

function quote(text: string): string {
  return JSON.stringify(text);
}
