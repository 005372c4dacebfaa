import { describe, expect, it } from 'vitest';
import {
  buildOfPath,
  compareBuildIds,
  isName,
  isSnowflake,
  pathBelow,
  snowflakeAt,
  snowflakeTimeMs,
} from '../../pipeline/records/ids.ts';

describe('snowflake ids', () => {
  it('tells the time of a real id', () => {
    expect(new Date(snowflakeTimeMs('1948564050363289600')).toISOString()).toBe('2025-07-25T02:00:46.833Z');
  });

  it('gives the lowest id of a millisecond', () => {
    const timeMs = Date.UTC(2026, 10, 21, 2, 3, 4, 567);
    const id = snowflakeAt(timeMs);
    expect(snowflakeTimeMs(id)).toBe(timeMs);
    expect(snowflakeTimeMs(String(BigInt(id) - 1n))).toBe(timeMs - 1);
    expect(snowflakeTimeMs(String(BigInt(id) + 2n ** 22n - 1n))).toBe(timeMs);
  });

  it.each([Number.NEGATIVE_INFINITY, -1, 0, Date.UTC(2018, 0), Date.UTC(2100, 0), Number.POSITIVE_INFINITY])(
    'gives 19 digits for %d too, as text compares only then',
    (timeMs) => {
      const id = snowflakeAt(timeMs);
      expect(isSnowflake(id)).toBe(true);
      expect(id < '1948564050363289600').toBe(timeMs < Date.UTC(2025, 6));
    },
  );

  it.each([
    '',
    '1',
    '20200722182231',
    '0948564050363289600',
    '9999999999999999999',
    '19485640503632896001',
    '194856405036328960x',
    ' 1948564050363289600',
  ])('does not take %j for one', (id) => {
    expect(isSnowflake(id)).toBe(false);
  });
});

describe('order of builds', () => {
  it('is that of numbers, within names too', () => {
    const sorted = [
      '7',
      '007',
      '10',
      '9',
      '1948564050363289600',
      '20200722182231',
      'run-10',
      'run-9',
      'run',
    ].sort(compareBuildIds);
    expect(sorted).toEqual([
      '007',
      '7',
      '9',
      '10',
      '20200722182231',
      '1948564050363289600',
      'run',
      'run-9',
      'run-10',
    ]);
  });

  it('is zero only for the same id', () => {
    expect(compareBuildIds('7', '7')).toBe(0);
    expect(Math.sign(compareBuildIds('7', '07'))).toBe(-Math.sign(compareBuildIds('07', '7')));
    expect(compareBuildIds('7', '07')).not.toBe(0);
  });
});

describe('paths', () => {
  it('end in job and build', () => {
    expect(buildOfPath('gs://b/pr-logs/pull/org_repo/12/pull-job/99')).toEqual({
      job: 'pull-job',
      build: '99',
    });
    expect(buildOfPath('file:data/demo/logs/job/1')).toEqual({ job: 'job', build: '1' });
    expect(buildOfPath('file:///data/logs/job/1')).toEqual({ job: 'job', build: '1' });
  });

  it.each([
    'gs://b/logs/job/1/',
    'gs://b//1',
    'gs://b/1',
    'b/logs/job/1',
    'gs://b/logs/job/..',
    'gs://b/logs/jo\nb/1',
    '',
  ])('%j is refused', (path) => {
    expect(() => buildOfPath(path)).toThrow(/is not the path of a build/);
  });

  it('are put together of names only', () => {
    expect(pathBelow('gs://b/logs/', 'job', '1')).toBe('gs://b/logs/job/1');
    expect(() => pathBelow('gs://b/logs', '..', '1')).toThrow(/"\.\." cannot be part/);
    expect(isName('E2E [sig-node] <x> #1')).toBe(true);
    expect(['', '.', '..', 'a/b', 'a\u0000', 'a\u007f'].map(isName)).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
