import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createInflate, inflateMore } from '../../../pipeline/records/junit/inflate.ts';
import { readJunitTree } from '../../../pipeline/records/junit/tree.ts';
import { generate, randomOf } from './generate.ts';
import { read } from './read.ts';

const SEEDS = Array.from({ length: 400 }, (_, seed) => seed);

test('what is written is read, by the scanner and by the tree', () => {
  let cases = 0;
  for (const seed of SEEDS) {
    const { text, tests, skipped } = generate(seed);
    const got = read(text);
    expect({ seed, status: got.summary.status, tests: got.tests, skipped: got.summary.skipped }).toEqual({
      seed,
      status: 'ok',
      tests,
      skipped,
    });
    expect({ seed, tests: readJunitTree(Buffer.from(text)).tests }).toEqual({ seed, tests });
    cases += tests.length + skipped;
  }
  expect(cases).toBeGreaterThan(SEEDS.length);
});

test('a document in pieces of any size reads the same', () => {
  for (const seed of SEEDS.slice(0, 40)) {
    const bytes = Buffer.from(generate(seed).text);
    const whole = JSON.stringify(read(bytes));
    for (const chunkBytes of [1, 2, 3, 7, 64]) {
      if (JSON.stringify(read(bytes, { chunkBytes })) !== whole)
        expect({ seed, chunkBytes }).toBe('the same');
    }
    for (let chunkBytes = 100; chunkBytes < bytes.length; chunkBytes += 3) {
      if (JSON.stringify(read(bytes, { chunkBytes })) !== whole)
        expect({ seed, chunkBytes }).toBe('the same');
    }
  }
});

test('every position in a document may fall on the border of a window', () => {
  const { text } = generate(7);
  const expected = JSON.stringify(read(text).tests);
  for (let shift = 0; shift < Buffer.byteLength(text); shift += 5) {
    const padding = `<!--${' '.repeat(65_536 - 7 - shift)}-->`;
    if (JSON.stringify(read(padding + text).tests) !== expected) expect(shift).toBe('the same');
  }
});

test('changed bytes never throw, loop or invent more cases than there are tags', () => {
  const random = randomOf(99);
  for (const seed of SEEDS.slice(0, 200)) {
    const bytes = Buffer.from(generate(seed).text);
    for (let change = 0; change < 5; change += 1) bytes[random(bytes.length)] = random(256);
    const { tests, summary } = read(bytes, { chunkBytes: random(50) + 1 });
    const tags = bytes.toString('latin1').split('testcase').length - 1;
    expect(tests.length).toBeLessThanOrEqual(tags);
    expect(summary.status === 'ok').toBe(summary.reason === undefined);
  }
});

test('whatever zlib packs, in any way and any pieces, comes out again', () => {
  const random = randomOf(3);
  const noise = Buffer.from(Array.from({ length: 70_000 }, () => random(256)));
  const text = Buffer.from(SEEDS.map((seed) => generate(seed).text).join(''));
  const { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
  for (const input of [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(300_000, 'ab'), noise, text]) {
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]) {
      for (const level of [0, 1, 9]) {
        const packed = deflateRawSync(input, { level, strategy });
        expect(unpack(packed, random(5_000) + 1).equals(input)).toBe(true);
      }
    }
  }
});

test('damaged gzip ends with a reason, whatever is damaged', () => {
  const random = randomOf(5);
  const packed = gzipSync(
    SEEDS.map((seed) => generate(seed).text)
      .join('\n')
      .slice(0, 50_000),
  );
  for (let round = 0; round < 200; round += 1) {
    const damaged = Buffer.from(packed);
    const at = 10 + random(damaged.length - 10);
    damaged[at] = (damaged[at] ?? 0) ^ (1 + random(255));
    const { summary } = read(damaged);
    expect([summary.status, typeof summary.reason]).not.toEqual(['ok', 'undefined']);
  }
});

function unpack(packed: Buffer, pieceBytes: number): Buffer {
  const parts: Buffer[] = [];
  const inflate = createInflate((bytes) => void parts.push(Buffer.from(bytes)));
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at <= packed.length; at += pieceBytes) {
    inflate.input = Buffer.concat([rest, packed.subarray(at, at + pieceBytes)]);
    inflate.at = 0;
    inflate.final = at + pieceBytes > packed.length;
    const outcome = inflateMore(inflate);
    expect(outcome).toBe(inflate.final ? 'done' : outcome === 'done' ? 'done' : 'more');
    if (outcome === 'done') break;
    rest = inflate.input.subarray(inflate.at);
  }
  return Buffer.concat(parts);
}
