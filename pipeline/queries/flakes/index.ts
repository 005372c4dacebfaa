import { COMMIT, FLAKED, PULL, ratio, WINDOW, WITH_TESTS } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

const ONE_COMMIT = `${WINDOW} AND ${COMMIT} IS NOT NULL AND ${COMMIT} <> 'unknown' AND COALESCE(${PULL}, '') <> 'batch'`;

/** Flaked: passed and failed on one commit. Batches are left out, because their commit is no one's. */
export const flakes: BuildQuery = {
  name: 'flakes',
  about: 'how consistent each job is on one commit, and its ten flakiest tests, one a row',
  days: 7,
  columns: [
    ...['job', 'build_consistency', 'commit_consistency', 'flakes', 'runs', 'commits'],
    ...['test', 'test_flakes'],
  ],
  sql: `
WITH by_commit AS (
  SELECT b.job AS job, ${COMMIT} AS commit, COUNT(*) AS runs, COUNTIF(b.passed) AS passed
  FROM {table} AS b
  WHERE ${ONE_COMMIT}
  GROUP BY 1, 2),
jobs AS (
  SELECT job, ${ratio(`SUM(CASE WHEN ${FLAKED} THEN passed ELSE runs END)`, 'SUM(runs)')} AS build_consistency,
    ROUND(1 - COUNTIF(${FLAKED}) / COUNT(*), 3) AS commit_consistency, COUNTIF(${FLAKED}) AS flakes,
    SUM(runs) AS runs, COUNT(*) AS commits
  FROM by_commit
  GROUP BY 1),
tests AS (
  SELECT b.job AS job, t.name AS test, ${COMMIT} AS commit, COUNT(*) AS runs, COUNTIF(t.failed) AS failures
  FROM ${WITH_TESTS}
  WHERE ${ONE_COMMIT}
  GROUP BY 1, 2, 3),
flaky AS (
  SELECT job, test, COUNT(*) AS test_flakes
  FROM tests
  WHERE failures > 0 AND failures < runs
  GROUP BY 1, 2),
numbered AS (
  SELECT job, test, test_flakes, ROW_NUMBER() OVER (PARTITION BY job ORDER BY test_flakes DESC, test) AS nth
  FROM flaky),
flakiest AS (
  SELECT job, test, test_flakes FROM numbered WHERE nth <= 10)
SELECT j.job AS job, j.build_consistency AS build_consistency, j.commit_consistency AS commit_consistency,
  j.flakes AS flakes, j.runs AS runs, j.commits AS commits, f.test AS test, f.test_flakes AS test_flakes
FROM jobs AS j LEFT JOIN flakiest AS f ON f.job = j.job
ORDER BY flakes DESC, commit_consistency, build_consistency, job, test_flakes DESC, test
LIMIT @limit`,
};
