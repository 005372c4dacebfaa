import { describe, expect, it } from 'vitest';
import { randomFor } from '../../pipeline/demo/random.ts';
import { boundedDistance } from '../../pipeline/triage/edit-distance.ts';

/** The textbook's, with the whole table. */
function naive(a: readonly number[], b: readonly number[]): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [line, left] of a.entries()) {
    const row = [line + 1];
    for (const [at, right] of b.entries())
      row.push(
        Math.min((above[at] ?? 0) + (left === right ? 0 : 1), (above[at + 1] ?? 0) + 1, (row[at] ?? 0) + 1),
      );
    above = row;
  }
  return above[b.length] ?? 0;
}

describe('the bounded edit distance', () => {
  it('is the textbook distance wherever that is within the bound, and one more than the bound elsewhere', () => {
    const random = randomFor('edit distance').next;
    for (let round = 0; round < 1_000; round += 1) {
      const list = () => Array.from({ length: Math.floor(random() * 14) }, () => Math.floor(random() * 4));
      const [a, b] = [list(), list()];
      const whole = naive(a, b);
      for (const max of [0, 1, 2, 5, 20])
        expect(
          boundedDistance(Int32Array.from(a), Int32Array.from(b), max),
          `${String(a)} / ${String(b)} / ${max}`,
        ).toBe(Math.min(whole, max + 1));
    }
  });
});
