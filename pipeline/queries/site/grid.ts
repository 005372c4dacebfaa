import { BUILDS, MARK, NUMBERED, SITE_WINDOW, SUMMARY, summaryOf } from './parts.ts';

const OF_BUILD = SUMMARY.filter((name) => name !== 'job');
const NO_BUILD = OF_BUILD.map((name) => `NULL AS ${name}`).join(', ');

/**
 * Grids of jobs: a row for each of the newest @builds (`nth`: its column), and one for each of the worst @rows tests, whose cells
 * are `4 * column + mark` for each build it ran in. In one answer, so that columns and cells are of one moment.
 */
export const siteGrid = `
WITH builds AS (${BUILDS}),
numbered AS (${NUMBERED}),
columns_of AS (
  SELECT * FROM numbered WHERE nth <= @builds),
cells AS (
  SELECT c.job AS job, t.name AS test, c.nth AS nth, ${MARK} AS mark
  FROM columns_of AS c JOIN {table} AS b ON b.path = c.path, UNNEST(b.test) AS t
  WHERE ${SITE_WINDOW}
  GROUP BY c.job, t.name, c.nth),
tests AS (
  SELECT job, test, COUNTIF(mark = 3) AS failed, COUNTIF(mark = 2) AS flaky, COUNT(*) AS ran
  FROM cells
  GROUP BY job, test),
ordered AS (
  SELECT job, test, failed, flaky, ran, COUNT(*) OVER (PARTITION BY job) AS total,
    ROW_NUMBER() OVER (PARTITION BY job ORDER BY failed DESC, flaky DESC, test) AS nth
  FROM tests),
shown AS (
  SELECT o.job AS job, o.test AS test, MAX(o.nth) AS nth, MAX(o.failed) AS failed, MAX(o.flaky) AS flaky,
    MAX(o.ran) AS ran, MAX(o.total) AS total, STRING_AGG(CAST(4 * c.nth + c.mark AS STRING), ',') AS cells
  FROM ordered AS o JOIN cells AS c ON c.job = o.job AND c.test = o.test
  WHERE o.nth <= @rows
  GROUP BY o.job, o.test)
SELECT * FROM (
  SELECT 0 AS is_test, job, nth, ${summaryOf('columns_of', OF_BUILD)}, NULL AS test, NULL AS cells,
    NULL AS failed, NULL AS flaky, NULL AS ran, NULL AS total
  FROM columns_of
  UNION ALL
  SELECT 1 AS is_test, job, nth, ${NO_BUILD}, test, cells, failed, flaky, ran, total
  FROM shown) AS both_kinds
ORDER BY job, is_test, nth
LIMIT @limit`;
