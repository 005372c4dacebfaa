import { DAY, OF_PULLS, PULL, ratio, WINDOW } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

export const presubmitHealth: BuildQuery = {
  name: 'presubmit-health',
  about: 'share of pull requests that each presubmit failed at least once, and its minutes, by whole day',
  days: 1,
  wholeDays: true,
  columns: [
    ...['day', 'job', 'pr_failure_perc', 'prs', 'prs_failed'],
    ...['total_runs', 'avg_run_time_minutes', 'avg_pass_time_minutes'],
  ],
  sql: `
WITH by_pull AS (
  SELECT ${DAY} AS day, b.job AS job, ${PULL} AS pull, COUNTIF(b.passed) AS passes, COUNT(*) AS runs,
    SUM(b.elapsed) AS elapsed, SUM(CASE WHEN b.passed THEN b.elapsed ELSE 0 END) AS passes_elapsed
  FROM {table} AS b
  WHERE ${WINDOW} AND ${OF_PULLS} AND b.elapsed IS NOT NULL
  GROUP BY 1, 2, 3)
SELECT day, job, ROUND(COUNTIF(passes < runs) / COUNT(*) * 100, 1) AS pr_failure_perc, COUNT(*) AS prs,
  COUNTIF(passes < runs) AS prs_failed, SUM(runs) AS total_runs,
  ${ratio('SUM(elapsed) / 60', 'SUM(runs)', 1)} AS avg_run_time_minutes,
  ${ratio('SUM(passes_elapsed) / 60', 'SUM(passes)', 1)} AS avg_pass_time_minutes
FROM by_pull
GROUP BY 1, 2
ORDER BY day DESC, pr_failure_perc DESC, job
LIMIT @limit`,
};
