import { describe, expect, it } from 'vitest';
import { METRIC_QUERIES } from '../../pipeline/queries/index.ts';
import { metricFiles } from '../../pipeline/queries/metrics.ts';

const NOW_MS = Date.UTC(2026, 10, 20, 10);

type Rows = readonly Readonly<Record<string, unknown>>[];

function filesOf(name: string, rows: Rows): Readonly<Record<string, unknown>> {
  const query = METRIC_QUERIES.find((one) => one.name === name);
  if (query === undefined) throw new RangeError(name);
  const files = metricFiles(query, rows, NOW_MS);
  return Object.fromEntries(files.map((file) => [file.name, JSON.parse(file.text) as unknown]));
}

describe('the files of a metric', () => {
  it.each(METRIC_QUERIES.map(({ name }) => name))(
    '%s: all rows, the day and the latest, under Kubernetes names',
    (name) => {
      const files = filesOf(name, []);
      expect(Object.keys(files)).toEqual([
        `${name}/raw-2026-11-20.json`,
        `${name}/daily-2026-11-20.json`,
        `${name}-latest.json`,
      ]);
      expect(files[`${name}/raw-2026-11-20.json`]).toEqual([]);
    },
  );

  it('days: all of them as they are, the newest for dashboards', () => {
    const rows = [
      { day: '2026-11-19', invocations: 4, passes: 3, rate: 0.75 },
      { day: '2026-11-18', invocations: 2, passes: 2, rate: 1 },
    ];
    const files = filesOf('build-stats', rows);
    expect(files['build-stats/raw-2026-11-20.json']).toEqual([
      { day: '1795046400', invocations: '4', passes: '3', rate: '0.75' },
      { day: '1794960000', invocations: '2', passes: '2', rate: '1' },
    ]);
    const latest = [{ day: '1795046400', invocations: 4, passes: 3, rate: 0.75 }];
    expect(files['build-stats/daily-2026-11-20.json']).toEqual(latest);
    expect(files['build-stats-latest.json']).toEqual(latest);
  });

  it('flakes: presubmits by name, with tests that flaked four times and more', () => {
    const job = { build_consistency: 0.9, commit_consistency: 0.8, flakes: 7, runs: 20, commits: 9 };
    const rows = [
      { ...job, job: 'pr:a', test: 'often', test_flakes: 5 },
      { ...job, job: 'pr:a', test: '__proto__', test_flakes: 4 },
      { ...job, job: 'pr:a', test: 'seldom', test_flakes: 3 },
      { ...job, job: 'ci-b', test: 'often', test_flakes: 5 },
      { ...job, job: 'pr:c', test: null, test_flakes: null },
    ];
    expect(JSON.stringify(filesOf('flakes', rows)['flakes-latest.json'])).toBe(
      '{"pr:a":{"consistency":0.8,"flakes":7,"flakiest":{"often":5,"__proto__":4}},"pr:c":{"consistency":0.8,"flakes":7,"flakiest":null}}',
    );
    expect(filesOf('flakes', [])['flakes-latest.json']).toBeNull();
  });

  it('failures: what never passed, or not for a month', () => {
    const rows = [
      { job: 'never', latest_pass: null, broken_days: 2.5 },
      { job: 'long', latest_pass: '2026-10-01T00:00:00.000Z', broken_days: 50.9 },
      { job: 'fine', latest_pass: '2026-11-19T00:00:00.000Z', broken_days: 1 },
    ];
    expect(filesOf('failures', rows)['failures-latest.json']).toEqual({
      never: { failing_days: 2 },
      long: { failing_days: 50 },
    });
  });
});
