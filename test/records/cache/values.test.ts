import { describe, expect, test } from 'vitest';
import { abrtValue } from '../../../pipeline/records/cache/abrt.ts';
import { overridesValue, packageOf, updatesValue } from '../../../pipeline/records/cache/bodhi.ts';
import { bugsOf } from '../../../pipeline/records/cache/bugs.ts';
import { fieldsOf, group, linkOf, nameOf, sift } from '../../../pipeline/records/cache/fields.ts';
import { ciStatus } from '../../../pipeline/records/cache/pulls.ts';
import { labelOf, releasesValue } from '../../../pipeline/records/cache/releases.ts';
import { scheduleValue } from '../../../pipeline/records/cache/schedule.ts';
import { msOf, timeOf } from '../../../pipeline/records/cache/times.ts';

describe('a time of an upstream', () => {
  test.each([
    ['2026-03-01 10:20:30', '2026-03-01 10:20:30'],
    ['2026-03-01T10:20:30Z', '2026-03-01 10:20:30'],
    ['2026-03-01T10:20:30.123+02:00', '2026-03-01 08:20:30'],
    ['2026-03-01', '2026-03-01 00:00:00'],
    ['1772360430', '2026-03-01 10:20:30'],
    [1772360430, '2026-03-01 10:20:30'],
  ])('%s is %s', (given, text) => expect(timeOf(given)).toBe(text));

  test.each([
    '',
    'yesterday',
    '2026-13-01',
    '2026-03-01 25:00:00',
    '9'.repeat(50),
    -1,
    1e300,
    Number.NaN,
    null,
    {},
    [],
  ])('%j is none', (given) => expect(msOf(given)).toBeUndefined());
});

describe('a release is called', () => {
  test.each([
    ['F41', 'Fedora 41'],
    ['f44', 'Fedora Rawhide'],
    ['rawhide', 'Fedora Rawhide'],
    ['main', 'Fedora Rawhide'],
    ['EPEL-9', 'EPEL 9'],
    ['epel10.1', 'EPEL 10.1'],
    ['el6', 'EPEL 6'],
    ['ELN', 'Fedora ELN'],
    ['Fedora 42', 'Fedora 42'],
  ])('%s: %s', (name, label) => expect(labelOf(name, 44)).toBe(label));

  test.each(['F41F', 'constructor', '', 'f', 'f99999', 'epel'])('and %j nothing', (name) =>
    expect(labelOf(name, 44)).toBeUndefined(),
  );
});

describe('releases', () => {
  const of = (...names: readonly (readonly [string, string, string])[]) =>
    releasesValue(names.map(([name, branch, state]) => ({ name, branch, state }))).value.fedora;

  test('have no branched one between two branchings', () => {
    const fedora = of(['F43', 'f43', 'current'], ['F44', 'rawhide', 'pending'], ['F42', 'f42', 'current']);
    expect(fedora).toEqual({
      values: [42, 43, 44],
      stable: 43,
      branched: null,
      branched_frozen: false,
      rawhide: 44,
    });
  });

  test('without Rawhide or without a stable one are refused', () => {
    expect(() => of(['F43', 'f43', 'current'])).toThrow(/Rawhide/);
    expect(() => of(['F44', 'rawhide', 'pending'], ['F43', 'f43', 'pending'])).toThrow(/stable/);
  });
});

describe('updates', () => {
  const update = (more: object = {}) => ({
    ...{ alias: 'A-1', status: 'testing', builds: [{ nvr: 'vim-9.1-1.fc42' }, { nvr: 'gtk+-2.0-3.fc42' }] },
    ...{ autotime: true, stable_days: 7, date_testing: '2026-03-01 00:00:00', release: { name: 'F42' } },
    ...more,
  });

  test('stand under every package with a build in them, once', () => {
    const { value } = updatesValue([update(), update({ karma: 2 })], 44);
    expect(Object.keys(value)).toEqual(['gtk+', 'vim']);
    expect(value.vim).toHaveLength(1);
    expect(value.vim?.[0]).toMatchObject({
      karma: 2,
      release: 'Fedora 42',
      stable_by_time: '2026-03-08 00:00:00',
    });
  });

  test.each([{ autotime: false }, { date_testing: null }, { stable_days: '7' }, { stable_days: 1e9 }])(
    '%j goes to stable by nobody knows when',
    (more) => {
      expect(updatesValue([update(more)], 44).value.vim?.[0]?.stable_by_time).toBeNull();
    },
  );

  test('with a title of ten megabytes have the names of their builds instead', () => {
    const { value } = updatesValue([update({ title: 'x'.repeat(10_000_000) })], 44);
    expect(value.vim?.[0]?.pretty_name).toBe('vim-9.1-1.fc42 gtk+-2.0-3.fc42');
  });

  test('an override is of the release that its build says', () => {
    const of = (nvr: string) => Object.values(overridesValue([{ nvr }], 44).value)[0]?.[0]?.release;
    expect(of('vim-9-1.fc41')).toBe('Fedora 41');
    expect(of('vim-9-1.fc44')).toBe('Fedora Rawhide');
    expect(of('vim-9-1.el9_4')).toBe('EPEL 9');
    expect(of('vim-9-1')).toBe('Fedora');
  });

  test('the package of a build is what stands before version and release', () => {
    expect(packageOf('python3-foo-bar-1.0-2.fc41')).toBe('python3-foo-bar');
    for (const bad of ['a-b', '-1-2', '__proto__-1-1', `${'a'.repeat(129)}-1-1`])
      expect(packageOf(bad)).toBeUndefined();
  });
});

