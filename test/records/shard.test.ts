import { describe, expect, test } from 'vitest';
import { randomFor } from '../../pipeline/demo/random.ts';
import { isSnowflake, snowflakeAt } from '../../pipeline/records/ids.ts';
import { parseShard, shardOf, shardOfDay, slotDay, slotStartMs } from '../../pipeline/records/shard.ts';

const ROOT = 'gs://bucket/logs/';

/** Ids as they are found in buckets: snowflakes, small numbers, times, words, and what is odd. */
function names(count: number): readonly string[] {
  const random = randomFor(7, 'shard names');
  const odd = ['0', '007', 'run-9', 'abc', '1948-x', '1948x', '99999999999999999999', '9223372036854775807'];
  const kinds = [
    () =>
      String(BigInt(snowflakeAt(1.6e12 + random.next() * 1e11)) + BigInt(Math.floor(random.next() * 1e6))),
    () => String(Math.floor(random.next() * 10 ** (1 + Math.floor(random.next() * 7)))),
    () =>
      `202${Math.floor(random.next() * 10)}0722${String(Math.floor(random.next() * 1e6)).padStart(6, '0')}`,
    () =>
      `1${Math.floor(random.next() * 1e6)}${'.-:_ab~'[Math.floor(random.next() * 7)]}${Math.floor(random.next() * 9)}`,
  ];
  return [...odd, ...Array.from({ length: count }, (_, at) => kinds[at % kinds.length]?.() ?? '')];
}

describe('shardOf', () => {
  test.each([1, 2, 3, 4, 7, 8, 64, 1000])('every build is of exactly one of %d shards', (count) => {
    for (const build of names(400)) {
      const shard = shardOf({ root: ROOT, job: 'job', build }, count);
      expect(shard).toBeGreaterThanOrEqual(0);
      expect(shard).toBeLessThan(count);
      expect(shardOf({ root: ROOT, job: 'job', build }, count)).toBe(shard);
    }
  });

  test('does not change from version to version: what one version wrote another goes on with', () => {
    const places = ['1948564050363289600', '1234', '20200722182231', 'run-9'].map((build) =>
      shardOf({ root: ROOT, job: 'ci-job', build }, 1000),
    );
    expect(places).toEqual([476, 226, 431, 536]);
  });

  test('one hot job is spread evenly: by days, and small numbers one by one', () => {
    const daily = Array.from({ length: 800 }, (_, day) => snowflakeAt(1.6e12 + day * 86_400_000 + 5));
    const numbered = Array.from({ length: 800 }, (_, at) => String(1_000 + at));
    for (const builds of [daily, numbered]) {
      const counts = Array.from({ length: 8 }, () => 0);
      for (const build of builds) {
        const shard = shardOf({ root: ROOT, job: 'hot', build }, 8);
        counts[shard] = (counts[shard] ?? 0) + 1;
      }
      expect(Math.min(...counts)).toBeGreaterThan(60);
      expect(Math.max(...counts)).toBeLessThan(145);
    }
  });
});

test('a day of a listing is a whole range of it, whatever ids lie in it', () => {
  const sorted = [...new Set(names(4_000))].sort();
  for (const name of sorted) {
    const day = slotDay(name);
    if (day === undefined) continue;
    expect(name >= snowflakeAt(slotStartMs(day)), name).toBe(true);
    expect(name < snowflakeAt(slotStartMs(day + 1)) || day >= 40_000, name).toBe(true);
  }
  // Names without a day lie before or after all that have one, so that no range passes over them.
  const days = sorted.map((name) => slotDay(name) !== undefined);
  expect(days.slice(days.indexOf(true), days.lastIndexOf(true) + 1).every(Boolean)).toBe(true);
  expect(sorted.filter(isSnowflake).every((name) => slotDay(name) !== undefined)).toBe(true);
});

test('a day is one shard of a job, other jobs have it elsewhere', () => {
  const jobs = Array.from({ length: 50 }, (_, at) => shardOfDay(ROOT, `job-${at}`, 20_000, 8));
  expect(new Set(jobs).size).toBeGreaterThan(5);
});

test.each(['8/8', '-1/8', '1/0', '0.5/2', '1', '1/2/3', 'a/b', '', '0/5001'])('%j is no shard', (text) => {
  expect(() => parseShard(text, '--shard')).toThrow(/is no shard/);
});

test('shards count from 0', () => expect(parseShard('7/8', '--shard')).toEqual({ index: 7, count: 8 }));
