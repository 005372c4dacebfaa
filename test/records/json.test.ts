import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import { compareCodePoints, type JsonValue, parseDocument, pythonJson } from '../../pipeline/records/json.ts';

const parse = (text: string) => parseDocument(Buffer.from(text));

function refusal(bytes: Uint8Array | string): SamovarError {
  try {
    parseDocument(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  } catch (error) {
    if (error instanceof SamovarError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('parseDocument', () => {
  it('keeps integers whole and tells them from floats', () => {
    const value = parse('{"id": 1948564050363289600, "f": 1.0, "e": 1e5, "n": -0, "z": -0.0}');
    expect({ ...value }).toEqual({ id: 1948564050363289600n, f: 1, e: 100000, n: 0n, z: -0 });
  });

  it('takes NaN and Infinity, and the last of repeated keys', () => {
    expect({ ...parse('{"a":1,"a":NaN,"b":-Infinity,"c":Infinity}') }).toEqual({
      a: Number.NaN,
      b: -Infinity,
      c: Infinity,
    });
  });

  it.each([
    ['UTF-8 with a mark', Buffer.from('\ufeff{"é":"😀"}')],
    ['UTF-16 little endian', Buffer.from('{"é":"😀"}', 'utf16le')],
    ['UTF-16 little endian with a mark', Buffer.from('\ufeff{"é":"😀"}', 'utf16le')],
    ['UTF-16 big endian', Buffer.from('{"é":"😀"}', 'utf16le').swap16()],
    ['UTF-16 big endian with a mark', Buffer.from('\ufeff{"é":"😀"}', 'utf16le').swap16()],
    ['UTF-32 little endian', utf32('{"é":"😀"}').swap32()],
    ['UTF-32 big endian with a mark', utf32('\ufeff{"é":"😀"}')],
  ])('reads %s', (_name, bytes) => {
    expect({ ...parseDocument(bytes) }).toEqual({ é: '😀' });
  });

  it('reads bytes that are not UTF-8 as U+FFFD', () => {
    expect({ ...parseDocument(Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])) }).toEqual(
      { a: '\ufffd' },
    );
  });

  it('takes __proto__ and constructor as plain keys', () => {
    const value = parse('{"__proto__": {"polluted": true}, "constructor": 1}');
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(value.toString).toBeUndefined();
  });

  it('reads every escape', () => {
    expect({ ...parse(String.raw`{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00x"}`) }).toEqual({
      a: '"\\/\b\f\n\r\té😀x',
    });
  });

  it.each([
    ['', /empty/],
    [' \n', /empty/],
    ['<!DOCTYPE html><title>502</title>', /HTML or XML page: "<!DOCTYPE html>/],
    ['{"timestamp": 12', /cut off at line 1, column 17/],
    ['{"a": "b', /cut off/],
    ['{"a":\n "x" "y"}', /expected "," or "}" at line 2, column 6, saw "\\"y\\"}"/],
    ['[1]', /not a JSON object: it is an array, \[1\]/],
    ['null', /it is null/],
    ['{"a": 01}', /expected "," or "}"/],
    ['{"a": "\t"}', /end of a string/],
    ['{"a": 1,}', /a key in double quotes/],
    [String.raw`{"a": "\x41"}`, /an escape/],
    ['{"a": undefined}', /a value at line 1, column 7/],
    [`{"a": ${'9'.repeat(5000)}}`, /5000 digits/],
  ])('refuses %j and says what it looks like', (text, reason) => {
    const error = refusal(text);
    expect(error.code).toBe('malformed');
    expect(error.message).toMatch(reason);
  });

  it('refuses a document nested past the limit, and one of 17 MiB, without a stack overflow', () => {
    expect(refusal(`{"a":${'['.repeat(1e6)}`).message).toMatch(/nested more than 200/);
    expect(refusal(Buffer.alloc(17 * 2 ** 20, 0x20)).code).toBe('too-large');
    expect(Object.keys(parse(`{"a":${'['.repeat(199)}${']'.repeat(199)}}`))).toEqual(['a']);
  });
});

describe('pythonJson', () => {
  it('writes what Python writes', () => {
    const value = parse(
      '{"é":1,"\u{1f600}":2,"\uffee":3,"a":[1.0,1e5,1e16,1.5e-7,0.0001,123456789012345678901234567890,-0,-0.0,1e400,NaN,true,null,"\\u2028\\u007f\\u0000/"],"b":[],"":{}}',
    );
    expect(pythonJson(value)).toBe(
      String.raw`{"": {}, "a": [1.0, 100000.0, 1e+16, 1.5e-07, 0.0001, 123456789012345678901234567890, 0, -0.0, Infinity, NaN, true, null, "\u2028\u007f\u0000/"], "b": [], "\u00e9": 1, "\uffee": 3, "\ud83d\ude00": 2}`,
    );
  });

  it('sorts keys by code point, not by UTF-16 unit', () => {
    expect(
      ['\u{10000}', '\uffff', 'ab', 'a', '\ud83d\ude01', '\ud83d\ude00'].sort(compareCodePoints),
    ).toEqual(['a', 'ab', '\uffff', '\u{10000}', '\ud83d\ude00', '\ud83d\ude01']);
  });

  const python = spawnSync('python3', ['--version']).status === 0;
  it.skipIf(!python)(
    `agrees with python3 on 2,000 seeded values${python ? '' : ' (skipped: no python3 on this machine)'}`,
    () => {
      const random = seeded(20261121);
      const lines = Array.from({ length: 2000 }, () => JSON.stringify(randomText(random, 4)));
      const script =
        'import json,sys\nfor l in sys.stdin: print(json.dumps(json.loads(json.loads(l)), sort_keys=True))';
      const answer = spawnSync('python3', ['-c', script], {
        input: `${lines.join('\n')}\n`,
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      });
      expect(answer.stderr).toBe('');
      const ours = lines.map((line) => pythonJson(parse(`{"v":${JSON.parse(line)}}`).v ?? null));
      expect(ours).toEqual(answer.stdout.trimEnd().split('\n'));
    },
  );
});

function utf32(text: string): Buffer {
  const points = [...text].map((character) => character.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc(points.length * 4);
  points.forEach((point, index) => {
    bytes.writeUInt32BE(point, index * 4);
  });
  return bytes;
}

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** JSON text with all kinds of numbers and characters in it. */
function randomText(random: () => number, depth: number): string {
  const pick = (count: number) => Math.floor(random() * count);
  const kind = pick(depth > 0 ? 8 : 6);
  if (kind === 0) return String(pick(2) === 0 ? pick(1000) - 500 : BigInt(pick(2 ** 31)) ** BigInt(pick(4)));
  if (kind === 1) return `${pick(2) === 0 ? '-' : ''}${pick(100000)}.${pick(1000)}e${pick(60) - 30}`;
  if (kind === 2) return (random() * 10 ** (pick(40) - 20)).toExponential();
  if (kind === 3) return ['true', 'false', 'null', 'NaN', '-Infinity', '1e999'][pick(6)] ?? 'null';
  if (kind < 6) return randomString(random);
  const items = Array.from({ length: pick(5) }, () => randomText(random, depth - 1));
  return kind === 6
    ? `[${items.join(',')}]`
    : `{${items.map((item) => `${randomString(random)} : ${item}`).join(' , ')}}`;
}

function randomString(random: () => number): JsonValue & string {
  const ranges = [0x80, 0x800, 0x10000, 0x110000];
  const units = Array.from({ length: Math.floor(random() * 6) }, () => {
    const point = Math.floor(random() * (ranges[Math.floor(random() * 4)] ?? 0x80));
    return point >= 0xd800 && point < 0xe000 ? '"' : String.fromCodePoint(point);
  });
  return JSON.stringify(units.join(''));
}
