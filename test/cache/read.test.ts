import { expect, test } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import { CLOCKS, derived, got, HOUR, keyed, MINUTE, openPlace, single } from './place.ts';

test('an entry is fresh to the last millisecond of its ttl, then stale, then missing', async () => {
  const place = openPlace([single('releases', async () => got(['f40']))]);
  expect(place.cache.read('releases', '')).toMatchObject({ state: 'missing', json: undefined });
  place.cache.want('releases', '', 'waiting');
  await place.work();
  const read = (ms: number) => {
    place.clock.nowMs = start + ms;
    const { state, json, ageMs } = place.cache.read('releases', '');
    return [state, json, ageMs];
  };
  const start = place.clock.nowMs;
  const { ttlMs, staleMs } = CLOCKS;
  expect(read(0)).toEqual(['fresh', '["f40"]', 0]);
  expect(read(ttlMs)).toEqual(['fresh', '["f40"]', ttlMs]);
  expect(read(ttlMs + 1)).toEqual(['stale', '["f40"]', ttlMs + 1]);
  expect(read(ttlMs + staleMs)).toEqual(['stale', '["f40"]', ttlMs + staleMs]);
  expect(read(ttlMs + staleMs + 1)).toEqual(['missing', undefined, ttlMs + staleMs + 1]);
  // A clock that was put back.
  expect(read(-HOUR)).toEqual(['fresh', '["f40"]', 0]);
});

test('a failed refresh leaves the old value, with its error, until errorMs is over', async () => {
  let fails = false;
  const place = openPlace([
    single('releases', async () => {
      if (fails) throw new SamovarError('unavailable', 'HTTP 500');
      return got(['f40']);
    }),
  ]);
  place.cache.want('releases', '', 'waiting');
  await place.work();
  const start = place.clock.nowMs;
  fails = true;
  place.cache.want('releases', '', 'manual');
  await place.work();
  const state = (ms: number) => {
    place.clock.nowMs = start + ms;
    return place.cache.read('releases', '');
  };
  const { ttlMs, errorMs } = CLOCKS;
  const error = { code: 'unavailable', message: 'HTTP 500', atMs: start };
  expect(state(ttlMs)).toMatchObject({ state: 'fresh', error });
  expect(state(ttlMs + 1)).toMatchObject({ state: 'error', json: '["f40"]', error });
  expect(state(ttlMs + errorMs)).toMatchObject({ state: 'error' });
  expect(state(ttlMs + errorMs + 1)).toMatchObject({ state: 'missing', json: undefined, error });
});

test('what the upstream does not know is believed for negativeMs, and then asked again', async () => {
  let calls = 0;
  const fetch = async () => {
    calls += 1;
    return { kind: 'absent', reason: 'HTTP 404' } as const;
  };
  const place = openPlace([keyed('bugs', fetch)]);
  place.cache.want('bugs', 'nope', 'waiting');
  await place.work();
  expect(place.cache.read('bugs', 'nope')).toMatchObject({ state: 'fresh', isAbsent: true, json: undefined });
  expect(place.cache.want('bugs', 'nope', 'waiting')).toBe(false);
  place.clock.nowMs += CLOCKS.negativeMs + 1;
  expect(place.cache.read('bugs', 'nope')).toMatchObject({ state: 'stale', isAbsent: true });
  expect(place.cache.want('bugs', 'nope', 'waiting')).toBe(true);
  await place.work();
  expect(calls).toBe(2);
});

test('a look at many keeps the order, with repeated and missing keys', async () => {
  const place = openPlace([keyed('bugs', async ({ key }) => got({ key }))]);
  const keys = ['b', 'a_', 'A', '%', '\u{1f600}', 'caf\u00e9'];
  place.cache.wantMany('bugs', keys, 'waiting');
  await place.work();
  const asked = ['caf\u00e9', 'none', 'a_', 'a_', '\u{1f600}', 'also none', 'A', '%', 'b'];
  const reads = place.cache.readMany('bugs', asked);
  expect(reads.map(({ key }) => key)).toEqual(asked);
  expect(reads.map(({ json }) => json && JSON.parse(json).key)).toEqual(
    asked.map((key) => (keys.includes(key) ? key : undefined)),
  );
});

