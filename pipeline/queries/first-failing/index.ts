import { RUNS } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

/** `commits` is what `git log` takes; the two are the same where nothing but the run was different. */
export const firstFailing: BuildQuery = {
  name: 'first-failing',
  about:
    'what fails now: its last pass, its first failure and the commits between (no test: the build as a whole)',
  days: 14,
  windowsBefore: 1,
  columns: [
    ...['job', 'test', 'failures', 'last_passed', 'first_failed', 'commits'],
    ...['last_passed_build', 'first_failed_build'],
  ],
  sql: `
WITH runs AS (${RUNS}),
numbered AS (
  SELECT job, test, started, path, commit, failed,
    ROW_NUMBER() OVER (PARTITION BY job, test ORDER BY started DESC, path DESC) AS nth,
    SUM(CASE WHEN failed THEN 0 ELSE 1 END) OVER (PARTITION BY job, test ORDER BY started DESC, path DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS passes
  FROM runs),
failing AS (
  SELECT job, test, COUNT(*) AS failures
  FROM numbered
  WHERE passes = 0
  GROUP BY 1, 2
  HAVING MAX(started) >= @since)
SELECT n.job AS job, n.test AS test, n.failures AS failures, p.started AS last_passed, f.started AS first_failed,
  p.commit || '..' || f.commit AS commits, p.path AS last_passed_build, f.path AS first_failed_build
FROM failing AS n
JOIN numbered AS f ON f.job = n.job AND f.test = n.test AND f.nth = n.failures
LEFT JOIN numbered AS p ON p.job = n.job AND p.test = n.test AND p.nth = n.failures + 1
ORDER BY first_failed DESC, job, test
LIMIT @limit`,
};
