import { expect, test } from 'vitest';
import type { Provider } from '../../pipeline/cache/contract.ts';
import { CLOCKS, derived, got, keyed, openPlace, single } from './place.ts';

const list = single('list', async () => got(1));
const { fetch: _fetch, ...unfetched } = list;

test.each<[string, readonly Provider[], string]>([
  ['a name', [single('List', async () => got(1))], 'a name is a lower-case letter'],
  ['a name twice', [list, list], 'two providers of this name'],
  ['an unknown dependency', [single('a', async () => got(1), { dependsOn: ['b'] })], 'depends on "b"'],
  ['nothing to fetch with', [unfetched], 'nothing says how to fetch'],
  ['nothing to derive from', [derived('a', [], () => [])], 'has to depend on one'],
  ['no concurrency', [{ ...list, concurrency: 0 }], 'concurrency'],
  ['clocks', [{ ...list, clocks: { ...CLOCKS, errorMs: 1 } }], 'errorMs has to be at least staleMs'],
  ['an upstream', [{ ...list, upstream: 'nowhere' }], 'its upstream is no URL'],
  [
    'keys of nobody',
    [keyed('a', async () => got(1), { keys: { rule: 'all', of: 'b' } })],
    'keys from a provider that there is not',
  ],
  [
    'a circle',
    [derived('a', ['c'], () => []), derived('b', ['a'], () => []), derived('c', ['b'], () => [])],
    'depends on itself: a -> c -> b -> a',
  ],
])('a provider with %s that cannot be is refused', (_, providers, text) => {
  expect(() => openPlace(providers)).toThrow(
    expect.objectContaining({ code: 'config', message: expect.stringContaining(text) }),
  );
});

test('a name that there is not is answered with the one that is like it', () => {
  const { cache } = openPlace([list]);
  expect(() => cache.provider('lists')).toThrow(
    expect.objectContaining({ remedy: expect.stringContaining('"list"') }),
  );
});

test('the state of providers, hosts and processes is told', async () => {
  const place = openPlace([
    { ...list, upstream: 'https://list.example.org/api' },
    keyed('bugs', async ({ key }) => {
      if (key === 'bad') throw new Error('broken');
      return key === 'none' ? { kind: 'absent', reason: 'HTTP 404' } : got('x');
    }),
    derived('parts', ['list'], () => [{ key: 'a', value: 1 }]),
  ]);
  place.cache.wantMany('bugs', ['a', 'bad', 'none'], 'waiting');
  place.cache.want('list', '', 'waiting');
  await place.work();
  const states = new Map(place.cache.providerStates().map((state) => [state.provider, state]));
  expect(states.get('bugs')).toMatchObject({
    ...{ entries: { fresh: 2, stale: 0, error: 0, missing: 1 }, bytes: 3, failed: 1, waiting: 0, running: 0 },
    ...{ oldestAgeMs: 0, lastError: { code: 'internal', message: 'bugs: broken' }, durationMs: { p50: 0 } },
  });
  expect(states.get('parts')).toMatchObject({ entries: { fresh: 1 }, lastOkAtMs: place.clock.nowMs });
  const outcomes = place.cache.runs({ provider: 'bugs' }).map(({ key, outcome }) => `${key} ${outcome}`);
  expect(outcomes.sort()).toEqual(['a changed', 'bad failed', 'none absent']);
  expect(place.cache.runs({ failedOnly: true })).toMatchObject([{ key: 'bad', message: 'bugs: broken' }]);
  place.store.cache.hosts.block('list.example.org', 5);
  expect(place.cache.hostStates()).toMatchObject([{ host: 'list.example.org', breaker: 'closed' }]);
});

test('while the breaker of its upstream is open, jobs wait and use up no tries', async () => {
  const place = openPlace([{ ...list, upstream: 'https://list.example.org/api' }]);
  const { hosts } = place.store.cache;
  const limits = { concurrency: 1, gapMs: 0, failuresMax: 1, openMs: 1000 };
  hosts.take('list.example.org', limits, place.clock.nowMs, 10);
  hosts.failed('list.example.org', limits, place.clock.nowMs, 'HTTP 500');
  place.cache.want('list', '', 'waiting');
  expect(await place.work()).toBe(0);
  expect(place.cache.hostStates()).toMatchObject([{ breaker: 'open', lastError: 'HTTP 500' }]);
  place.clock.nowMs += 1000;
  expect(place.cache.hostStates()).toMatchObject([{ breaker: 'half-open' }]);
  expect(await place.work()).toBe(1);
});
