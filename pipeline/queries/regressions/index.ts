import { RUNS } from '../parts.ts';
import type { BuildQuery } from '../types.ts';

/** Square of 1.96, the normal deviate of 95 %. */
const Z2 = 3.8416;

/** A bound of Wilson's interval for `passes` of `runs`. */
function wilson(sign: '+' | '-', passes: string, runs: string): string {
  const rate = `${passes} / ${runs}`;
  const half = `SQRT(${Z2} * (${rate} * (1 - ${rate}) / ${runs} + ${Z2} / (4.0 * ${runs} * ${runs})))`;
  return `ROUND((${rate} + ${Z2} / (2.0 * ${runs}) ${sign} ${half}) / (1 + ${Z2} / ${runs}), 3)`;
}

// A warehouse may divide before it filters: a count that is 0 is null to it.
/** Significant: the 95 % intervals (Wilson's) do not meet, so that chance is no likely cause even of few runs. */
export const regressions: BuildQuery = {
  name: 'regressions',
  about: 'what passes less often than in the four windows before, with 95 % intervals (no test: the build)',
  days: 7,
  windowsBefore: 4,
  columns: [
    ...['job', 'test', 'significant', 'runs', 'pass_rate', 'pass_rate_low', 'pass_rate_high'],
    ...['runs_before', 'pass_rate_before', 'before_low', 'before_high'],
  ],
  sql: `
WITH runs AS (${RUNS}),
counts AS (
  SELECT job, test, COUNTIF(started >= @since) AS n, COUNTIF(started >= @since AND NOT failed) AS k,
    COUNTIF(started < @since) AS n_before, COUNTIF(started < @since AND NOT failed) AS k_before
  FROM runs
  GROUP BY 1, 2),
both_times AS (
  SELECT job, test, NULLIF(n, 0) AS n, k, NULLIF(n_before, 0) AS n_before, k_before
  FROM counts
  WHERE n > 0 AND n_before > 0),
rates AS (
  SELECT job, test, n AS runs, ROUND(k / n, 3) AS pass_rate,
    ${wilson('-', 'k', 'n')} AS pass_rate_low, ${wilson('+', 'k', 'n')} AS pass_rate_high,
    n_before AS runs_before, ROUND(k_before / n_before, 3) AS pass_rate_before,
    ${wilson('-', 'k_before', 'n_before')} AS before_low, ${wilson('+', 'k_before', 'n_before')} AS before_high
  FROM both_times)
SELECT job, test, pass_rate_high < before_low AS significant, runs, pass_rate, pass_rate_low, pass_rate_high,
  runs_before, pass_rate_before, before_low, before_high
FROM rates
WHERE pass_rate < pass_rate_before
ORDER BY significant DESC, pass_rate_before - pass_rate DESC, job, test
LIMIT @limit`,
};
