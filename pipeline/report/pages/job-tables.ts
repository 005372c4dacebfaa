import { html } from 'hono/html';
import type { FlakyTest, JobSummary } from '../models.ts';
import type { Html, PageContext } from '../page.ts';
import { marksOf, strip } from '../strip.ts';
import { table } from '../table.ts';
import { amount, lasted, moment, NONE, named, percent, pill } from '../words.ts';

/** In a row: one failure is an accident. */
const BROKEN_AFTER = 3;

export function health({ failedInARow, recent, flakyTests, runs }: JobSummary): Html {
  if (runs === 0) return pill('none', 'no builds');
  if (failedInARow >= BROKEN_AFTER) return pill('bad', `✗ ${amount(failedInARow)} failed in a row`);
  if (failedInARow > 0)
    return pill('warn', failedInARow === 1 ? '! last failed' : `! last ${failedInARow} failed`);
  if (recent[0] === 'unknown') return pill('none', '? last unknown');
  return flakyTests > 0 ? pill('warn', '~ passes, flaky') : pill('good', '✓ passes');
}

/** The worst first, as sorted by health. */
function healthRank({ failedInARow, passed, runs }: JobSummary): number {
  return runs === 0 ? -1 : failedInARow + (runs - passed) / runs;
}

export function failingTable(jobs: readonly JobSummary[], { links }: PageContext): Html {
  if (jobs.length === 0) return html`<p class="soft">No job's last builds failed again and again.</p>`;
  return table(
    'Jobs that fail now',
    [
      { label: 'Job' },
      { label: 'Health', kind: 'short' },
      { label: 'Last builds, newest first', kind: 'strips' },
      { label: 'Last passed', kind: 'when' },
      { label: 'Passed', kind: 'number' },
    ],
    jobs.map((job) => [
      named(job.job, links.job(job.job)),
      health(job),
      strip(marksOf(job.recent)),
      job.lastPassedS === null ? 'not in this time' : moment(job.lastPassedS),
      percent(job.passed, job.runs),
    ]),
  );
}

export function jobsTable(jobs: readonly JobSummary[], { links }: PageContext): Html {
  if (jobs.length === 0) return html`<p class="soft">There are no builds in this time.</p>`;
  return table(
    'Jobs',
    [
      { label: 'Job', sort: 'up' },
      { label: 'Health', kind: 'short', sort: 'down' },
      { label: 'Last builds, newest first', kind: 'strips' },
      { label: 'Runs', kind: 'number', sort: 'down' },
      { label: 'Passed', kind: 'number', sort: 'up' },
      { label: 'Median', kind: 'number', sort: 'down' },
      { label: '99%', kind: 'number', sort: 'down' },
      { label: 'Flaky tests', kind: 'number', sort: 'down' },
      { label: 'Last passed', kind: 'when', sort: 'up' },
      { label: 'Last started', kind: 'when', sort: 'down' },
    ],
    jobs.map((job) => [
      { shown: named(job.job, links.job(job.job)), by: job.job },
      { shown: health(job), by: healthRank(job) },
      strip(marksOf(job.recent)),
      { shown: amount(job.runs), by: job.runs },
      { shown: percent(job.passed, job.runs), by: job.runs === 0 ? '' : job.passed / job.runs },
      { shown: lasted(job.p50S), by: job.p50S ?? '' },
      { shown: lasted(job.p99S), by: job.p99S ?? '' },
      { shown: job.flakyTests === 0 ? NONE : amount(job.flakyTests), by: job.flakyTests },
      { shown: moment(job.lastPassedS), by: job.lastPassedS ?? '' },
      { shown: moment(job.lastStartedS), by: job.lastStartedS ?? '' },
    ]),
    { key: 'jobs', searched: 'jobs' },
  );
}

/** `withJob`: over all jobs; without: of the page's own. */
export function flakyTable(
  tests: readonly FlakyTest[],
  { links }: PageContext,
  { withJob, key }: { readonly withJob: boolean; readonly key: string },
): Html {
  const jobColumn = withJob ? [{ label: 'Job', sort: 'up' as const }] : [];
  return table(
    'Tests that fail or flake',
    [
      { label: 'Test', sort: 'up' },
      ...jobColumn,
      { label: 'Ran', kind: 'number', sort: 'down' },
      { label: 'Failed', kind: 'number', sort: 'down' },
      { label: 'Flaky', kind: 'number', sort: 'down' },
      { label: 'Commits with both answers', kind: 'number', sort: 'down' },
      { label: 'Failure rate', kind: 'number', sort: 'down' },
    ],
    tests.map(({ job, test, runs, failed, flaky, commitsBoth }) => [
      { shown: named(test, links.test(test)), by: test },
      ...(withJob ? [{ shown: named(job, links.job(job)), by: job }] : []),
      { shown: amount(runs), by: runs },
      { shown: failed === 0 ? NONE : amount(failed), by: failed },
      { shown: flaky === 0 ? NONE : amount(flaky), by: flaky },
      { shown: commitsBoth === 0 ? NONE : amount(commitsBoth), by: commitsBoth },
      { shown: percent(failed, runs), by: runs === 0 ? '' : failed / runs },
    ]),
    { key, searched: 'tests' },
  );
}
