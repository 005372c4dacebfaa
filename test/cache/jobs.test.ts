import { join } from 'node:path';
import { expect, test } from 'vitest';
import { claim } from '../../pipeline/cache/claim.ts';
import { execute } from '../../pipeline/cache/execute.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { tempFolder } from '../support/temp.ts';
import { CLOCKS, derived, got, HOUR, keyed, MINUTE, openPlace, single } from './place.ts';

test('200 misses at once, in two processes, make one upstream call', async () => {
  let calls = 0;
  const fetch = async () => {
    calls += 1;
    await new Promise((resolve) => setImmediate(resolve));
    return got('x');
  };
  const file = join(tempFolder(), 'cache.db');
  const one = openPlace([keyed('bugs', fetch)], { file });
  const two = openPlace([keyed('bugs', fetch)], { file, clock: one.clock });
  const wanted: boolean[] = [];
  for (let at = 0; at < 100; at += 1)
    for (const { cache } of [one, two]) wanted.push(cache.want('bugs', 'bash', 'waiting'));
  await Promise.all([one.work({ name: 'w1' }), two.work({ name: 'w2' })]);
  // Those that saw it missing, but ask only now.
  for (const { cache } of [one, two]) wanted.push(cache.want('bugs', 'bash', 'waiting'));
  await Promise.all([one.work({ name: 'w1' }), two.work({ name: 'w2' })]);
  expect(calls).toBe(1);
  expect(wanted.filter(Boolean)).toHaveLength(1);
  expect(two.cache.read('bugs', 'bash')).toMatchObject({ state: 'fresh', json: '"x"' });
  one.close();
  two.close();
});

test('a job whose worker is silent goes to another one; the first comes too late to write', async () => {
  const file = join(tempFolder(), 'cache.db');
  let answer: (() => void) | undefined;
  const slow = keyed('bugs', () => new Promise((resolve) => (answer = () => resolve(got('old')))));
  const quick = keyed('bugs', async () => got('new'));
  const one = openPlace([slow], { file });
  const two = openPlace([quick], { file, clock: one.clock });
  one.cache.want('bugs', 'bash', 'waiting');
  const first = claim(one.parts, 'w1');
  if (first === undefined) throw new Error('nothing claimed');
  const silent = execute(one.worker(), first, new AbortController().signal);
  expect(await two.work({ name: 'w2' })).toBe(0);
  two.clock.nowMs += 60_000;
  expect(await two.work({ name: 'w2' })).toBe(1);
  const after = two.cache.read('bugs', 'bash');
  answer?.();
  await silent;
  expect(one.runs.map(({ outcome }) => outcome)).toEqual(['superseded']);
  expect(two.runs.map(({ outcome, attempt }) => [outcome, attempt])).toEqual([['changed', 2]]);
  expect(one.cache.read('bugs', 'bash')).toEqual(after);
  expect(after.json).toBe('"new"');
  expect(one.cache.jobs()).toEqual([]);
});

test.each(['soft', 'hard'] as const)(
  'what is being fetched when it is cleared (%s) is fetched again',
  async (way) => {
    const answers: ((value: string) => void)[] = [];
    const fetch = () => new Promise<ReturnType<typeof got>>((done) => answers.push((v) => done(got(v))));
    const place = openPlace([
      single('list', fetch),
      derived('parts', ['list'], ({ read }) => [{ key: 'a', value: read('list', '') ?? null }]),
    ]);
    place.cache.want('list', '', 'waiting');
    const done = place.work();
    await until(() => answers.length === 1);
    place.cache.clear({ provider: 'list' }, { hard: way === 'hard', dryRun: false, rewarm: false });
    answers[0]?.('before the clear');
    await until(() => answers.length === 2);
    expect(place.cache.read('list', '').state).toBe('missing');
    expect(place.cache.read('parts', 'a').state).toBe('missing');
    answers[1]?.('after the clear');
    await done;
    expect(place.runs.map(({ provider, outcome }) => [provider, outcome])).toEqual([
      ['list', 'superseded'],
      ['list', 'changed'],
      ['parts', 'changed'],
    ]);
    expect(place.cache.read('parts', 'a').json).toBe('"after the clear"');
  },
);

