import { expect, test } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import { derived, got, keyed, MINUTE, openPlace, single } from './place.ts';

test('a derivation that fails, or makes much less, leaves what was made before, in error', async () => {
  let keys: readonly string[] = Array.from({ length: 1000 }, (_, at) => `k${at}`);
  let fails = false;
  const place = openPlace([
    single('list', async () => got(place.clock.nowMs)),
    derived(
      'parts',
      ['list'],
      function* () {
        for (const [at, key] of keys.entries()) {
          if (fails && at === 700) throw new SamovarError('malformed', 'broken');
          yield { key, value: { key, fails } };
        }
      },
      { shrinkMin: 0.5 },
    ),
  ]);
  const refresh = async () => {
    place.clock.nowMs += 30 * MINUTE;
    place.cache.want('list', '', 'manual');
    await place.work();
    return place.cache.read('parts', 'k5');
  };
  const before = await refresh();
  expect(before).toMatchObject({ state: 'fresh', json: '{"key":"k5","fails":false}' });
  fails = true;
  expect(await refresh()).toMatchObject({ state: 'error', json: before.json, error: { code: 'malformed' } });
  fails = false;
  keys = keys.slice(0, 400);
  const shrunk = await refresh();
  expect(shrunk).toMatchObject({ state: 'error', json: before.json });
  expect(shrunk.error?.message).toContain('400 where 1000 were before');
  keys = ['k5', ...Array.from({ length: 600 }, (_, at) => `n${at}`)];
  expect(await refresh()).toMatchObject({ state: 'fresh', changedAtMs: before.changedAtMs });
  expect(place.store.cache.keysOf('parts')).toHaveLength(601);
  expect(place.store.cache.selections.totals().entries).toBe(602);
});

test('a source that changes while something is made of it has it made once more', async () => {
  let value = 'old';
  let made = 0;
  const place = openPlace([
    single('list', async () => got(value)),
    derived('parts', ['list'], async function* ({ read }) {
      made += 1;
      const seen = read('list', '') ?? null;
      if (made === 1) {
        value = 'new';
        place.cache.want('list', '', 'manual');
        while (place.cache.read('list', '').json !== '"new"')
          await new Promise((resolve) => setImmediate(resolve));
      }
      yield { key: 'a', value: seen };
    }),
  ]);
  place.cache.want('list', '', 'waiting');
  await place.work();
  expect(made).toBe(2);
  expect(place.cache.read('parts', 'a')).toMatchObject({ state: 'fresh', json: '"new"' });
});

test('what is made of thousands of keyed entries is made once they are in, not for each', async () => {
  const place = openPlace([
    keyed('bugs', async ({ key }) => got(key), { concurrency: 10 }),
    derived('sums', ['bugs'], () => [{ key: '', value: place.store.cache.keysOf('bugs').length }]),
  ]);
  const keys = Array.from({ length: 300 }, (_, at) => `k${at}`);
  place.cache.wantMany('bugs', keys, 'waiting');
  await place.work();
  expect(place.cache.read('sums', '')).toMatchObject({ state: 'fresh', json: '300' });
  expect(place.runs.filter(({ provider }) => provider === 'sums')).toHaveLength(1);
});

test('a change while paused is not lost', async () => {
  let value = 1;
  const place = openPlace([
    single('list', async () => got(value)),
    derived('parts', ['list'], ({ read }) => [{ key: 'a', value: read('list', '') ?? null }]),
  ]);
  place.cache.want('list', '', 'manual');
  await place.work();
  place.cache.pause('parts', true);
  value = 2;
  place.cache.want('list', '', 'manual');
  await place.work();
  expect(place.cache.read('parts', 'a')).toMatchObject({ state: 'stale', json: '1' });
  place.cache.pause('parts', false);
  await place.work();
  expect(place.cache.read('parts', 'a')).toMatchObject({ state: 'fresh', json: '2' });
});

test('what may lack a source is made without it, and anew once it is there', async () => {
  let fails = true;
  const place = openPlace([
    single('list', async () => got(['a'])),
    single('extra', async () => {
      if (fails) throw new SamovarError('refused', 'HTTP 400');
      return got('more');
    }),
    derived('parts', ['list', 'extra'], ({ read }) => [{ key: 'a', value: read('extra', '') ?? 'without' }], {
      mayLack: ['extra'],
    }),
  ]);
  place.cache.want('parts', '', 'manual');
  await place.work();
  expect(place.cache.read('parts', 'a')).toMatchObject({ state: 'error', json: '"without"' });
  fails = false;
  place.cache.want('extra', '', 'manual');
  await place.work();
  expect(place.cache.read('parts', 'a')).toMatchObject({ state: 'fresh', json: '"more"' });
});
