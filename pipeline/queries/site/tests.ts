import { BUILDS, MARK, SITE_WINDOW, SUMMARY, seconds, summaryOf } from './parts.ts';

const TEXT_CHARS_MAX = 4_000;
const OF_BUILD = SUMMARY.filter((name) => name !== 'job');
const NO_BUILD = OF_BUILD.map((name) => `NULL AS ${name}`).join(', ');
const BUILD = summaryOf('builds', OF_BUILD);

/**
 * All of some tests' pages, in one look at the table. `kind` 1: how a test ran in each job;
 * 2: on each day; 3: its newest @builds runs in each job; 4: the newest @rows failures with what they said.
 */
export const siteTestPages = `
WITH builds AS (${BUILDS}),
cells AS (
  SELECT t.name AS test, b.path AS path, MAX(b.job) AS job, MAX(b.started) AS started, MAX(t.time) AS took, ${MARK} AS mark,
    MAX(CASE WHEN t.failed THEN SUBSTR(COALESCE(t.failure_text, ''), 1, ${TEXT_CHARS_MAX}) END) AS text
  FROM {table} AS b, UNNEST(b.test) AS t
  WHERE ${SITE_WINDOW}{tests}
  GROUP BY t.name, b.path),
numbered AS (
  SELECT test, path, job, started, took, mark, text,
    PERCENTILE_CONT(took, 0.5) OVER (PARTITION BY test, job) AS p50,
    ROW_NUMBER() OVER (PARTITION BY test, job ORDER BY started DESC, path DESC) AS nth,
    ROW_NUMBER() OVER (PARTITION BY test, mark ORDER BY started DESC, path DESC) AS nth_of_mark
  FROM cells)
SELECT * FROM (
  SELECT 1 AS kind, test, job, NULL AS day, COUNT(*) AS runs, COUNTIF(mark = 3) AS failed, COUNTIF(mark = 2) AS flaky,
    MAX(p50) AS p50, ${seconds('MAX(CASE WHEN mark = 3 THEN started END)')} AS last_failed, NULL AS nth, NULL AS mark,
    NULL AS text, ${NO_BUILD}
  FROM numbered
  GROUP BY test, job
  UNION ALL
  SELECT 2 AS kind, test, NULL AS job, CAST(CAST(started AS DATE) AS STRING) AS day, COUNT(*) AS runs,
    COUNTIF(mark = 3) AS failed, NULL AS flaky, NULL AS p50, NULL AS last_failed, NULL AS nth, NULL AS mark, NULL AS text,
    ${NO_BUILD}
  FROM numbered
  GROUP BY test, CAST(CAST(started AS DATE) AS STRING)
  UNION ALL
  SELECT 3 AS kind, n.test AS test, n.job AS job, NULL AS day, NULL AS runs, NULL AS failed, NULL AS flaky, NULL AS p50,
    NULL AS last_failed, n.nth AS nth, n.mark AS mark, NULL AS text, ${BUILD}
  FROM numbered AS n JOIN builds ON builds.path = n.path
  WHERE n.nth <= @builds
  UNION ALL
  SELECT 4 AS kind, n.test AS test, n.job AS job, NULL AS day, NULL AS runs, NULL AS failed, NULL AS flaky, NULL AS p50,
    NULL AS last_failed, n.nth_of_mark AS nth, n.mark AS mark, n.text AS text, ${BUILD}
  FROM numbered AS n JOIN builds ON builds.path = n.path
  WHERE n.mark = 3 AND n.nth_of_mark <= @rows) AS all_kinds
ORDER BY kind, test, job, day, nth
LIMIT @limit`;

/** Builds, each job's newest first, @builds of each. */
export const siteBuilds = `
WITH builds AS (${BUILDS}),
numbered AS (
  SELECT ${SUMMARY.join(', ')}, ROW_NUMBER() OVER (PARTITION BY job ORDER BY started DESC, path DESC) AS nth
  FROM builds)
SELECT ${summaryOf('n')}
FROM numbered AS n
WHERE n.nth <= @builds
ORDER BY job, n.nth
LIMIT @limit`;

/** What a build's own page says beside that. A row may be there twice. */
export const siteBuildDetails = `
SELECT b.path AS path, ${seconds('b.finished')} AS finished, b.executor AS executor, b.version AS version,
  b.truncated AS truncated, b.metadata AS metadata
FROM {table} AS b
WHERE ${SITE_WINDOW}{paths}
ORDER BY path, finished
LIMIT @limit`;

/** Of each build @rows tests: failed ones first, then flaky ones, then the slowest, as far as the first @passed rows. */
export const siteBuildTests = `
WITH tests AS (
  SELECT b.path AS path, t.name AS test, ${MARK} AS mark, MAX(t.time) AS took,
    MAX(SUBSTR(t.failure_text, 1, ${TEXT_CHARS_MAX})) AS text
  FROM {table} AS b, UNNEST(b.test) AS t
  WHERE ${SITE_WINDOW}{paths}
  GROUP BY b.path, t.name),
numbered AS (
  SELECT path, test, mark, took, text, COUNT(*) OVER (PARTITION BY path) AS total,
    ROW_NUMBER() OVER (PARTITION BY path ORDER BY mark DESC, COALESCE(took, 0) DESC, test) AS nth
  FROM tests)
SELECT path, test, mark, took, text, total
FROM numbered
WHERE nth <= @rows AND (mark > 1 OR nth <= @passed)
ORDER BY path, nth
LIMIT @limit`;
