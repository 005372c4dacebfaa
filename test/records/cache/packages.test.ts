import { describe, expect, test } from 'vitest';
import { calendarsValue } from '../../../pipeline/records/cache/calendars.ts';
import { NOT_ORPHANED, orphanBlock, orphansValue } from '../../../pipeline/records/cache/orphans.ts';
import { groupsOfPackages, packageBlock } from '../../../pipeline/records/cache/packages.ts';
import { groupPackages, userPackages } from '../../../pipeline/records/cache/people.ts';

const orphans = orphansValue({
  status_change: { old: '2026-01-01T00:00:00Z', older: '2025-06-01T00:00:00Z', lone: '2026-02-02' },
  affected_packages: { app: ['lib', 'old'], lib: ['older', 'app'], ring: ['ring'], old: [] },
}).value;

describe('orphans', () => {
  test('needed at once and over others are told apart; rings end', () => {
    const block = orphanBlock(orphans, 'app');
    expect(block).toMatchObject({
      ...{ orphaned: false, depends_on_orphaned: true, problematic_since: '2025-06-01 00:00:00' },
      ...{ direct_dependencies: ['old'], remote_dependencies: ['older'] },
    });
    expect(block.vis_js?.nodes.map(({ label }) => label)).toEqual(['app', 'lib', 'old', 'older']);
    expect(block.vis_js?.edges).toEqual([
      ...[
        { from: 0, to: 1 },
        { from: 0, to: 2 },
      ],
      ...[
        { from: 1, to: 0 },
        { from: 1, to: 3 },
      ],
    ]);
    expect(block.dot_graph?.split('\n')).toContain('  "older" [style=filled];');
  });

  test('a package by itself', () => {
    expect(orphanBlock(orphans, 'lone')).toMatchObject({ orphaned: true, depends_on_orphaned: false });
    expect(orphanBlock(orphans, 'ring')).toMatchObject({ orphaned: false, vis_js: { edges: [] } });
    for (const name of ['fine', 'constructor', '__proto__'])
      expect(orphanBlock(orphans, name)).toEqual(NOT_ORPHANED);
    for (const broken of [undefined, null, [], { app: 7 }, 'text'])
      expect(orphanBlock(broken, 'app')).toMatchObject({ orphaned: false });
  });

  test('a graph of thousands draws the nearest', () => {
    const names = Array.from({ length: 5_000 }, (_, at) => `p${at}`);
    const affected = Object.fromEntries(names.map((name, at) => [name, [`p${at + 1}`]]));
    const { value } = orphansValue({ status_change: { p5000: '2026-01-01' }, affected_packages: affected });
    const block = orphanBlock(value, 'p0');
    expect(block.remote_dependencies).toEqual(['p5000']);
    expect(block.vis_js?.nodes).toHaveLength(150);
  });
});

const owners = {
  vim: { users: ['ann', 'bob'], groups: ['editors'], main: 'ann' },
  constructor: { users: ['orphan'], groups: [], main: 'orphan' },
};
const groups = {
  editors: { members: ['bob', 'eve'], packages: { vim: 'admin', nano: 'commit' } },
  empty: { members: [], packages: {} },
};

describe('who has what', () => {
  test('users by their own rights, with their groups', () => {
    const users = userPackages(owners, groups);
    expect(users.get('ann')).toEqual({ commit: ['vim'], admin: ['vim'], groups: [] });
    expect(users.get('bob')).toEqual({ commit: ['vim'], admin: [], groups: ['editors'] });
    expect(users.get('eve')).toEqual({ commit: [], admin: [], groups: ['editors'] });
    expect(users.get('orphan')?.commit).toEqual(['constructor']);
  });

  test('groups by the better right of two sources', () => {
    expect(groupPackages(owners, groups).get('editors')).toEqual({
      ...{ commit: ['nano', 'vim'], admin: ['vim'], members: ['bob', 'eve'] },
    });
    expect(groupPackages(owners, undefined).get('editors')?.commit).toEqual(['vim']);
  });

  test('a package names its maintainers, and what is not known of it', () => {
    const sources = {
      ...{ owners, groups, updates: { vim: [{ updateid: 'A' }] }, overrides: undefined, koschei: {} },
      ...{ orphans, calendars: {}, versions: { vim: { 'Fedora 42': { stable: 'vim-9-1', testing: null } } } },
    };
    expect(packageBlock('vim', sources, groupsOfPackages(groups))).toEqual({
      maintainers: { users: ['ann', 'bob'], groups: ['editors'] },
      admins: { users: ['ann'], groups: ['editors'] },
      ...{ updates: [{ updateid: 'A' }], overrides: [], koschei: [], orphans: NOT_ORPHANED },
      ...{ fails_to_install: [], calendars: null, missing: ['overrides'] },
      package_versions: { 'Fedora 42': { stable: 'vim-9-1', testing: null } },
    });
  });
});

describe('calendars', () => {
  const nowMs = Date.UTC(2026, 9, 14, 12);
  const of = (...lines: readonly string[]) => {
    const event = ['BEGIN:VEVENT', 'UID:1', ...lines, 'END:VEVENT'];
    const text = ['BEGIN:VCALENDAR', 'VERSION:2.0', ...event, 'END:VCALENDAR', ''].join('\r\n');
    return calendarsValue([{ name: 'c', text, packages: ['vim'] }], nowMs);
  };

  test('an event of today is there, one of yesterday is not', () => {
    expect(of('DTSTART;VALUE=DATE:20261014', 'SUMMARY:s').value.vim).toHaveLength(1);
    expect(of('DTSTART;VALUE=DATE:20261013', 'SUMMARY:s').value).toEqual({});
  });

  test('a daily event of decades ago is followed into our days, as far as anybody looks', () => {
    const { value, leftOut } = of('DTSTART:20000101T080000Z', 'RRULE:FREQ=DAILY', 'SUMMARY:s');
    expect(value.vim?.[0]).toMatchObject({ date: '2026-10-14' });
    expect(value.vim).toHaveLength(60);
    expect(leftOut).toBe(0);
  });

  test('one that repeats every second is left out and counted', () => {
    const found = of('DTSTART:20200101T080000Z', 'RRULE:FREQ=SECONDLY', 'SUMMARY:s');
    expect(found).toEqual({ value: {}, leftOut: 1 });
  });

  test('one that is broken too', () => {
    expect(of('DTSTART:soon', 'SUMMARY:s').leftOut).toBe(1);
    expect(of('SUMMARY:s').leftOut).toBe(1);
  });

  test.each(['', '<html>', 'BEGIN:VCARD\r\nEND:VCARD\r\n', 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT'])(
    '%j is none',
    (text) => {
      expect(() => calendarsValue([{ name: 'c', text, packages: [] }], nowMs)).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      );
    },
  );
});
