import { COMMIT, FLAKED, OF_PULLS, PULL, WINDOW } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

/** Kubernetes asks this of the jobs that block merging: name yours with --job. */
export const weeklyConsistency: BuildQuery = {
  name: 'weekly-consistency',
  about: 'share of commits of pull requests that no job flaked on, by week (its Monday)',
  days: 90,
  columns: ['wk', 'consistency', 'commits'],
  sql: `
WITH by_job AS (
  SELECT CAST(CAST(TIMESTAMP_TRUNC(b.started, ISOWEEK) AS DATE) AS STRING) AS wk, b.job AS job, ${PULL} AS pull,
    ${COMMIT} AS commit, COUNT(*) AS runs, COUNTIF(b.passed) AS passed
  FROM {table} AS b
  WHERE ${WINDOW} AND ${OF_PULLS} AND ${COMMIT} IS NOT NULL
  GROUP BY 1, 2, 3, 4),
by_commit AS (
  SELECT wk, pull, commit, MAX(CASE WHEN ${FLAKED} THEN 1 ELSE 0 END) AS flaked
  FROM by_job
  GROUP BY 1, 2, 3)
SELECT wk, ROUND(1 - SUM(flaked) / COUNT(*), 3) AS consistency, COUNT(*) AS commits
FROM by_commit
GROUP BY 1
ORDER BY 1 DESC
LIMIT @limit`,
};
