import { expect, test } from 'vitest';
import { CLOCKS, DAY, derived, got, HOUR, keyed, MINUTE, openPlace, single } from './place.ts';

const KEYS = ['a_b', 'axb', 'a%b', 'A_b', '%', '_', '\u{1f600}x', '\u{1f601}', 'caf\u00e9', 'cafe'];
const SOFT = { hard: false, dryRun: false, rewarm: false };
const HARD = { ...SOFT, hard: true };

async function filled() {
  const place = openPlace([
    keyed('bugs', async ({ key }) => got({ key }, { tags: key.startsWith('a') ? ['with a'] : [] })),
    keyed('prs', async () => got(1), { tags: ['people'] }),
    single('list', async () => got(['x', 'y'])),
    derived('parts', ['list'], () => [
      { key: 'x', value: 1 },
      { key: 'y', value: 1 },
    ]),
    derived('sums', ['parts'], () => [{ key: '', value: 2 }]),
  ]);
  place.cache.wantMany('bugs', KEYS, 'waiting');
  place.cache.wantMany('prs', ['a_b', 'zsh'], 'waiting');
  place.cache.want('list', '', 'waiting');
  await place.work();
  place.runs.length = 0;
  return place;
}

const left = ({ cache }: Awaited<ReturnType<typeof filled>>, provider: string) =>
  KEYS.filter((key) => cache.read(provider, key).state !== 'missing');

test.each([
  ['a_', ['a_b']],
  ['a%', ['a%b']],
  ['a', ['a_b', 'axb', 'a%b']],
  ['A', ['A_b']],
  ['%', ['%']],
  ['_', ['_']],
  ['\u{1f600}', ['\u{1f600}x']],
  ['caf\u00e9', ['caf\u00e9']],
  ['nothing', []],
  ['', KEYS],
])('the prefix %j clears the keys that begin so, literally', async (prefix, gone) => {
  const place = await filled();
  const dry = place.cache.clear({ provider: 'bugs', prefix }, { ...HARD, dryRun: true });
  expect(left(place, 'bugs')).toEqual(KEYS);
  expect(place.cache.clear({ provider: 'bugs', prefix }, HARD)).toEqual(dry);
  expect(dry.providers).toMatchObject([{ provider: 'bugs', entries: gone.length }]);
  expect(left(place, 'bugs')).toEqual(KEYS.filter((key) => !gone.includes(key)));
});

test('a prefix without a provider, a key and tags choose over all providers', async () => {
  const names = (result: { providers: readonly { provider: string; entries: number }[] }) =>
    result.providers.map(({ provider, entries }) => [provider, entries]);
  const { cache } = await filled();
  expect(names(cache.clear({ prefix: 'a_' }, SOFT))).toEqual([
    ['bugs', 1],
    ['prs', 1],
  ]);
  expect(names(cache.clear({ key: 'zsh' }, SOFT))).toEqual([['prs', 1]]);
  expect(names(cache.clear({ tag: 'people' }, SOFT))).toEqual([['prs', 2]]);
  expect(names(cache.clear({ tag: 'with a' }, SOFT))).toEqual([['bugs', 3]]);
  expect(names(cache.clear({ tag: 'nobody has it' }, SOFT))).toEqual([]);
  expect(() => cache.clear({ provider: 'bug' }, SOFT)).toThrow('no provider "bug"');
});

test('softly cleared entries are served as stale until the refresh is in; derived ones too', async () => {
  const place = await filled();
  const { cache } = place;
  const result = cache.clear({ provider: 'list' }, { ...SOFT, rewarm: true });
  expect(result.providers.map(({ provider, derived }) => [provider, derived])).toEqual([
    ['list', false],
    ['parts', true],
    ['sums', true],
  ]);
  const states = () => [
    cache.read('list', '').state,
    cache.read('parts', 'x').state,
    cache.read('sums', '').state,
  ];
  expect(states()).toEqual(['stale', 'stale', 'stale']);
  await place.work();
  expect(states()).toEqual(['fresh', 'fresh', 'fresh']);
  expect(place.runs.map(({ provider, outcome }) => [provider, outcome])).toEqual([
    ['list', 'unchanged'],
    ['parts', 'unchanged'],
    ['sums', 'unchanged'],
  ]);
});

