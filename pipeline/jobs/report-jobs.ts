import { siteGrid } from '../queries/site/grid.ts';
import { siteFlaky, siteJobDays, siteJobs } from '../queries/site/jobs.ts';
import { siteBuckets, siteDays } from '../queries/site/overview.ts';
import { siteBuilds } from '../queries/site/tests.ts';
import type {
  BuildSummary,
  FlakyTest,
  Grid,
  JobList,
  JobPage,
  JobSummary,
  Overview,
} from '../report/models.ts';
import { type Ask, jobArgument } from './report-ask.ts';
import {
  countOf,
  groupRows,
  marksOf,
  numberOf,
  type SqlRow,
  secondsOf,
  summaryOfRow,
} from './report-rows.ts';

const BUCKETS_MAX = 100;
const FAILING_MAX = 20;
/** Failed builds, one after another, from which on a job counts as failing. */
const FAILING_FROM = 2;
const FLAKY_MAX = 50;
const RECENT = { P: 'passed', F: 'failed', U: 'unknown' } as const;

export interface GridBounds {
  readonly builds: number;
  readonly tests: number;
}

export async function readOverview(ask: Ask, signal: AbortSignal): Promise<Overview> {
  const [days, buckets, rows] = await Promise.all([
    ask.rows(siteDays, {}, signal),
    ask.rows(siteBuckets, { limit: BUCKETS_MAX }, signal),
    ask.rows(siteJobs, {}, signal),
  ]);
  const jobs = rows.map((row) => summaryOf(row, 0));
  const failing = jobs
    .filter(({ failedInARow }) => failedInARow >= FAILING_FROM)
    .sort((a, b) => b.failedInARow - a.failedInARow || byName(a, b))
    .slice(0, FAILING_MAX);
  const names = failing.map(({ job }) => job);
  const flaky = failing.length === 0 ? [] : await ask.rows(siteFlaky, { jobs: names, rows: 1 }, signal);
  const newest = buckets.map((row) => secondsOf(row.newest) ?? 0);
  const sum = (of: (job: JobSummary) => number) => jobs.reduce((total, job) => total + of(job), 0);
  return {
    builds: sum(({ runs }) => runs),
    jobs: jobs.length,
    testsFailed: sum(({ testsFailed }) => testsFailed),
    passed: sum(({ passed }) => passed),
    newestFinishedS: Math.max(0, ...newest) || null,
    buckets: buckets.map((row) => ({
      bucket: String(row.bucket),
      builds: countOf(row.builds),
      newestFinishedS: secondsOf(row.newest),
    })),
    days: days.map((row) => ({
      day: String(row.day),
      builds: countOf(row.builds),
      passed: countOf(row.passed),
    })),
    failingNow: failing.map((job) => ({ ...job, flakyTests: flakyTotal(flaky, job.job) })),
    asked: {
      days: ask.asked(siteDays, {}, 'build-stats'),
      buckets: ask.asked(siteBuckets, { limit: BUCKETS_MAX }),
      jobs: ask.asked(siteJobs, {}, 'job-health'),
    },
  };
}

export async function readJobs(ask: Ask, signal: AbortSignal): Promise<JobList> {
  const [rows, flaky] = await Promise.all([
    ask.rows(siteJobs, {}, signal),
    ask.rows(siteFlaky, { rows: 1 }, signal),
  ]);
  const totals = new Map(flaky.map((row) => [String(row.job), countOf(row.total)]));
  const jobs = rows.map((row) => summaryOf(row, totals.get(String(row.job)) ?? 0));
  return { jobs: jobs.sort(byName), asked: ask.asked(siteJobs, {}, 'job-health') };
}

