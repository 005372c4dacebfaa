import { describe, expect, it } from 'vitest';
import type { Field } from '../../../pipeline/backends/warehouse/contract.ts';
import {
  checkFileBytes,
  checkRowBytes,
  checkSchemaSize,
  loadBudget,
} from '../../../pipeline/backends/warehouse/limits.ts';
import { checkColumn, checkJobId, checkTable } from '../../../pipeline/backends/warehouse/names.ts';

const NOW_MS = 1_700_000_000_000;
const DAY_MS = 86_400_000;

describe('limits that only the real service keeps', () => {
  it('a row of 100 MB is taken, one byte more is not', () => {
    checkRowBytes(104_857_600, 'a row');
    expect(() => checkRowBytes(104_857_601, 'a row')).toThrow(expect.objectContaining({ code: 'too-large' }));
  });

  it('a gzip file has 4 GB at most, a plain one 5 TB', () => {
    checkFileBytes(4 * 1024 ** 3, true, 'a.json.gz');
    expect(() => checkFileBytes(4 * 1024 ** 3 + 1, true, 'a.json.gz')).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    );
    checkFileBytes(5 * 1024 ** 4, false, 'a.json');
    expect(() => checkFileBytes(5 * 1024 ** 4 + 1, false, 'a.json')).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    );
  });

  it('a schema has 10,000 columns at most, nested ones counted, and 15 levels', () => {
    const record = (count: number): Field[] => [
      {
        name: 'r',
        type: 'RECORD',
        fields: Array.from({ length: count }, (_, i) => ({ name: `c${i}`, type: 'STRING' })),
      },
    ];
    checkSchemaSize(record(9_999), 't');
    expect(() => checkSchemaSize(record(10_000), 't')).toThrow(/10001 columns/);
    const deep = (levels: number): Field =>
      levels === 0
        ? { name: 'leaf', type: 'STRING' }
        : { name: 'r', type: 'RECORD', fields: [deep(levels - 1)] };
    checkSchemaSize([deep(15)], 't');
    expect(() => checkSchemaSize([deep(16)], 't')).toThrow(/16 deep/);
  });

  it('a table has 1,500 loads in any 24 hours', () => {
    expect(loadBudget([], NOW_MS)).toEqual({ left: 1_500, nextMs: NOW_MS });
    const minuteApart = Array.from({ length: 1_500 }, (_, i) => NOW_MS - i * 1_000);
    expect(loadBudget(minuteApart.slice(1), NOW_MS)).toEqual({ left: 1, nextMs: NOW_MS });
    const oldestMs = NOW_MS - 1_499_000;
    expect(loadBudget(minuteApart, NOW_MS)).toEqual({ left: 0, nextMs: oldestMs + DAY_MS });
    expect(loadBudget(minuteApart, oldestMs + DAY_MS)).toEqual({ left: 1, nextMs: oldestMs + DAY_MS });
  });
});

describe('names', () => {
  it.each(['day', 'all_2026', 'k8s-gubernator', 'build$20260131', 'täglich', 'x'.repeat(1_024)])(
    '%s names a table',
    (name) => {
      expect(checkTable(name)).toBe(name);
    },
  );
  it.each(['', 'a.b', 'a`b', 'a/b', 'day$', 'day$2026013', 'a\nb', 'ä'.repeat(513)])(
    '%j names no table',
    (name) => {
      expect(() => checkTable(name)).toThrow(expect.objectContaining({ code: 'config' }));
    },
  );
  it('a job id has letters, digits, dashes and underscores, 1,024 at most', () => {
    for (const id of ['a', 'samovar_all_g7_0af-1', 'x'.repeat(1_024)]) expect(checkJobId(id)).toBe(id);
    for (const id of ['', 'a.b', 'a b', 'ä', 'x'.repeat(1_025)])
      expect(() => checkJobId(id), id).toThrow(expect.objectContaining({ code: 'config' }));
  });
  it('a column begins with a letter or an underscore', () => {
    expect(checkColumn('_a1')).toBe('_a1');
    for (const name of ['', '1a', 'a-b', 'a"b', 'x'.repeat(301)])
      expect(() => checkColumn(name), name).toThrow(expect.objectContaining({ code: 'config' }));
  });
});
