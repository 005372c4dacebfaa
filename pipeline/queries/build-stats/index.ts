import { DAY, ratio, WINDOW } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

export const buildStats: BuildQuery = {
  name: 'build-stats',
  about: 'builds of each whole day, and how many of them passed',
  days: 30,
  wholeDays: true,
  columns: ['day', 'invocations', 'passes', 'rate'],
  sql: `
SELECT ${DAY} AS day, COUNT(*) AS invocations, COUNTIF(b.passed) AS passes,
  ${ratio('COUNTIF(b.passed)', 'COUNT(*)', 4)} AS rate
FROM {table} AS b
WHERE ${WINDOW}
GROUP BY 1
ORDER BY 1 DESC
LIMIT @limit`,
};
