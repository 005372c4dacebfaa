import { describe, expect, it } from 'vitest';
import { formatOf } from '../../pipeline/commands/format.ts';
import { intervalMs } from '../../pipeline/commands/intervals.ts';
import { assertKnownJob } from '../../pipeline/commands/known-jobs.ts';
import { withTodaysNames } from '../../pipeline/commands/old-names.ts';
import { nearest } from '../../pipeline/config/similar.ts';

describe('flags that had another name', () => {
  it.each([
    ['k8s unidler --listen :80 --metrics-listen=:90', 'k8s unidler --http :80 --monitor=:90'],
    ['mutation-log webhook --listen 8090', 'mutation-log webhook --http 8090'],
    ['cache refresh bodhi --wait', 'cache refresh bodhi --now'],
    ['cache refresh bodhi --no-wait', 'cache refresh bodhi --no-now'],
    ['cache warm --from bodhi', 'cache warm --provider bodhi'],
    // Of other commands, these are other flags.
    ['mutation-log copy --from a --to b', 'mutation-log copy --from a --to b'],
    ['make-db --wait 5', 'make-db --wait 5'],
    // After --, the words are somebody else's.
    ['k8s gitops run -- deploy --listen x', 'k8s gitops run -- deploy --listen x'],
  ])('%s', (before, after) => {
    expect(withTodaysNames(before.split(' '))).toEqual(after.split(' '));
  });
});

describe('words that are nearly right', () => {
  it.each([
    ['updat', 'update'],
    ['junti', 'junit'],
    ['qeury', 'query'],
    ['rnu', 'run'],
    ['xyzzy', undefined],
  ])('%s', (typed, meant) => {
    expect(nearest(typed, ['update', 'junit', 'query', 'run', 'k8s'])).toBe(meant);
  });

  it('a job that nobody knows is told of, a pattern and an empty database are not', () => {
    const jobs = ['ci-unit', 'ci-e2e', 'pr:pull-unit'];
    expect(() => assertKnownJob('ci-unti', jobs)).toThrow(
      expect.objectContaining({ code: 'missing', remedy: expect.stringContaining('"ci-unit"') }),
    );
    expect(() => assertKnownJob('nothing-like-it', jobs)).toThrow('there is no job "nothing-like-it"');
    for (const job of ['ci-unit', 'ci-*', undefined]) assertKnownJob(job, jobs);
    assertKnownJob('anything', []);
  });
});

describe('lengths of time', () => {
  it("have their unit, or count in the flag's own", () => {
    expect(intervalMs('90s', '--every', 60_000)).toBe(90_000);
    expect(intervalMs('5', '--every', 60_000)).toBe(300_000);
    expect(intervalMs('0.2', '--every', 1_000)).toBe(200);
    expect(() => intervalMs('often', '--every', 1_000)).toThrow('--every');
  });
});

describe('--json and --format', () => {
  const names = { jsonName: 'json', standard: 'table' } as const;
  it('agree, or are refused', () => {
    expect(formatOf<'json' | 'table'>({}, names)).toBe('table');
    expect(formatOf<'json' | 'table'>({ json: true }, names)).toBe('json');
    expect(formatOf<'json' | 'table'>({ json: true, format: 'json' }, names)).toBe('json');
    expect(() => formatOf<'json' | 'table'>({ json: true, format: 'table' }, names)).toThrow('two things');
  });
});
