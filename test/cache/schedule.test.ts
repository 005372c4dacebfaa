import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nextSlot } from '../../pipeline/cache/schedule-time.ts';
import { runScheduler, SCHEDULER_LEASE_MS } from '../../pipeline/cache/scheduler.ts';
import { warm } from '../../pipeline/cache/warm.ts';
import { runWorker } from '../../pipeline/cache/worker.ts';
import { tempFolder } from '../support/temp.ts';
import { CLOCKS, DAY, derived, got, HOUR, keyed, MINUTE, openPlace, single } from './place.ts';

const EVERY_2H = { ...CLOCKS, intervalMs: 2 * HOUR };
const PACKAGES = Array.from({ length: 30_000 }, (_, at) => `package-${at}`);
const ALL = { rule: 'given', keys: PACKAGES } as const;

/** Jobs of each minute, with no worker in the way. */
function minutesOf(place: ReturnType<typeof openPlace>, minutes: number): readonly number[] {
  return Array.from({ length: minutes }, () => {
    place.clock.nowMs += MINUTE;
    const { wanted } = place.schedule();
    place.store.cache.jobs.removeIdle('bugs');
    return wanted;
  });
}

test('30,000 keys are spread over their interval: no minute has more than 1.3 times the mean, after a standstill too', () => {
  const place = openPlace([keyed('bugs', async () => got(1), { clocks: EVERY_2H, keys: ALL })]);
  place.schedule();
  const mean = PACKAGES.length / 120;
  const first = minutesOf(place, 120);
  expect(first.reduce((sum, jobs) => sum + jobs)).toBe(PACKAGES.length);
  expect(Math.max(...first)).toBeLessThanOrEqual(mean * 1.3);
  place.clock.nowMs += 12 * HOUR;
  const second = minutesOf(place, 120);
  expect(Math.max(...second)).toBeLessThanOrEqual(mean * 1.3);
  expect(second.reduce((sum, jobs) => sum + jobs)).toBeGreaterThan(PACKAGES.length);
}, 120_000);

test('a key has the same place in every interval, after every restart', () => {
  const now = Date.UTC(2030, 0, 1);
  const first = nextSlot('bugs', 'bash', 2 * HOUR, now);
  expect(first).toBeGreaterThan(now);
  expect(first).toBeLessThanOrEqual(now + 2 * HOUR);
  expect(nextSlot('bugs', 'bash', 2 * HOUR, first - 1)).toBe(first);
  expect(nextSlot('bugs', 'bash', 2 * HOUR, first)).toBe(first + 2 * HOUR);
  expect(nextSlot('bugs', 'zsh', 2 * HOUR, now)).not.toBe(first);
});

test('one of two schedulers schedules; the other takes over when it gives no more signs', () => {
  const file = join(tempFolder(), 'cache.db');
  const providers = [single('list', async () => got(1), { clocks: EVERY_2H })];
  const one = openPlace(providers, { file });
  const two = openPlace(providers, { file, clock: one.clock });
  expect(one.schedule({ name: 's1' })).toEqual({ leads: true, wanted: 1 });
  expect(two.schedule({ name: 's2' })).toEqual({ leads: false, wanted: 0 });
  one.clock.nowMs += SCHEDULER_LEASE_MS - 1;
  expect(two.schedule({ name: 's2' }).leads).toBe(false);
  one.clock.nowMs += 1;
  expect(two.schedule({ name: 's2' }).leads).toBe(true);
  expect(one.schedule({ name: 's1' }).leads).toBe(false);
  expect(one.cache.processes()).toMatchObject([{ role: 'scheduler', name: 's2' }]);
});

test('a scheduler that ends lets the next one begin at once', async () => {
  const place = openPlace([]);
  const stop = new AbortController();
  const leads: boolean[] = [];
  const sleep = async () => stop.abort();
  await runScheduler({
    ...place.parts,
    name: 's1',
    sleep,
    signal: stop.signal,
    onLead: (now) => leads.push(now),
  });
  expect(leads).toEqual([true, false]);
  expect(place.schedule({ name: 's2' }).leads).toBe(true);
});

test('what was asked for lately is kept warm, what was not is let go', async () => {
  const bugs = keyed('bugs', async () => got(1), { clocks: EVERY_2H, keys: { rule: 'seen' } });
  const place = openPlace([bugs], { seenMs: DAY });
  const day = async () => {
    for (let hour = 0; hour < 24; hour += 1) {
      place.clock.nowMs += HOUR;
      place.schedule();
      await place.work();
    }
    return place.runs.splice(0).length;
  };
  place.cache.seen('package', 'bash');
  place.cache.flush();
  expect(await day()).toBeGreaterThanOrEqual(11);
  expect(await day()).toBeLessThanOrEqual(1);
});