test('a large value is stored smaller and read whole', async () => {
  const large = Array.from({ length: 5000 }, (_, at) => `package-${at}`);
  const place = openPlace([single('all', async () => got(large))]);
  place.cache.want('all', '', 'waiting');
  await place.work();
  expect(place.cache.read('all', '').json).toBe(JSON.stringify(large));
  const [status] = place.cache.providerStates();
  expect(status?.bytes).toBeLessThan(JSON.stringify(large).length / 2);
});

test('a retired provider is served as what stands for nothing, and never fetched', async () => {
  const gone = single('health', async () => got(1), { kind: 'retired', empty: [] });
  const place = openPlace([gone]);
  expect(place.cache.read('health', 'x')).toMatchObject({ state: 'fresh', json: '[]' });
  expect(place.cache.want('health', 'x', 'manual')).toBe(false);
});

test('a read writes nothing; flush notes what was read', async () => {
  const place = openPlace([keyed('bugs', async () => got(1))]);
  place.cache.want('bugs', 'a', 'waiting');
  await place.work();
  const accessAt = () => [...place.store.cache.selections.meta()][0]?.accessAt;
  const before = accessAt();
  place.clock.nowMs += HOUR;
  place.cache.read('bugs', 'a');
  expect(accessAt()).toBe(before);
  place.cache.flush();
  expect(accessAt()).toBe(place.clock.nowMs);
});

test('a derived entry is as old as what it was made of, and stays fresh while that is looked at', async () => {
  let list = ['a', 'b'];
  const place = openPlace([
    single('list', async () => got(list)),
    derived(
      'parts',
      ['list'],
      function* ({ read }) {
        for (const key of (read('list', '') as string[]) ?? []) yield { key, value: [key] };
      },
      { empty: [] },
    ),
  ]);
  const refresh = async () => {
    place.cache.want('list', '', 'manual');
    await place.work();
  };
  expect(place.cache.read('parts', 'a').state).toBe('missing');
  await refresh();
  expect(place.cache.read('parts', 'a')).toMatchObject({ state: 'fresh', json: '["a"]' });
  // Everything there is was made: this is not among it.
  expect(place.cache.read('parts', 'z')).toMatchObject({ state: 'fresh', json: '[]' });
  place.clock.nowMs += CLOCKS.ttlMs + 1;
  expect(place.cache.read('parts', 'a').state).toBe('stale');
  const derivations = place.runs.filter(({ provider }) => provider === 'parts').length;
  await refresh();
  expect(place.cache.read('parts', 'a')).toMatchObject({ state: 'fresh', ageMs: 0 });
  expect(place.runs.filter(({ provider }) => provider === 'parts')).toHaveLength(derivations);
  list = ['b', 'c'];
  place.clock.nowMs += MINUTE;
  await refresh();
  const reads = place.cache.readMany('parts', ['a', 'b', 'c']);
  expect(reads.map(({ json }) => json)).toEqual(['[]', '["b"]', '["c"]']);
});

test('a derived entry wanted by somebody has its sources refreshed', async () => {
  const place = openPlace([
    single('list', async () => got(['a'])),
    derived('parts', ['list'], () => [{ key: 'a', value: 1 }]),
  ]);
  expect(place.cache.want('parts', 'a', 'waiting')).toBe(true);
  expect(place.cache.want('parts', 'a', 'waiting')).toBe(false);
  await place.work();
  expect(place.cache.read('parts', 'a')).toMatchObject({ state: 'fresh', json: '1' });
  expect(place.cache.want('parts', 'a', 'waiting')).toBe(false);
});
