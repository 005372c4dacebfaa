import { SamovarError } from '../errors.ts';
import { parseJson } from './json-parser.ts';
import { decodeJson } from './json-text.ts';

/**
 * A JSON value as Python's json module sees it: an integer of any size is a bigint, a number with a point or an exponent (and
 * NaN, Infinity) is a number. Keeping the two apart keeps 19-digit ids whole and lets `pythonJson` print what Python would.
 */
export type JsonValue = string | boolean | null | bigint | number | JsonArray | JsonObject;
export type JsonArray = readonly JsonValue[];
/** Has no prototype, so that a key like `__proto__` or `constructor` is a key and nothing else. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

const DOCUMENT_BYTES_MAX = 16 * 2 ** 20;
const DEPTH_MAX = 200;

/**
 * Reads a started.json or finished.json. Takes what Python's json takes: UTF-8, UTF-16 and UTF-32, with a byte order mark or
 * without, NaN and Infinity, repeated keys (the last wins); bytes that are not UTF-8 become U+FFFD.
 *
 * Throws `too-large` over 16 MiB, and `malformed`, saying what the bytes look like instead, for anything but an object.
 */
export function parseDocument(bytes: Uint8Array): JsonObject {
  if (bytes.length > DOCUMENT_BYTES_MAX) {
    throw new SamovarError(
      'too-large',
      `document is not read: it has ${bytes.length} bytes, and ${DOCUMENT_BYTES_MAX} are allowed`,
    );
  }
  const text = decodeJson(bytes);
  const value = parseJson(text, { depthMax: DEPTH_MAX });
  if (isObject(value)) return value;
  throw new SamovarError(
    'malformed',
    `document is not a JSON object: it is ${kindOf(value)}, ${pythonJson(value).slice(0, 60)}`,
  );
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'bigint' ? 'a number' : `a ${typeof value}`;
}

/**
 * Writes a value as Python's `json.dumps(value, sort_keys=True)` does, byte for byte: ", " and ": " between, everything
 * outside ASCII escaped, floats in Python's notation. Columns hold such text, and other people's queries match on it.
 */
export function pythonJson(value: JsonValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return pythonString(value);
  if (typeof value === 'number') return pythonFloat(value);
  if (typeof value !== 'object') return String(value);
  if (!isObject(value)) return `[${value.map(pythonJson).join(', ')}]`;
  const pairs = Object.keys(value)
    .sort(compareCodePoints)
    .map((key) => `${pythonString(key)}: ${pythonJson(value[key] ?? null)}`);
  return `{${pairs.join(', ')}}`;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\b', '\\b'],
  ['\f', '\\f'],
]);

function pythonString(text: string): string {
  // Without the u flag a character outside the BMP is two units, each escaped: the surrogate pair Python writes.
  const escaped = text.replace(/["\\]|[^ -~]/g, (unit) => SHORT_ESCAPES.get(unit) ?? hexEscape(unit));
  return `"${escaped}"`;
}

function hexEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Both languages print the shortest digits that read back; they differ in when they turn to an exponent and how it looks. */
function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [digits = '', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const exponent = Number(exponentText);
  const sign = value < 0 ? '-' : '';
  if (exponent < -4 || exponent >= 16) {
    return `${sign}${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain = digits.replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${plain}`;
  const whole = plain.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${plain.slice(exponent + 1) || '0'}`;
}

/** Python's order of strings. JavaScript's own differs where a character lies outside the BMP. */
export function compareCodePoints(a: string, b: string): number {
  let at = 0;
  while (true) {
    const left = a.codePointAt(at);
    const right = b.codePointAt(at);
    if (left === undefined || right === undefined) return a.length - b.length;
    if (left !== right) return left - right;
    at += left > 0xffff ? 2 : 1;
  }
}
