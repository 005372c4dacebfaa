import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { randomFor } from '../../../pipeline/demo/random.ts';
import { SamovarError } from '../../../pipeline/errors.ts';
import { decodeMutation, encodeMutation } from '../../../pipeline/records/mutation/codec.ts';
import { readRecords } from '../../../pipeline/records/mutation/framing.ts';
import type { Mutation } from '../../../pipeline/records/mutation/types.ts';
import { randomMutation } from '../../support/random-mutations.ts';

const GOLDEN = 'test/golden/mutation-log';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const issue = (said: object): Mutation => ({ githubIssue: { owner: 'o', repo: 'r', number: 1, ...said } });

interface Expected {
  readonly file: string;
  readonly records: readonly { readonly offset: number; readonly hex: string; readonly mutation: object }[];
}

const expected = JSON.parse(readFileSync(`${GOLDEN}/expected.json`, 'utf8')) as Expected;
const golden = readFileSync(`${GOLDEN}/${expected.file}`);

async function goldenRecords() {
  const records = [];
  for await (const record of readRecords([golden], { name: expected.file })) records.push(record);
  return records;
}

describe('the file that maintner wrote', () => {
  test('has the records that are expected, and each is made again byte for byte', async () => {
    const records = await goldenRecords();
    expect(records.map(({ offset, payload }) => ({ offset, hex: hex(payload) }))).toEqual(
      expected.records.map(({ offset, hex: bytes }) => ({ offset, hex: bytes })),
    );
    for (const { payload } of records)
      expect(hex(encodeMutation(decodeMutation(payload)))).toBe(hex(payload));
  });

  test('says what is expected', async () => {
    const records = await goldenRecords();
    expect(records.map(({ payload }) => asProtoJson(decodeMutation(payload)))).toEqual(
      expected.records.map(({ mutation }) => mutation),
    );
  });
});

/** Names that are lists with us. */
const LISTS: Readonly<Record<string, string>> = {
  comments: 'comment',
  events: 'event',
  reviews: 'review',
  addLabels: 'add_label',
  removeLabels: 'remove_label',
};

/** As the expectation was written: snake_case, 64 bits as text, zero values left out, bytes as base64. */
function asProtoJson(value: unknown, key = ''): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map((one) => asProtoJson(one));
  if (typeof value !== 'object' || value === null) return key === 'seconds' ? String(value) : value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== 0n && one !== 0 && one !== false && one !== '')
      .map(([name, one]) => [
        LISTS[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        asProtoJson(one, name),
      ]),
  );
}

describe('encoding', () => {
  test('random mutations come back as they were, to the ends of their ranges', () => {
    for (let seed = 0; seed < 400; seed += 1) {
      const mutation = randomMutation(randomFor('codec', seed), { values: 'wide', extended: true });
      expect(decodeMutation(encodeMutation(mutation)), `seed ${seed}`).toEqual(mutation);
    }
  });

  test('a value that became false is an empty message; one that was not looked at is nothing', () => {
    expect(hex(encodeMutation(issue({ closed: { val: false } })))).toBe('0a0b0a016f12017218019a0100');
    expect(hex(encodeMutation(issue({})))).toBe('0a080a016f1201721801');
  });

  test('zero values are left out, lists of numbers are packed, empty lists are nothing', () => {
    const said = { title: '', id: 0n, notExist: false, removeLabels: [7n, 0n, 300n], addLabels: [] };
    expect(hex(encodeMutation(issue(said)))).toBe('0a0f0a016f1201721801ba01040700ac02');
  });

  test('half a character of UTF-16 does not make bytes that maintner cannot read', () => {
    const bytes = encodeMutation(issue({ title: 'a\ud83d', body: '\udc00b' }));
    expect(decodeMutation(bytes)).toEqual(issue({ title: 'a\ufffd', body: '\ufffdb' }));
    // fatal: what Go does with it.
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(10))).not.toThrow();
  });

  test('a number that needs more than 64 bits is refused, not cut', () => {
    expect(() => encodeMutation(issue({ id: 2n ** 63n }))).toThrow(RangeError);
  });
});

describe('decoding', () => {
  test('numbers that are not packed are read as well, also when both ways are mixed', () => {
    // remove_label 7, then [1, 300] packed.
    const bytes = bytesOf('0a 11 0a016f 120172 1801 b80107 ba0103 01ac02');
    expect(decodeMutation(bytes)).toEqual(issue({ removeLabels: [7n, 1n, 300n] }));
  });

  test('fields that nobody here knows are passed over, of every wire type and depth', () => {
    const inner = '0a016f 120172 1801 c83e05 c93e0102030405060708 ca3e03616263 cb3e0801cc3e cd3e01020304';
    const length = bytesOf(inner).length.toString(16).padStart(2, '0');
    const decoded = decodeMutation(bytesOf(`9a3f02abcd 0a${length}${inner}`));
    expect(decoded).toMatchObject(issue({}));
    // And stand behind those that are known when it is written again.
    expect(hex(encodeMutation(decoded))).toBe(hex(bytesOf(`0a${length}${inner} 9a3f02abcd`)));
  });

  test('a message that comes in two parts is one', () => {
    const closed = '0a0b 0a016f 120172 1801 9a0100';
    const title = '0a06 4a0161 b80107';
    expect(decodeMutation(bytesOf(closed + title))).toEqual(
      issue({ closed: { val: false }, title: 'a', removeLabels: [7n] }),
    );
  });

  test('a text that is no UTF-8 does not stop the replay', () => {
    expect(decodeMutation(bytesOf('0a 0c 0a016f 120172 1801 4a02ff61'))).toEqual(issue({ title: '\ufffda' }));
  });

  test('mutations of git and Gerrit are known to be that, and not looked into', () => {
    expect(decodeMutation(bytesOf('1202 ffff'))).toEqual({ other: 'git' });
    expect(decodeMutation(bytesOf('2200'))).toEqual({ other: 'gerrit' });
  });

  test.each([
    ['a field that ends after the bytes', '0a05 0a016f'],
    ['a text that ends after its message', '0a03 0a056f6f'],
    ['a list that ends after its message', '0a05 ba0109 0102'],
    ['half a number', '0a02 1880'],
    ['a number without an end', '0a0c 18ffffffffffffffffffffff'],
    ['a wire type that there is not', '0a02 0f01'],
    ['a group without an end', '0a04 c33e0801'],
    ['field 0', '0001'],
  ])('%s is malformed', (_, text) => {
    const bytes = bytesOf(text);
    let error: unknown;
    try {
      decodeMutation(bytes);
    } catch (cause) {
      error = cause;
    }
    expect(error).toBeInstanceOf(SamovarError);
    expect((error as SamovarError).code).toBe('malformed');
  });

  test('random damage is either read or malformed, and never ends otherwise', () => {
    const random = randomFor('damage', 1);
    let malformed = 0;
    for (let round = 0; round < 800; round += 1) {
      const bytes = encodeMutation(randomMutation(random, { values: 'wide', extended: true }));
      if (bytes.length === 0) continue;
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      try {
        decodeMutation(random.below(3) === 0 ? bytes.subarray(0, at) : bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'malformed' });
        malformed += 1;
      }
    }
    expect(malformed).toBeGreaterThan(80);
  });
});
