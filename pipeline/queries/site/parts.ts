import { COMMIT } from '../parts.ts';

/** Builds `b` of the window. */
export const SITE_WINDOW = 'b.started >= @since AND b.started < @until{jobs}';

/** What a list says of a build, as `builds` below has it. */
export const SUMMARY = [
  ...[
    'path',
    'job',
    'number',
    'started',
    'elapsed',
    'passed',
    'result',
    'tests_run',
    'tests_failed',
    'commit',
  ],
] as const;

/**
 * Builds of the window, one row a path however often a row is there. Aggregates and not QUALIFY: of all that both dialects can,
 * this is what carries no test along.
 */
export const BUILDS = `
  SELECT b.path AS path, MAX(b.job) AS job, MAX(CAST(b.number AS STRING)) AS number, MAX(b.started) AS started,
    MAX(b.elapsed) AS elapsed, LOGICAL_OR(b.passed) AS passed, MAX(b.result) AS result, MAX(b.tests_run) AS tests_run,
    MAX(b.tests_failed) AS tests_failed, MAX(${COMMIT}) AS commit
  FROM {table} AS b
  WHERE ${SITE_WINDOW}{paths}
  GROUP BY b.path`;

/** The same, each job's newest numbered 1. */
export const NUMBERED = `
  SELECT ${SUMMARY.join(', ')}, ROW_NUMBER() OVER (PARTITION BY job ORDER BY started DESC, path DESC) AS nth
  FROM builds`;

/** How test `t` went in one build: 3 failed, 2 flaky, 1 passed. Of several entries of one name the worst counts. */
export const MARK = 'MAX(CASE WHEN t.failed THEN 3 WHEN t.flaky THEN 2 ELSE 1 END)';

/**
 * Runs of tests, counted for each commit (`revision`: a number for it, of one job; null where no commit is known). A row that is
 * there several times weighs less: with a number in place of a path there is no second look at two million tests for it.
 */
export const COMMITS = `
  SELECT i.job AS job, t.name AS test, i.revision AS revision, ROUND(SUM(i.weight)) AS n,
    ROUND(SUM(CASE WHEN t.failed THEN i.weight ELSE 0 END)) AS bad,
    ROUND(SUM(CASE WHEN t.flaky AND NOT COALESCE(t.failed, FALSE) THEN i.weight ELSE 0 END)) AS retried
  FROM ids AS i JOIN {table} AS b ON b.path = i.path, UNNEST(b.test) AS t
  WHERE ${SITE_WINDOW}{text}
  GROUP BY 1, 2, 3`;

/** What `COMMITS` looks at: one row a path. */
export const IDS = `
  SELECT path, job, weight,
    CASE WHEN commit IS NOT NULL THEN DENSE_RANK() OVER (ORDER BY job, commit) END AS revision
  FROM (
    SELECT b.path AS path, MAX(b.job) AS job, MAX(${COMMIT}) AS commit, 1.0 / COUNT(*) AS weight
    FROM {table} AS b
    WHERE ${SITE_WINDOW}
    GROUP BY b.path) AS each_path`;

export const seconds = (column: string) => `UNIX_SECONDS(${column})`;

/** Columns of `from`, with `started` in seconds. */
export function summaryOf(from: string, names: readonly string[] = SUMMARY): string {
  const column = (name: string) => (name === 'started' ? seconds(`${from}.started`) : `${from}.${name}`);
  return names.map((name) => `${column(name)} AS ${name}`).join(', ');
}
