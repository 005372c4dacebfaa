import { COMMIT, ratio, WINDOW, WITH_TESTS } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

export const flakyTests: BuildQuery = {
  name: 'flaky-tests',
  about: 'tests that failed and passed on one commit, or passed on a retry',
  days: 14,
  columns: [
    ...['test', 'job', 'flaky_commits', 'passed_on_retry', 'runs', 'failures', 'failure_rate'],
    'last_flake',
  ],
  // Names of the counts differ from the columns', which would stand before them in HAVING.
  sql: `
WITH by_commit AS (
  SELECT t.name AS test, b.job AS job, ${COMMIT} AS commit, COUNT(*) AS n, COUNTIF(t.failed) AS failed,
    COUNTIF(t.flaky) AS retried, MAX(CASE WHEN t.failed OR t.flaky THEN b.started END) AS latest
  FROM ${WITH_TESTS}
  WHERE ${WINDOW} AND ${COMMIT} IS NOT NULL
  GROUP BY 1, 2, 3)
SELECT test, job, COUNTIF(failed > 0 AND failed < n) AS flaky_commits, SUM(retried) AS passed_on_retry,
  SUM(n) AS runs, SUM(failed) AS failures, ${ratio('SUM(failed)', 'SUM(n)')} AS failure_rate,
  MAX(CASE WHEN retried > 0 OR failed < n THEN latest END) AS last_flake
FROM by_commit
GROUP BY 1, 2
HAVING COUNTIF(failed > 0 AND failed < n) + SUM(retried) > 0
ORDER BY flaky_commits DESC, passed_on_retry DESC, failures DESC, job, test
LIMIT @limit`,
};