async function until(holds: () => boolean) {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test('an equal value or a 304 moves only the time of the look', async () => {
  const etags: (string | undefined)[] = [];
  let isSame = false;
  const place = openPlace([
    single('list', async ({ previous }) => {
      etags.push(previous?.etag);
      return isSame ? { kind: 'unchanged' } : got(['a'], { etag: 'v1' });
    }),
    derived('parts', ['list'], () => [{ key: 'a', value: 1 }]),
  ]);
  const refresh = async () => {
    place.clock.nowMs += MINUTE;
    place.cache.want('list', '', 'manual');
    await place.work();
    return place.cache.read('list', '');
  };
  const first = await refresh();
  const seq = place.cache.seq();
  const equal = await refresh();
  isSame = true;
  const unchanged = await refresh();
  expect(place.cache.seq()).toBe(seq);
  expect([equal, unchanged].map(({ changedAtMs, seq }) => [changedAtMs, seq])).toEqual([
    [first.changedAtMs, first.seq],
    [first.changedAtMs, first.seq],
  ]);
  expect(unchanged.checkedAtMs).toBe(place.clock.nowMs);
  expect(place.runs.filter(({ provider }) => provider === 'parts')).toHaveLength(1);
  expect(etags).toEqual([undefined, 'v1', 'v1']);
  // Stale before: now a reader sees something better, so an answer made before is another one.
  place.clock.nowMs += CLOCKS.ttlMs;
  await refresh();
  expect(place.cache.seq()).toBeGreaterThan(seq);
});

test('a 304 with nothing cached is an error, and is asked again without a condition', async () => {
  const seen: unknown[] = [];
  const place = openPlace([
    single('list', async ({ previous }) => {
      seen.push(previous);
      return seen.length === 1 ? { kind: 'unchanged' } : got(1);
    }),
  ]);
  place.cache.want('list', '', 'waiting');
  await place.work();
  expect(place.cache.read('list', '')).toMatchObject({ state: 'missing', error: { code: 'malformed' } });
  place.clock.nowMs += HOUR;
  await place.work();
  expect(seen).toEqual([undefined, undefined]);
  expect(place.cache.read('list', '').state).toBe('fresh');
});

test('a value that does not fit its schema, and one that shrinks, leave the old one', async () => {
  let value: unknown = ['a', 'b', 'c', 'd'];
  const list = single('list', async () => got(value as never), {
    schema: { type: 'array', items: { type: 'string' } },
    shrinkMin: 0.5,
  });
  const place = openPlace([list]);
  const refresh = async (next: unknown) => {
    value = next;
    place.cache.want('list', '', 'manual');
    await place.work();
    return place.cache.read('list', '');
  };
  await refresh(value);
  expect(await refresh([1])).toMatchObject({ json: '["a","b","c","d"]', error: { code: 'malformed' } });
  expect((await refresh(['a'])).error?.message).toContain('1 where 4 were before');
  expect(await refresh(['a', 'b'])).toMatchObject({ json: '["a","b"]' });
  expect((await refresh(['a'])).json).toBe('["a"]');
  await refresh(['1', '2', '3']);
  // An operator who knows better clears it.
  expect((await refresh(['x'])).error).toBeDefined();
  place.cache.clear({ provider: 'list' }, { hard: true, dryRun: false, rewarm: true });
  await place.work();
  expect(place.cache.read('list', '')).toMatchObject({ state: 'fresh', json: '["x"]' });
});

test('one call fetches as many keys as the upstream can; a key without an answer fails alone', async () => {
  const batches: (readonly string[])[] = [];
  const { fetch: _fetch, ...rest } = keyed('bugs', async () => got(1));
  const place = openPlace([
    {
      ...rest,
      fetchMany: {
        batchMax: 3,
        fetch: async ({ keys }) => {
          batches.push(keys.map(({ key }) => key));
          return new Map(keys.filter(({ key }) => key !== 'b').map(({ key }) => [key, got(key)]));
        },
      },
    },
  ]);
  place.cache.wantMany('bugs', ['a', 'b', 'c', 'd'], 'waiting');
  await place.work();
  expect(batches).toEqual([['a', 'b', 'c'], ['d']]);
  const reads = place.cache.readMany('bugs', ['a', 'b', 'c', 'd']);
  expect(reads.map(({ json, error }) => json ?? error?.code)).toEqual(['"a"', 'malformed', '"c"', '"d"']);
});

test('the most urgent goes first, and what waited long overtakes it', async () => {
  const order: string[] = [];
  const bugs = keyed('bugs', async ({ key }) => {
    order.push(key);
    return got(1);
  });
  const place = openPlace([bugs]);
  place.cache.want('bugs', 'scheduled long ago', 'schedule');
  place.clock.nowMs += 16 * MINUTE;
  place.cache.want('bugs', 'scheduled', 'schedule');
  place.cache.want('bugs', 'dependency', 'dependency');
  place.cache.want('bugs', 'manual', 'manual');
  place.cache.want('bugs', 'raised', 'schedule');
  place.cache.want('bugs', 'waiting', 'waiting');
  place.clock.nowMs += 1;
  expect(place.cache.want('bugs', 'raised', 'waiting')).toBe(true);
  await place.work({ concurrency: 1 });
  const first = 'scheduled long ago';
  expect(order).toEqual([first, 'raised', 'waiting', 'manual', 'dependency', 'scheduled']);
});

test('no more jobs of a provider run at once than it allows, over all workers', async () => {
  let running = 0;
  let most = 0;
  const bugs = keyed('bugs', async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return got(1);
  });
  const file = join(tempFolder(), 'cache.db');
  const one = openPlace([bugs], { file });
  const two = openPlace([bugs], { file, clock: one.clock });
  one.cache.wantMany('bugs', [...'abcdefghijkl'], 'waiting');
  await Promise.all([one.work({ name: 'w1' }), two.work({ name: 'w2' })]);
  expect(most).toBe(2);
  expect([...one.runs, ...two.runs]).toHaveLength(12);
});

