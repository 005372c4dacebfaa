import { WINDOW_AND_BEFORE } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

/** Twelve weeks before the window: a job that did not pass in them counts as broken since its first run seen. */
export const failures: BuildQuery = {
  name: 'failures',
  about: 'jobs that ran in the window, longest broken first: when each passed last',
  days: 7,
  windowsBefore: 12,
  columns: ['job', 'latest_pass', 'weekly_builds', 'first_run', 'latest_run', 'broken_days'],
  sql: `
WITH jobs AS (
  SELECT b.job AS job, COUNTIF(b.started >= @since) AS weekly_builds, MIN(b.started) AS first_run,
    MAX(b.started) AS latest_run, MAX(CASE WHEN b.passed THEN b.started END) AS latest_pass
  FROM {table} AS b
  WHERE ${WINDOW_AND_BEFORE}
  GROUP BY 1)
SELECT job, latest_pass, weekly_builds, first_run, latest_run,
  ROUND((UNIX_SECONDS(@until) - UNIX_SECONDS(COALESCE(latest_pass, first_run))) / 86400, 1) AS broken_days
FROM jobs
WHERE weekly_builds > 0
ORDER BY broken_days DESC, job
LIMIT @limit`,
};
