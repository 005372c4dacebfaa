/** What several queries share. Each filters on `started`, the column that a partitioned table is partitioned by. */

/** Builds `b` of the window. */
export const WINDOW = 'b.started >= @since AND b.started < @until AND REGEXP_CONTAINS(b.job, @job)';

/** Builds `b` of the window and of the time before it. */
export const WINDOW_AND_BEFORE =
  'b.started >= @before AND b.started < @until AND REGEXP_CONTAINS(b.job, @job)';

/** Builds `b` of pull requests: Kettle's name for them. */
export const OF_PULLS = "STARTS_WITH(b.job, 'pr:')";

/** The pull request of build `b`, `batch` for several at once; null for what is none's. */
export const PULL = "REGEXP_EXTRACT(b.path, r'/pull/(?:[^/]+/)?([0-9]+|batch)/')";

/** What build `b` tested: a pull request's own commit, else the repository's. A batch's is that of its first one. */
export const COMMIT =
  "COALESCE(REGEXP_EXTRACT(b.repos, r'[^,]+,[0-9]+:([a-f0-9]+)[\",]'), b.repo_commit, b.version)";

/** The day (UTC) of build `b` as 2026-11-20. */
export const DAY = 'CAST(CAST(b.started AS DATE) AS STRING)';

/** Builds of one commit that passed and failed: `passed` of `runs`. */
export const FLAKED = 'passed > 0 AND passed < runs';

/** A ratio, 0 where there is nothing to divide by. */
export function ratio(part: string, whole: string, digits = 3): string {
  return `COALESCE(ROUND(${part} / NULLIF(${whole}, 0), ${digits}), 0)`;
}

/** As `b`'s tests: one row `t` for each. */
export const WITH_TESTS = '{table} AS b, UNNEST(b.test) AS t';

/** Runs of builds (test '') and of tests: job, test, started, path, commit, failed. A test that is listed twice in a build counts once. */
export const RUNS = `
  SELECT b.job AS job, '' AS test, b.started AS started, b.path AS path, ${COMMIT} AS commit,
    NOT COALESCE(b.passed, FALSE) AS failed
  FROM {table} AS b
  WHERE ${WINDOW_AND_BEFORE}
  UNION ALL
  SELECT b.job AS job, t.name AS test, MIN(b.started) AS started, b.path AS path, MIN(${COMMIT}) AS commit,
    LOGICAL_OR(COALESCE(t.failed, FALSE)) AS failed
  FROM ${WITH_TESTS}
  WHERE ${WINDOW_AND_BEFORE}
  GROUP BY b.job, t.name, b.path`;