describe('bugs', () => {
  const one = (more: object) =>
    bugsOf([{ id: 1, component: ['vim'], summary: 's', status: 'NEW', groups: [], ...more }], 'https://b', 44)
      .items[0]?.bug;

  test.each([
    [{ product: 'Fedora', version: ['rawhide'] }, 'Fedora Rawhide'],
    [{ product: ['Fedora'], version: '41' }, 'Fedora 41'],
    [{ product: 'Fedora EPEL', version: ['epel9'] }, 'EPEL 9'],
    [{ product: 'Fedora EPEL', version: ['10'] }, 'EPEL 10'],
    [{ product: 'Fedora EPEL' }, 'EPEL'],
    [{ product: 'Fedora', version: ['unspecified'] }, 'Fedora'],
  ])('%j are of %s', (more, release) => expect(one(more)?.release).toBe(release));

  test('are as grave as the graver of priority and severity', () => {
    expect(one({ priority: 'low', severity: 'urgent' })?.priority_severity).toBe('urgent');
    expect(one({ priority: 'medium', severity: 'unspecified' })?.priority_severity).toBe('medium');
    expect(one({})?.priority_severity).toBe('unspecified');
  });

  test('of groups that cannot be read are taken for private', () => {
    expect(one({ groups: {} })?.private).toBe(true);
    expect(one({ groups: null })?.private).toBe(true);
    expect(one({ groups: [] })?.private).toBe(false);
  });
});

test('the newest flag of each CI counts, by the beginning of its word', () => {
  const flag = (username: string, status: string, date_created: string) => ({
    username,
    status,
    date_created,
  });
  const flags = [
    flag('Zuul', 'failed', '200'),
    flag('Zuul', 'succeeded', '100'),
    flag('CI', 'error: no host', '1'),
    flag('__proto__', 'success', '1'),
    flag('new', 'pending', '5'),
  ];
  const status = ciStatus({ flags });
  expect(Object.entries(status)).toEqual([
    ...[
      ['CI', 'error'],
      ['Zuul', 'failure'],
      ['__proto__', 'success'],
    ],
    ['new', null],
  ]);
  expect(Object.getPrototypeOf(status)).toBe(Object.prototype);
});

test('a crash is outstanding over 2.7 standard deviations, which needs eight others at least', () => {
  const problems = (others: number) =>
    Array.from({ length: others + 1 }, (_, id) => ({ id, count: id === 0 ? 1000 : 1 }));
  const of = (others: number) =>
    abrtValue(problems(others), { faf: 'https://f', link: 'l' }).value.outstanding_problems.map(
      ({ id }) => id,
    );
  expect(of(7)).toEqual([]);
  expect(of(8)).toEqual([0]);
  expect(abrtValue([], { faf: 'f', link: 'l' }).value).toMatchObject({ problems_present: false });
});

test('the end of an older release in a schedule keeps its number, and the next milestone is the current one', () => {
  const nowMs = Date.UTC(2026, 2, 2);
  const at = (name: string, day: number) => ({ name, end: Date.UTC(2026, 2, day) / 1000 });
  const tasks = [
    at('F41 EOL auto closure', 9),
    at('Beta Freeze (*)', 2),
    at('Branch Fedora 43 from Rawhide', 1),
  ];
  expect(scheduleValue({ tasks: [{ tasks: [{ tasks }] }] }, 43, nowMs).value.schedule).toEqual([
    { summary: 'Fedora 43 Branch', date: '2026-03-01', current: false },
    { summary: 'Fedora 43 Beta freeze', date: '2026-03-02', current: true },
    { summary: 'Fedora 41 EOL', date: '2026-03-09', current: false },
  ]);
});

describe('what is looked at', () => {
  test('by own keys only, and names are names', () => {
    expect(fieldsOf([])).toBeUndefined();
    expect(nameOf('libstdc++')).toBe('libstdc++');
    for (const bad of ['__proto__', '', 'a b', '../x', 7, null]) expect(nameOf(bad)).toBeUndefined();
    expect(linkOf('javascript:alert(1)')).toBeUndefined();
    expect(group([['constructor', 1]])).toEqual({ constructor: [1] });
  });

  test('a list of which nothing fits is refused, an empty one is not', () => {
    expect(sift([], 'x', () => undefined)).toEqual({ items: [], leftOut: 0 });
    expect(() => sift([1], 'x', () => undefined)).toThrow(/none of 1/);
    expect(sift([1, 2], 'x', (item) => (item === 2 ? item : undefined))).toEqual({ items: [2], leftOut: 1 });
  });
});
