import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readJunitTree } from '../../../pipeline/records/junit/tree.ts';
import { generate, randomOf } from './generate.ts';
import { read, readFed } from './read.ts';

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

test('damaged gzip ends with a reason, whatever is damaged', async () => {
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
    const { summary } = await readFed(damaged);
    expect([summary.status, typeof summary.reason]).not.toEqual(['ok', 'undefined']);
  }
});
