import { BUILDS, COMMITS, IDS, NUMBERED, seconds } from './parts.ts';

const RECENT = 30;

/** One row a job: how it went over the window, and lately. */
export const siteJobs = `
WITH builds AS (${BUILDS}),
numbered AS (${NUMBERED}),
took AS (
  SELECT job, MAX(p50) AS p50, MAX(p99) AS p99
  FROM (
    SELECT job, PERCENTILE_CONT(elapsed, 0.5) OVER (PARTITION BY job) AS p50,
      PERCENTILE_CONT(elapsed, 0.99) OVER (PARTITION BY job) AS p99
    FROM builds) AS each_build
  GROUP BY job),
lasts AS (
  SELECT job, MIN(CASE WHEN passed THEN nth END) AS nth
  FROM numbered
  GROUP BY job)
SELECT n.job AS job, COUNT(*) AS runs, COUNTIF(n.passed) AS passed,
  STRING_AGG(CASE WHEN n.nth <= ${RECENT} THEN CASE WHEN n.passed THEN 'P' WHEN NOT n.passed THEN 'F' ELSE 'U' END END,
    '' ORDER BY n.nth) AS recent,
  COUNTIF(NOT n.passed AND (l.nth IS NULL OR n.nth < l.nth)) AS failed_in_a_row,
  ${seconds('MAX(CASE WHEN n.passed THEN n.started END)')} AS last_passed,
  ${seconds('MAX(n.started)')} AS last_started, MAX(k.p50) AS p50, MAX(k.p99) AS p99,
  COALESCE(SUM(n.tests_run), 0) AS tests_run, COALESCE(SUM(n.tests_failed), 0) AS tests_failed
FROM numbered AS n
JOIN lasts AS l ON l.job = n.job
JOIN took AS k ON k.job = n.job
GROUP BY n.job
ORDER BY job
LIMIT @limit`;

/** Builds of each day of a job, and how long they took. */
export const siteJobDays = `
WITH builds AS (${BUILDS}),
days AS (
  SELECT job, CAST(CAST(started AS DATE) AS STRING) AS day, passed, elapsed
  FROM builds),
took AS (
  SELECT job, day, passed, PERCENTILE_CONT(elapsed, 0.5) OVER (PARTITION BY job, day) AS p50,
    PERCENTILE_CONT(elapsed, 0.99) OVER (PARTITION BY job, day) AS p99
  FROM days)
SELECT job, day, COUNT(*) AS builds, COUNTIF(passed) AS passed, MAX(p50) AS p50, MAX(p99) AS p99
FROM took
GROUP BY job, day
ORDER BY job, day
LIMIT @limit`;

/** Tests by how they ran, in `tests`: a row for each job and name. */
function testsSql(which: string): string {
  return `
WITH ids AS (${IDS}),
commits AS (${COMMITS}),
tests AS (
  SELECT job, test, SUM(n) AS runs, SUM(bad) AS failed, SUM(retried) AS flaky,
    COUNTIF(revision IS NOT NULL AND bad > 0 AND bad < n) AS commits_both
  FROM commits
  GROUP BY job, test)
${which}`;
}

/** Tests that the text is in. */
export const siteTests = testsSql(`
SELECT job, test, runs, failed, flaky, commits_both
FROM tests
ORDER BY failed DESC, flaky DESC, commits_both DESC, runs DESC, job, test
LIMIT @limit`);

/** Tests that failed or were flaky, over all jobs: the worst names. */
export const siteWorstTests = testsSql(`
SELECT test, SUM(failed) AS failed, SUM(flaky) AS flaky, SUM(commits_both) AS commits_both
FROM tests
WHERE failed + flaky > 0
GROUP BY test
ORDER BY failed DESC, flaky DESC, test
LIMIT @limit`);

/** Of each job how many tests are flaky, and which are so most. */
export const siteFlaky = testsSql(`,
flakes AS (
  SELECT job, test, runs, failed, flaky, commits_both, COUNT(*) OVER (PARTITION BY job) AS total,
    ROW_NUMBER() OVER (PARTITION BY job ORDER BY commits_both + flaky DESC, failed DESC, test) AS nth
  FROM tests
  WHERE commits_both + flaky > 0)
SELECT job, test, runs, failed, flaky, commits_both, total
FROM flakes
WHERE nth <= @rows
ORDER BY job, nth
LIMIT @limit`);
