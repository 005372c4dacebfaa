import { describe, expect, test } from 'vitest';
import { createBody } from '../../../pipeline/backends/bucket/whole-body.ts';

const BYTES = Buffer.from(Array.from({ length: 40_000 }, (_, at) => at % 251));

function inChunks(announced: number, size: number): Buffer {
  const body = createBody(announced);
  for (let at = 0; at < BYTES.length; at += size) body.add(BYTES.subarray(at, at + size));
  expect(body.size()).toBe(BYTES.length);
  return body.whole();
}

describe('a body wanted whole', () => {
  test.each([0, 100, 39_999, 40_000, 40_001, 70_000, 1 << 30])(
    'has its bytes, whatever was announced: %i',
    (announced) => {
      for (const size of [1_000, 16_384, 40_000]) expect(inChunks(announced, size).equals(BYTES)).toBe(true);
    },
  );

  test('has memory of its own when its length was announced', () => {
    const whole = inChunks(40_000, 7_000);
    expect(whole.buffer.byteLength).toBe(40_000);
  });

  test('takes no memory for an absurd announcement', () => {
    const body = createBody(Number.MAX_SAFE_INTEGER);
    body.add(Buffer.from('a'));
    expect(body.whole().toString()).toBe('a');
  });

  test('is empty when nothing comes', () => {
    expect(createBody(20_000).whole()).toHaveLength(0);
    expect(createBody(0).whole()).toHaveLength(0);
  });
});
