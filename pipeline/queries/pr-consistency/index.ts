import { COMMIT, DAY, OF_PULLS, PULL, ratio, WINDOW } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

/** Kubernetes asks this of the jobs that block merging: name yours with --job. */
export const prConsistency: BuildQuery = {
  name: 'pr-consistency',
  about: 'commits of pull requests to which all of their jobs gave one answer, by whole day',
  days: 30,
  wholeDays: true,
  columns: [
    ...['day', 'commit_consistency', 'consistent_commits', 'commits'],
    ...['run_consistency', 'consistent_runs', 'runs', 'builds'],
  ],
  sql: `
WITH by_job AS (
  SELECT ${DAY} AS day, b.job AS job, ${COMMIT} AS commit, COUNT(*) AS runs, COUNTIF(b.passed) AS passed
  FROM {table} AS b
  WHERE ${WINDOW} AND ${OF_PULLS} AND ${COMMIT} IS NOT NULL AND COALESCE(${PULL}, '') <> 'batch'
  GROUP BY 1, 2, 3),
by_commit AS (
  SELECT day, commit, MIN(CASE WHEN passed = runs OR passed = 0 THEN 1 ELSE 0 END) AS consistent,
    MAX(runs) AS builds, SUM(runs) AS runs, SUM(CASE WHEN passed = 0 THEN runs ELSE passed END) AS consistent_runs
  FROM by_job
  GROUP BY 1, 2)
SELECT day, ${ratio('SUM(consistent)', 'COUNT(*)', 4)} AS commit_consistency, SUM(consistent) AS consistent_commits,
  COUNT(*) AS commits, ${ratio('SUM(consistent_runs)', 'SUM(runs)', 4)} AS run_consistency,
  SUM(consistent_runs) AS consistent_runs, SUM(runs) AS runs, SUM(builds) AS builds
FROM by_commit
GROUP BY 1
ORDER BY 1 DESC
LIMIT @limit`,
};
