import { DAY, ratio, WINDOW } from './parts.ts';

/** Columns of a job's health, behind what it is grouped by. Durations are minutes. */
export const HEALTH_COLUMNS = [
  ...['job', 'runs', 'passed_runs', 'failure_rate', 'tests', 'failed_tests', 'test_failure_rate'],
  ...['p99_duration', 'p75_duration', 'p50_duration'],
] as const;

/** Runs of each job (of each day), their rates of failure and how long they took. Builds without an end are left out. */
export function healthSql(byDay: boolean): string {
  const day = byDay ? 'day, ' : '';
  const among = byDay ? 'PARTITION BY b.job, CAST(b.started AS DATE)' : 'PARTITION BY b.job';
  const minutes = (fraction: number) => `PERCENTILE_CONT(b.elapsed, ${fraction}) OVER (${among}) / 60`;
  return `
WITH builds AS (
  SELECT ${byDay ? `${DAY} AS day, ` : ''}b.job AS job, b.passed AS passed, b.tests_run AS tests_run,
    b.tests_failed AS tests_failed, ${minutes(0.99)} AS p99, ${minutes(0.75)} AS p75, ${minutes(0.5)} AS p50
  FROM {table} AS b
  WHERE ${WINDOW} AND b.elapsed IS NOT NULL)
SELECT ${day}job, COUNT(*) AS runs, COUNTIF(passed) AS passed_runs,
  ROUND(1 - COUNTIF(passed) / COUNT(*), 3) AS failure_rate,
  COALESCE(SUM(tests_run), 0) AS tests, COALESCE(SUM(tests_failed), 0) AS failed_tests,
  ${ratio('SUM(tests_failed)', 'SUM(tests_run)')} AS test_failure_rate,
  ROUND(MAX(p99), 3) AS p99_duration, ROUND(MAX(p75), 3) AS p75_duration, ROUND(MAX(p50), 3) AS p50_duration
FROM builds
GROUP BY ${day}job
ORDER BY ${byDay ? 'day DESC, ' : ''}job
LIMIT @limit`;
}
