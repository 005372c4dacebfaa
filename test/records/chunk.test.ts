import { spawnSync } from 'node:child_process';
import { crc32, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  createGzipConcat,
  type PackedRow,
  packRow,
  packRowSync,
  unpackRow,
} from '../../pipeline/records/chunk.ts';
import { combineCrc32 } from '../../pipeline/records/crc32.ts';

function gzipOf(rows: readonly PackedRow[]): Buffer {
  const gzip = createGzipConcat();
  return Buffer.concat([gzip.header(), ...rows.map((row) => gzip.add(row)), gzip.trailer()]);
}

function pseudoRandom(length: number, seed: number, alphabet: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = (state >>> 24) % alphabet;
  }
  return bytes;
}

const LINES: readonly (readonly [string, readonly Buffer[]])[] = [
  ['no rows', []],
  ['one empty row', [Buffer.alloc(0)]],
  [
    'rows of 0, 1, 65,535 and 65,536 bytes',
    [0, 1, 65_535, 0, 65_536, 1].map((length) => pseudoRandom(length, length + 1, 256)),
  ],
  [
    '300 rows of any length',
    Array.from({ length: 300 }, (_, index) =>
      pseudoRandom((index * 7919) % 30_000, index, 1 + (index % 256)),
    ),
  ],
  ['equal rows', Array.from({ length: 50 }, () => Buffer.from('{"a":1}\n'))],
  [
    'a row of 20 MB among small ones',
    [Buffer.from('{}\n'), pseudoRandom(20_000_000, 3, 7), Buffer.from('{}\n')],
  ],
];

describe('rows one after another', () => {
  it.each(LINES)('are one ordinary gzip file: %s', (_name, lines) => {
    const file = gzipOf(lines.map(packRowSync));
    const whole = Buffer.concat(lines);
    expect(gunzipSync(file).equals(whole)).toBe(true);
    const tested = spawnSync('gzip', ['-t', '-v'], { input: file, encoding: 'utf8' });
    expect(tested.stderr).toContain('OK');
    expect(tested.status).toBe(0);
  });

  const python = spawnSync('python3', ['--version']).status === 0;
  it.skipIf(!python)(
    `are one member for Python too${python ? '' : ' (skipped: no python3 on this machine)'}`,
    () => {
      const lines = LINES[3]?.[1] ?? [];
      // zlib stops at a member's end: no data unused means that there was one member only.
      const script =
        'import sys,zlib,gzip\nd=sys.stdin.buffer.read()\no=zlib.decompressobj(31)\nb=o.decompress(d)\nassert o.eof and not o.unused_data and gzip.decompress(d)==b\nsys.stdout.buffer.write(b)';
      const answer = spawnSync('python3', ['-c', script], {
        input: gzipOf(lines.map(packRowSync)),
        maxBuffer: 2 ** 28,
      });
      expect(answer.stderr.toString()).toBe('');
      expect(answer.stdout.equals(Buffer.concat(lines))).toBe(true);
    },
  );

  it('make the same bytes every time', async () => {
    const lines = LINES[2]?.[1] ?? [];
    expect(gzipOf(await Promise.all(lines.map(packRow))).equals(gzipOf(lines.map(packRowSync)))).toBe(true);
  });

  it('with one bit wrong are refused', () => {
    const file = gzipOf([
      packRowSync(Buffer.from('{"a":1}\n')),
      { ...packRowSync(Buffer.from('{"b":1}\n')), crc32: 1 },
    ]);
    expect(() => gunzipSync(file)).toThrow(/incorrect data check/);
  });

  it('count their length modulo 2^32', () => {
    const gzip = createGzipConcat();
    for (let index = 0; index < 50; index += 1)
      gzip.add({ data: Buffer.alloc(0), crc32: 0, bytes: 100_000_000 });
    expect(Buffer.from(gzip.trailer()).readUInt32LE(6)).toBe(5_000_000_000 - 2 ** 32);
  });
});

describe('a packed row', () => {
  it.each([0, 1, 65_535, 300_000])('of %i bytes comes back', async (length) => {
    const line = pseudoRandom(length, 9, 30);
    const packed = await packRow(line);
    expect(unpackRow(packed.data, packed.bytes).equals(line)).toBe(true);
    expect(packed.crc32).toBe(crc32(line));
  });

  it('that is damaged, cut, longer or shorter than recorded is refused', () => {
    const { data, bytes } = packRowSync(pseudoRandom(5000, 1, 90));
    const damaged = Buffer.from(data);
    damaged.fill(0xff, 0, 40);
    for (const [wrong, length] of [
      [damaged, bytes],
      [data.subarray(0, 100), bytes],
      [data, bytes - 1],
      [data, bytes + 1],
      [data, 0],
    ] as const) {
      expect(() => unpackRow(wrong, length)).toThrow(/a stored row cannot be/);
    }
  });

  it('that inflates to 256 MiB costs no more than its recorded length', () => {
    const bomb = packRowSync(Buffer.alloc(2 ** 28));
    const before = process.memoryUsage().rss;
    expect(() => unpackRow(bomb.data, 1000)).toThrow(/into the 1000 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 26);
  });
});

describe('combineCrc32', () => {
  it('gives the CRC of both texts together', () => {
    for (let index = 0; index < 200; index += 1) {
      const a = pseudoRandom((index * 31) % 1000, index, 256);
      const b = pseudoRandom((index * 977) % 70_000, index + 7, 256);
      expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])));
    }
  });

  it('holds for lengths past 4 GiB: in one step as in many', () => {
    // 2^33 + 3 zero bytes, told by doubling, without a byte of them being there.
    let zeros = { crc: crc32(Buffer.alloc(1)), bytes: 1 };
    for (let power = 0; power < 33; power += 1)
      zeros = { crc: combineCrc32(zeros.crc, zeros.crc, zeros.bytes), bytes: zeros.bytes * 2 };
    const three = crc32(Buffer.alloc(3));
    const total = { crc: combineCrc32(zeros.crc, three, 3), bytes: zeros.bytes + 3 };
    const start = crc32(Buffer.from('start'));
    const byParts = combineCrc32(combineCrc32(start, zeros.crc, zeros.bytes), three, 3);
    expect(combineCrc32(start, total.crc, total.bytes)).toBe(byParts);
    const million = { crc: crc32(Buffer.alloc(2 ** 20)), bytes: 2 ** 20 };
    let step = start;
    for (let count = 0; count < 2 ** 13; count += 1) step = combineCrc32(step, million.crc, million.bytes);
    expect(combineCrc32(step, three, 3)).toBe(byParts);
  });
});