/** Pages of the jobs, of all where none are named: four questions, however many jobs there are. */
export async function readJobPages(
  ask: Ask,
  jobs: readonly string[] | undefined,
  bounds: GridBounds,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, JobPage>> {
  const gridValues = { jobs, builds: bounds.builds, rows: bounds.tests };
  const [summaries, days, flaky, cells] = await Promise.all([
    ask.rows(siteJobs, { jobs }, signal),
    ask.rows(siteJobDays, { jobs }, signal),
    ask.rows(siteFlaky, { jobs, rows: FLAKY_MAX }, signal),
    ask.rows(siteGrid, gridValues, signal),
  ]);
  const [daysOf, flakyOf, cellsOf] = [days, flaky, cells].map((rows) => groupRows(rows, 'job'));
  return new Map(
    summaries.map((row) => {
      const job = String(row.job);
      const own = flakyOf?.get(job) ?? [];
      const only = { jobs: [job] };
      const page: JobPage = {
        summary: summaryOf(row, flakyTotal(own, job)),
        grid: gridOf(ask, job, cellsOf?.get(job) ?? [], bounds),
        days: (daysOf?.get(job) ?? []).map(dayOf),
        flaky: own.map(flakyOfRow),
        asked: {
          days: ask.asked(siteJobDays, only, jobArgument('job-health', job)),
          flaky: ask.asked(siteFlaky, { ...only, rows: FLAKY_MAX }, jobArgument('flaky-tests', job)),
        },
      };
      return [job, page] as const;
    }),
  );
}

export async function readGrid(
  ask: Ask,
  job: string,
  bounds: GridBounds,
  signal: AbortSignal,
): Promise<Grid | undefined> {
  const rows = await ask.rows(siteGrid, { jobs: [job], builds: bounds.builds, rows: bounds.tests }, signal);
  return rows.length === 0 ? undefined : gridOf(ask, job, rows, bounds);
}

/** Newest first. */
export async function readBuildsOf(
  ask: Ask,
  job: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly BuildSummary[]> {
  return (await ask.rows(siteBuilds, { jobs: [job], limit }, signal)).map(summaryOfRow);
}

function gridOf(ask: Ask, job: string, rows: readonly SqlRow[], { builds, tests }: GridBounds): Grid {
  const columns = rows.filter((row) => countOf(row.is_test) === 0).map(summaryOfRow);
  const shown = rows.filter((row) => countOf(row.is_test) === 1);
  return {
    job,
    builds: columns,
    rows: shown.map((row) => ({
      test: String(row.test ?? ''),
      marks: marksOf(row.cells, columns.length),
      failed: countOf(row.failed),
      flaky: countOf(row.flaky),
      ran: countOf(row.ran),
    })),
    testsTotal: countOf(shown[0]?.total),
    asked: ask.asked(siteGrid, { jobs: [job], builds, rows: tests }),
  };
}

function summaryOf(row: SqlRow, flakyTests: number): JobSummary {
  const recent = String(row.recent ?? '').split('') as (keyof typeof RECENT)[];
  return {
    job: String(row.job ?? ''),
    runs: countOf(row.runs),
    passed: countOf(row.passed),
    recent: recent.map((mark) => RECENT[mark]),
    failedInARow: countOf(row.failed_in_a_row),
    lastPassedS: secondsOf(row.last_passed),
    lastStartedS: secondsOf(row.last_started),
    p50S: numberOf(row.p50),
    p99S: numberOf(row.p99),
    testsRun: countOf(row.tests_run),
    testsFailed: countOf(row.tests_failed),
    flakyTests,
  };
}

function dayOf(row: SqlRow): JobPage['days'][number] {
  return {
    day: String(row.day),
    builds: countOf(row.builds),
    passed: countOf(row.passed),
    p50S: numberOf(row.p50),
    p99S: numberOf(row.p99),
  };
}

export function flakyOfRow(row: SqlRow): FlakyTest {
  return {
    job: String(row.job ?? ''),
    test: String(row.test ?? ''),
    runs: countOf(row.runs),
    failed: countOf(row.failed),
    flaky: countOf(row.flaky),
    commitsBoth: countOf(row.commits_both),
  };
}

function flakyTotal(rows: readonly SqlRow[], job: string): number {
  return countOf(rows.find((row) => row.job === job)?.total);
}

/** By code units: the same everywhere. */
function byName(a: JobSummary, b: JobSummary): number {
  return a.job < b.job ? -1 : 1;
}
