import { describe, expect, test } from 'vitest';
import { type Answer, createAnswers } from '../../../pipeline/serve/cache/answers.ts';
import { joinArrays, membersOf } from '../../../pipeline/serve/cache/members.ts';

describe('members of a stored object', () => {
  test.each([
    {},
    { a: 1 },
    { a: [], b: {}, c: null, d: 'x', e: -1.5e3, f: true },
    { 'quote"': 'a "quoted" \\" text \\', 'comma,': ',', 'brace}': '}]{[:' },
    { deep: { a: [{ b: [[], {}, '"'] }] }, after: 1 },
    { '': '', '\u2028': '\u0000', emoji: '\u{1f980}' },
  ])('%j: each is the text it was stored as', (value) => {
    for (const text of [JSON.stringify(value), JSON.stringify(value, undefined, 2)]) {
      const members = membersOf(text);
      const parsed = [...(members ?? [])].map(([name, json]) => [name, JSON.parse(json)]);
      expect(Object.fromEntries(parsed)).toEqual(value);
    }
  });

  test('a member of JavaScript is one like others', () => {
    expect([...(membersOf('{"__proto__":{"a":1},"b":2}') ?? [])]).toEqual([
      ['__proto__', '{"a":1}'],
      ['b', '2'],
    ]);
  });

  test.each(['[]', '1', '', '"{"', 'null'])('%s is no object', (text) => {
    expect(membersOf(text)).toBeUndefined();
  });

  test('random values come apart and together again', () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const words = ['"', '\\', '{', '}', '[', ']', ',', ':', ' ', 'a', '\n', '\\"'];
    const text = () => Array.from({ length: random() * 6 }, () => words[Math.floor(random() * 12)]).join('');
    const value = (depth: number): unknown => {
      const kind = Math.floor(random() * (depth > 3 ? 3 : 5));
      if (kind === 0) return text();
      if (kind === 1) return Math.floor(random() * 100);
      if (kind === 2) return null;
      const items = Array.from({ length: random() * 4 }, () => value(depth + 1));
      return kind === 3 ? items : Object.fromEntries(items.map((item) => [text(), item]));
    };
    for (let round = 0; round < 500; round += 1) {
      const one = { first: value(0), [text()]: value(0), last: value(0) };
      const members = membersOf(JSON.stringify(one)) ?? new Map<string, string>();
      const again = `{${[...members].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
      expect(again).toBe(JSON.stringify(one));
    }
  });

  test.each([
    ['[1]', '[2,3]', '[1,2,3]'],
    ['[]', '[2]', '[2]'],
    ['[1]', '[]', '[1]'],
    ['[]', '[]', '[]'],
    ['[1]', 'null', '[1]'],
  ])('%s and %s are %s', (first, second, both) => {
    expect(joinArrays(first, second)).toBe(both);
  });
});

describe('answers that are kept', () => {
  const answer = (size: number): Answer => ({
    ...{
      status: 200,
      etag: 'e',
      retryAfterS: undefined,
      fingerprint: 'f',
      seq: 1,
      madeMs: 0,
      packages: new Set<string>(),
      untilMs: 1,
    },
    body: new Uint8Array(size),
  });

  test('are within their bytes, the longest unasked going first', () => {
    const answers = createAnswers(100_000);
    for (const name of ['a', 'b', 'c', 'd']) answers.put(name, answer(20_000));
    answers.get('a');
    answers.put('e', answer(20_000));
    expect(['a', 'b', 'e'].map((name) => answers.get(name) !== undefined)).toEqual([true, false, true]);
    expect(answers.bytes()).toBeLessThanOrEqual(100_000);
    for (let at = 0; at < 1_000; at += 1) answers.put(`q${at}`, answer(at * 10));
    expect(answers.bytes()).toBeLessThanOrEqual(100_000);
    answers.put('huge', answer(60_000));
    expect(answers.get('huge')).toBeUndefined();
  });

  test('one that is put again is counted once', () => {
    const answers = createAnswers(100_000);
    for (let at = 0; at < 50; at += 1) answers.put('a', answer(10_000));
    expect(answers.bytes()).toBeLessThan(12_000);
  });
});
