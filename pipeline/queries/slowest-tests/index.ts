import { WINDOW_AND_BEFORE, WITH_TESTS } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

/** Trend: the mean over that of the window before; 2 is twice as slow. */
export const slowestTests: BuildQuery = {
  name: 'slowest-tests',
  about: 'tests by the seconds they took on the average, beside those of the window before',
  days: 7,
  windowsBefore: 1,
  columns: [
    ...['test', 'job', 'runs', 'mean_seconds', 'max_seconds', 'total_seconds'],
    ...['mean_seconds_before', 'trend'],
  ],
  sql: `
WITH times AS (
  SELECT t.name AS test, b.job AS job, COUNTIF(b.started >= @since) AS runs,
    AVG(CASE WHEN b.started >= @since THEN t.time END) AS mean_now,
    MAX(CASE WHEN b.started >= @since THEN t.time END) AS longest,
    SUM(CASE WHEN b.started >= @since THEN t.time END) AS total,
    AVG(CASE WHEN b.started < @since THEN t.time END) AS mean_before
  FROM ${WITH_TESTS}
  WHERE ${WINDOW_AND_BEFORE} AND t.time IS NOT NULL
  GROUP BY 1, 2)
SELECT test, job, runs, ROUND(mean_now, 3) AS mean_seconds, ROUND(longest, 3) AS max_seconds,
  ROUND(total, 3) AS total_seconds, ROUND(mean_before, 3) AS mean_seconds_before,
  ROUND(mean_now / NULLIF(mean_before, 0), 2) AS trend
FROM times
WHERE runs > 0
ORDER BY mean_seconds DESC, job, test
LIMIT @limit`,
};
