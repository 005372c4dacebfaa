import { ratio, WINDOW, WITH_TESTS } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

export const owners: BuildQuery = {
  name: 'owners',
  about:
    'failures of tests by rule (--owners), else by the SIG that their names tell ([sig-node]), else (none)',
  days: 7,
  columns: ['owner', 'tests', 'failing_tests', 'jobs', 'runs', 'failures', 'failure_rate'],
  sql: `
WITH tests AS (
  SELECT COALESCE({owners}REGEXP_EXTRACT(t.name, r'\\[(sig-[a-z0-9-]+)\\]'), '(none)') AS owner, t.name AS test, b.job AS job,
    COALESCE(t.failed, FALSE) AS failed
  FROM ${WITH_TESTS}
  WHERE ${WINDOW})
SELECT owner, COUNT(DISTINCT test) AS tests, COUNT(DISTINCT CASE WHEN failed THEN test END) AS failing_tests,
  COUNT(DISTINCT job) AS jobs, COUNT(*) AS runs, COUNTIF(failed) AS failures,
  ${ratio('COUNTIF(failed)', 'COUNT(*)', 4)} AS failure_rate
FROM tests
GROUP BY 1
ORDER BY failures DESC, owner
LIMIT @limit`,
};