test('cleared hard, all is made anew in the order of dependencies', async () => {
  const place = await filled();
  place.cache.clear({}, { ...HARD, rewarm: true });
  expect(place.cache.read('parts', 'x').state).toBe('missing');
  await place.work();
  expect(place.cache.read('sums', '')).toMatchObject({ state: 'fresh', json: '2' });
  expect(left(place, 'bugs')).toEqual(KEYS);
  const derivedRuns = place.runs.map(({ provider }) => provider).filter((name) => name !== 'bugs');
  expect(derivedRuns.filter((name) => name === 'parts')).toHaveLength(1);
});

test('what was checked longer ago can be cleared alone', async () => {
  const place = await filled();
  place.clock.nowMs += HOUR;
  place.cache.want('bugs', 'axb', 'manual');
  await place.work();
  place.clock.nowMs += MINUTE;
  const result = place.cache.clear({ provider: 'bugs', olderThanMs: 30 * MINUTE }, HARD);
  expect(result.providers[0]?.entries).toBe(KEYS.length - 1);
  expect(place.cache.read('bugs', 'axb').state).toBe('fresh');
});

const GC = { dryRun: false, unseenMs: 7 * DAY, runsMs: 2 * DAY };

test('garbage: what is too old, not asked for, retired, unknown; a dry run says the same', async () => {
  const file = (await import('../support/temp.ts')).tempFolder();
  const before = openPlace(
    [
      keyed('bugs', async () => got('x'.repeat(100))),
      keyed('seen', async () => got(1), { keys: { rule: 'seen' } }),
      keyed('health', async () => got(1)),
      keyed('former', async () => got(1)),
    ],
    { file: `${file}/cache.db` },
  );
  for (const name of ['bugs', 'seen', 'health', 'former']) before.cache.wantMany(name, ['a', 'b'], 'waiting');
  await before.work();
  before.close();
  const clocks = { ...CLOCKS, errorMs: 30 * DAY };
  const place = openPlace(
    [
      keyed('bugs', async () => got(1)),
      keyed('seen', async () => got(1), { keys: { rule: 'seen' }, clocks }),
      keyed('health', async () => got(1), { kind: 'retired' }),
    ],
    { file: `${file}/cache.db`, clock: before.clock },
  );
  place.clock.nowMs += 8 * DAY;
  place.cache.seen('package', 'b');
  place.cache.flush();
  const dry = place.cache.collectGarbage({ ...GC, dryRun: true });
  expect(place.store.cache.selections.totals().entries).toBe(8);
  expect(place.cache.collectGarbage(GC)).toEqual(dry);
  const removed = dry.removed.map(({ reason, provider, entries }) => `${reason} ${provider} ${entries}`);
  expect(removed.sort()).toEqual(['retired health 2', 'unknown former 2', 'unseen bugs 2', 'unseen seen 1']);
  expect(dry).toMatchObject({ runs: 8, left: { entries: 1 } });
  expect(place.store.cache.selections.totals()).toEqual(dry.left);
  expect(place.cache.runs()).toEqual([]);
});

test('over its budget the cache loses what was not read for the longest time, until it fits', async () => {
  const place = openPlace([
    single('list', async () => got('x'.repeat(98))),
    keyed('bugs', async () => got('x'.repeat(98))),
    derived('parts', ['list'], () => [{ key: 'x', value: 'x'.repeat(98) }]),
  ]);
  place.cache.wantMany('bugs', ['a', 'b', 'c', 'd'], 'waiting');
  place.cache.want('list', '', 'waiting');
  await place.work();
  for (const key of ['c', 'a', 'd', 'b']) {
    place.clock.nowMs += MINUTE;
    place.cache.read('bugs', key);
    place.cache.flush();
  }
  const result = place.cache.collectGarbage({ ...GC, bytesMax: 450, rowsMax: 5 });
  expect(result.left).toEqual({ entries: 4, bytes: 400 });
  const states = place.cache.readMany('bugs', ['a', 'b', 'c', 'd']).map(({ state }) => state);
  expect(states).toEqual(['missing', 'fresh', 'missing', 'fresh']);
  expect(place.cache.read('parts', 'x').state).not.toBe('missing');
});