test('keys of another provider: a new one is fetched within an interval, one that is gone no more', async () => {
  let names = ['a', 'b'];
  const fetched: string[] = [];
  const fetch = async ({ key }: { key: string }) => {
    fetched.push(key);
    return got(1);
  };
  const place = openPlace([
    single('names', async () => got(names)),
    keyed('bugs', fetch, { clocks: EVERY_2H, keys: { rule: 'all', of: 'names' } }),
  ]);
  const interval = async () => {
    place.cache.want('names', '', 'manual');
    fetched.length = 0;
    for (let part = 0; part < 5; part += 1) {
      await place.work();
      place.schedule();
      place.clock.nowMs += 30 * MINUTE;
    }
    await place.work();
    return [...new Set(fetched)].sort();
  };
  expect(await interval()).toEqual(['a', 'b']);
  names = ['b', 'c'];
  await interval();
  expect(await interval()).toEqual(['b', 'c']);
});

test('providers are warmed in the order of their dependencies, each after what it needs', async () => {
  const order: string[] = [];
  const fetch = (name: string) => async () => {
    order.push(name);
    return got([name]);
  };
  const names = [
    'fedora_releases',
    ...['bodhi_updates', 'bodhi_overrides', 'package_versions_generic', 'pagure_groups', 'koschei_data'],
    'packages_owners_json',
  ];
  const place = openPlace([
    derived('static_block', names, function* () {
      order.push('static_block');
      yield { key: 'bash', value: 1 };
    }),
    ...names.map((name, at) =>
      single(name, fetch(name), { dependsOn: at === 0 ? [] : ['fedora_releases'], concurrency: 1 }),
    ),
    keyed('bugs', fetch('bugs')),
  ]);
  const stop = new AbortController();
  const worker = runWorker(place.worker({ stopping: stop.signal, concurrency: 1 }));
  const { signal, sleep } = place.worker();
  const progress: string[] = [];
  const failed = await warm({
    ...{ ...place.parts, sleep, signal },
    onProgress: ({ provider, state }) => progress.push(`${provider} ${state}`),
  });
  stop.abort();
  await worker;
  expect(failed).toEqual([]);
  expect(order).toEqual([...names, 'static_block']);
  expect(progress.indexOf('fedora_releases done')).toBeLessThan(progress.indexOf('bodhi_updates wanted'));
  expect(place.cache.read('static_block', 'bash').state).toBe('fresh');
});

test('six hours of errors: the old values are served, polls want nothing more, calls are few', async () => {
  const { SamovarError } = await import('../../pipeline/errors.ts');
  let fails = false;
  let calls = 0;
  const bugs = keyed(
    'bugs',
    async () => {
      calls += 1;
      if (fails) throw new SamovarError('unavailable', 'HTTP 500', { status: 500 });
      return got(1);
    },
    { clocks: { ...CLOCKS, intervalMs: HOUR }, keys: { rule: 'given', keys: ['a', 'b', 'c', 'd', 'e'] } },
  );
  const place = openPlace([bugs]);
  const keys = ['a', 'b', 'c', 'd', 'e'];
  place.cache.wantMany('bugs', keys, 'waiting');
  await place.work();
  fails = true;
  calls = 0;
  let polls = 0;
  let wanted = 0;
  for (let second = 0; second < 6 * 3600; second += 10) {
    place.clock.nowMs += 10_000;
    for (let client = 0; client < 5; client += 1) {
      const states = place.cache.readMany('bugs', keys).map(({ state }) => state);
      if (second > 1200) expect(new Set(states)).toEqual(new Set(['error']));
      for (const [at, state] of states.entries())
        if (state !== 'fresh') {
          polls += 1;
          if (place.cache.want('bugs', keys[at] ?? '', 'waiting')) wanted += 1;
        }
    }
    place.schedule();
    await place.work();
  }
  expect(polls).toBeGreaterThan(50_000);
  // Seven pauses of up to half an hour in all, then one an hour at most: about 14 for each of five keys.
  expect(calls).toBeLessThan(5 * 40);
  expect(wanted).toBeLessThan(5 * 40);
  expect(place.cache.jobs()).toHaveLength(5);
});
