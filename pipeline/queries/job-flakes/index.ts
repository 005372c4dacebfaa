import { COMMIT, FLAKED, PULL, ratio, WINDOW } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

export const jobFlakes: BuildQuery = {
  name: 'job-flakes',
  about: 'how consistent each job is on one commit of one pull request',
  days: 7,
  columns: ['job', 'build_consistency', 'commit_consistency', 'flakes', 'runs'],
  sql: `
WITH by_commit AS (
  SELECT b.job AS job, ${PULL} AS pull, ${COMMIT} AS commit, COUNT(*) AS runs, COUNTIF(b.passed) AS passed
  FROM {table} AS b
  WHERE ${WINDOW} AND ${COMMIT} IS NOT NULL AND ${COMMIT} <> 'unknown'
  GROUP BY 1, 2, 3)
SELECT job, ${ratio(`SUM(CASE WHEN ${FLAKED} THEN passed ELSE runs END)`, 'SUM(runs)')} AS build_consistency,
  ROUND(1 - COUNTIF(${FLAKED}) / COUNT(*), 3) AS commit_consistency, COUNTIF(${FLAKED}) AS flakes, SUM(runs) AS runs
FROM by_commit
GROUP BY 1
ORDER BY flakes DESC, build_consistency, commit_consistency, job
LIMIT @limit`,
};
