import { expect, test } from 'vitest';
import { derived, got, keyed, openPlace, single } from './place.ts';

function opened() {
  const values = new Map<string, string>();
  const place = openPlace([
    single('names', async () => got([...values.keys()])),
    keyed('pages', async ({ key }) => got(values.get(key) ?? 'first')),
    derived('copies', ['names'], () => [...values.keys()].map((key) => ({ key, value: key }))),
  ]);
  const fetchAll = async (...keys: readonly string[]) => {
    place.cache.wantMany('pages', keys, 'manual');
    await place.work();
  };
  return { values, place, fetchAll, cache: place.cache };
}

test('changes are told one by one: those after a seq, and no others', async () => {
  const { values, place, fetchAll, cache } = opened();
  await fetchAll('a', 'b', 'c');
  const seq = cache.seq();
  expect(cache.changesSince(seq)).toEqual([]);
  values.set('b', 'second');
  await fetchAll('a', 'b', 'c');
  expect(cache.changesSince(seq)).toEqual([{ provider: 'pages', key: 'b' }]);
  place.close();
});

test.each([
  ['removed', true],
  ['marked stale', false],
])('what is %s by a clear is told by there being no list', async (_, hard) => {
  const { place, fetchAll, cache } = opened();
  await fetchAll('a', 'b');
  const seq = cache.seq();
  cache.clear({ provider: 'pages', key: 'a' }, { hard, dryRun: false, rewarm: false });
  expect(cache.seq()).toBeGreaterThan(seq);
  expect(cache.changesSince(seq)).toBeUndefined();
  place.close();
});

test('a key that is not derived any more is told likewise; after the next change lists are told again', async () => {
  const { values, place, fetchAll, cache } = opened();
  const make = async () => {
    cache.want('names', '', 'manual');
    await place.work();
  };
  for (const key of ['x', 'y', 'z']) values.set(key, key);
  await make();
  const seq = cache.seq();
  values.delete('y');
  await make();
  expect(cache.changesSince(seq)).toBeUndefined();
  await fetchAll('p');
  const later = cache.seq();
  await fetchAll('q');
  expect(cache.changesSince(later)).toEqual([{ provider: 'pages', key: 'q' }]);
  place.close();
});

test('more changes than are worth looking through are no list', async () => {
  const { place, fetchAll, cache } = opened();
  const seq = cache.seq();
  await fetchAll(...Array.from({ length: 501 }, (_, at) => `key ${at}`));
  expect(cache.changesSince(seq)).toBeUndefined();
  place.close();
});
