import { describe, expect, test } from 'vitest';
import { randomFor } from '../../../pipeline/demo/random.ts';
import { type FramedRecord, frameRecord, readRecords } from '../../../pipeline/records/mutation/framing.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

function fileOf(payloads: readonly Uint8Array[]): Buffer {
  return payloads.reduce<Buffer>(
    (bytes, payload) => Buffer.concat([bytes, frameRecord(bytes.length, payload)]),
    Buffer.alloc(0),
  );
}

/** What is read, and how it ended. */
async function read(chunks: Iterable<Uint8Array>, start = 0) {
  const records: FramedRecord[] = [];
  try {
    for await (const record of readRecords(chunks, { name: 'segment', start })) records.push(record);
    return { records, error: undefined };
  } catch (error) {
    return { records, error: error as { readonly code?: string; readonly message: string } };
  }
}

function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

test('a header has the place and the length, both in hex, and nothing else', () => {
  expect(text(frameRecord(0, new Uint8Array()))).toBe('REC@0+0=');
  const tombstone = Buffer.from('0a0a0a016f12017218026801', 'hex');
  expect(text(frameRecord(510, tombstone))).toBe(`REC@1fe+c=${text(tombstone)}`);
});

describe('reading', () => {
  const random = randomFor('framing', 1);
  const payloads = Array.from({ length: 60 }, (_, at) => {
    const size = at % 20 === 0 ? 5_000 : random.below(40);
    return Uint8Array.from({ length: size }, () => 'REC@0+=\n'.charCodeAt(random.below(8)));
  });
  const file = fileOf(payloads);

  test('gives what was written, however the bytes come', async () => {
    for (const size of [1, 2, 7, 39, 40, 41, 1_000, file.length]) {
      const { records, error } = await read(inPieces(file, size));
      expect(error).toBeUndefined();
      expect(
        records.map(({ payload }) => text(payload)),
        `pieces of ${size}`,
      ).toEqual(payloads.map(text));
      expect(records.at(-1)?.end).toBe(file.length);
    }
  });

  test('begins at any record, and nowhere else', async () => {
    const { records } = await read([file]);
    for (const { offset } of records.slice(0, 10)) {
      const rest = await read([file.subarray(offset)], offset);
      expect(rest.error).toBeUndefined();
      expect(rest.records[0]?.offset).toBe(offset);
    }
    expect((await read([file.subarray(1)], 1)).error?.code).toBe('malformed');
  });

  test('a file that is cut gives its whole records, then says where and that it was cut', async () => {
    const small = fileOf(['a', 'bb', 'ccc'].map((word) => Buffer.from(word)));
    const { records: all } = await read([small]);
    for (let bytes = 0; bytes < small.length; bytes += 1) {
      const { records, error } = await read([small.subarray(0, bytes)]);
      const whole = all.filter(({ end }) => end <= bytes);
      expect(
        records.map(({ end }) => end),
        `${bytes} bytes`,
      ).toEqual(whole.map(({ end }) => end));
      const good = whole.at(-1)?.end ?? 0;
      if (good === bytes) expect(error).toBeUndefined();
      else
        expect(error).toMatchObject({
          code: 'malformed',
          message: expect.stringContaining(`at byte ${good}:`),
        });
    }
  });

  test.each([
    ['another word', 'RED@0+1=a'],
    ['a place that is not its own', 'REC@1+1=a'],
    ['capital letters', 'REC@0+A=aaaaaaaaaa'],
    ['zeroes in front', 'REC@00+1=a'],
    ['two plus signs', 'REC@0+0+1=a'],
    ['no length', 'REC@0+=a'],
    ['a header without an end', `REC@0+${'1'.repeat(60)}`],
    ['a length that nothing has', 'REC@0+ffffffffff=a'],
    ['zeroes', '\0'.repeat(100)],
  ])('%s is no record', async (_, bytes) => {
    const { records, error } = await read([Buffer.from(bytes, 'latin1')]);
    expect(records).toEqual([]);
    expect(error).toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('segment is damaged at byte 0'),
    });
  });

  test('records in another order are refused at the first that is not in its place', async () => {
    const [a, b, c] = ['a', 'bb', 'ccc'].map((word, at) =>
      frameRecord([0, 9, 19][at] ?? 0, Buffer.from(word)),
    );
    if (a === undefined || b === undefined || c === undefined) throw new Error('three');
    expect((await read([a, b, c])).error).toBeUndefined();
    const { records, error } = await read([a, c, b]);
    expect(records).toHaveLength(1);
    expect(error?.message).toContain('damaged at byte 9: a record is there that belongs at 19');
  });
});

test('a payload that was given away keeps its bytes when the chunk that it came in is used again', async () => {
  const chunk = Buffer.from(fileOf([Buffer.from('first'), Buffer.from('second')]));
  const { records } = await read([chunk]);
  chunk.fill(0);
  expect(records.map(({ payload }) => text(payload))).toEqual(['first', 'second']);
});
