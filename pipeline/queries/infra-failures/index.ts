import { ratio, WINDOW } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

/** A failed build is a test failure when one of its tests failed; all others failed around the tests. */
export const infraFailures: BuildQuery = {
  name: 'infra-failures',
  about: 'failed builds of each job in which no test failed, apart from those in which one did',
  days: 7,
  columns: [
    ...['job', 'runs', 'failures', 'test_failures', 'infra_failures'],
    ...['without_tests', 'aborted', 'infra_share'],
  ],
  sql: `
WITH builds AS (
  SELECT b.job AS job, NOT COALESCE(b.passed, FALSE) AS failed, COALESCE(b.tests_failed, 0) > 0 AS by_test,
    COALESCE(b.tests_run, 0) = 0 AS untested, UPPER(COALESCE(b.result, '')) = 'ABORTED' AS stopped
  FROM {table} AS b
  WHERE ${WINDOW})
SELECT job, COUNT(*) AS runs, COUNTIF(failed) AS failures, COUNTIF(failed AND by_test) AS test_failures,
  COUNTIF(failed AND NOT by_test) AS infra_failures, COUNTIF(failed AND NOT by_test AND untested) AS without_tests,
  COUNTIF(failed AND NOT by_test AND stopped) AS aborted,
  ${ratio('COUNTIF(failed AND NOT by_test)', 'COUNTIF(failed)')} AS infra_share
FROM builds
GROUP BY 1
HAVING COUNTIF(failed) > 0
ORDER BY infra_failures DESC, failures DESC, job
LIMIT @limit`,
};