test('a refused request is not made again by itself, one that failed is, after a growing pause', async () => {
  let code: 'refused' | 'unavailable' = 'refused';
  let calls = 0;
  const place = openPlace([
    single('list', async () => {
      calls += 1;
      throw new SamovarError(code, 'no');
    }),
  ]);
  place.cache.want('list', '', 'waiting');
  const hours = async (count: number) => {
    for (let minute = 0; minute < count * 60; minute += 1) {
      await place.work();
      place.clock.nowMs += MINUTE;
    }
  };
  await hours(6);
  expect(calls).toBe(1);
  expect(place.cache.want('list', '', 'waiting')).toBe(true);
  code = 'unavailable';
  await hours(6);
  expect(calls).toBeGreaterThan(6);
  expect(calls).toBeLessThan(40);
});

test('jobs survive a restart, and a pause; retry and cancel', async () => {
  const file = join(tempFolder(), 'cache.db');
  const before = openPlace([keyed('bugs', async () => got(1))], { file });
  before.cache.wantMany('bugs', ['a', 'b'], 'waiting');
  before.cache.pause('bugs', true);
  expect(before.cache.want('bugs', 'c', 'manual')).toBe(false);
  before.close();
  const after = openPlace([keyed('bugs', async () => got(1))], { file });
  expect(await after.work()).toBe(0);
  const [job] = after.cache.jobs({ provider: 'bugs' });
  expect(after.cache.cancel(job?.id ?? 0)).toBe(true);
  after.cache.pause(undefined, false);
  expect(await after.work()).toBe(1);
  expect(after.cache.retry(job?.id ?? 0)).toBe(false);
});

test('a job that never ends is given up, and is tried again', async () => {
  const place = openPlace([single('list', () => new Promise(() => undefined))]);
  place.cache.want('list', '', 'waiting');
  await place.work({ jobTimeoutMs: 5 });
  expect(place.runs).toMatchObject([{ outcome: 'failed', code: 'timeout' }]);
});

test('a worker that is told to stop gives back what it was doing', async () => {
  const stop = new AbortController();
  const place = openPlace([
    single('list', async () => {
      stop.abort(new Error('stop'));
      return new Promise(() => undefined);
    }),
  ]);
  place.cache.want('list', '', 'waiting');
  await place.work({ signal: stop.signal });
  expect(place.cache.jobs()).toMatchObject([{ state: 'waiting', attempt: 0 }]);
  expect(place.cache.read('list', '').error).toBeUndefined();
});

test('a keyed dependant of a few entries is fetched again, one of thousands is not all at once', async () => {
  let releases = ['f40'];
  let fetched = 0;
  const place = openPlace([
    single('releases', async () => got(releases)),
    keyed(
      'bugs',
      async () => {
        fetched += 1;
        return got(1);
      },
      { dependsOn: ['releases'], concurrency: 100 },
    ),
  ]);
  const change = async (list: string[]) => {
    releases = list;
    fetched = 0;
    place.cache.want('releases', '', 'manual');
    await place.work();
    return fetched;
  };
  await change(['f40']);
  place.cache.wantMany('bugs', ['a', 'b', 'c'], 'waiting');
  await place.work();
  expect(await change(['f40', 'f41'])).toBe(3);
  expect(await change(['f40', 'f41'])).toBe(0);
  const many = Array.from({ length: 300 }, (_, at) => `p${at}`);
  place.cache.wantMany('bugs', many, 'waiting');
  await place.work();
  expect(await change(['f42'])).toBe(0);
  expect(place.cache.read('bugs', 'p7').state).toBe('stale');
});
