/**
 * What the pages of the report and the dashboard show, and what the JSON interface answers: read from the warehouse by
 * pipeline/jobs/report-*.ts, drawn by pipeline/report, served by pipeline/serve/report.
 *
 * Times are seconds since the epoch, durations seconds, rates between 0 and 1. A *window* is the last so many days. Text is as
 * builds wrote it: hostile until it is escaped.
 */
import type { TriageResult } from '../triage/types.ts';

/** What every page says of itself. */
export interface SiteHead {
  readonly generatedS: number;
  /** The table that was read, and its warehouse's address without secrets. */
  readonly table: string;
  readonly warehouse: string;
  readonly windowDays: number;
}

/** The SQL that a view rests on, in the warehouse's own dialect: one click away. */
export interface Asked {
  readonly sql: string;
  /** The command that asks the same where there is one: `samovar query job-health --days 14`. */
  readonly command?: string;
}

export interface DayCount {
  /** `2026-11-21`, UTC. */
  readonly day: string;
  readonly builds: number;
  readonly passed: number;
}

export interface BucketFreshness {
  /** `gs://bucket/`: the root that a build's path begins with. */
  readonly bucket: string;
  readonly builds: number;
  readonly newestFinishedS: number | null;
}

export interface Overview {
  readonly builds: number;
  readonly jobs: number;
  readonly testsFailed: number;
  readonly passed: number;
  readonly newestFinishedS: number | null;
  readonly buckets: readonly BucketFreshness[];
  readonly days: readonly DayCount[];
  /** The worst first: jobs that fail again and again now. */
  readonly failingNow: readonly JobSummary[];
  readonly asked: Readonly<Record<'days' | 'buckets' | 'jobs', Asked>>;
}

/** One job over the window. */
export interface JobSummary {
  readonly job: string;
  readonly runs: number;
  readonly passed: number;
  /** Newest first, at most 30: how the last builds went. */
  readonly recent: readonly ('passed' | 'failed' | 'unknown')[];
  /** Failed builds since the last that passed; 0 when the last one passed. */
  readonly failedInARow: number;
  readonly lastPassedS: number | null;
  readonly lastStartedS: number | null;
  readonly p50S: number | null;
  readonly p99S: number | null;
  readonly testsRun: number;
  readonly testsFailed: number;
  /** Tests with both answers on one commit, or that passed on a retry. */
  readonly flakyTests: number;
}

export interface JobList {
  readonly jobs: readonly JobSummary[];
  readonly asked: Asked;
}

/** One build in a list or as a grid's column. */
export interface BuildSummary {
  readonly path: string;
  readonly job: string;
  /** As text: 19 digits do not fit a number. */
  readonly number: string | null;
  readonly startedS: number | null;
  readonly elapsedS: number | null;
  readonly passed: boolean | null;
  readonly result: string | null;
  readonly testsRun: number | null;
  readonly testsFailed: number | null;
  readonly commit: string | null;
}

/** P passed, F failed, L flaky (failed, then passed), blank: did not run in that build (skipped, or not there). */
export type CellMark = 'P' | 'F' | 'L' | ' ';

export interface GridRow {
  readonly test: string;
  /** One mark for each of the grid's builds, in their order. */
  readonly marks: string;
  readonly failed: number;
  readonly flaky: number;
  readonly ran: number;
}

/** Tests × builds of one job, newest build first, the tests that fail most first. */
export interface Grid {
  readonly job: string;
  readonly builds: readonly BuildSummary[];
  readonly rows: readonly GridRow[];
  /** Tests there are; `rows` are bounded. */
  readonly testsTotal: number;
  readonly asked: Asked;
}

export interface JobPage {
  readonly summary: JobSummary;
  readonly grid: Grid;
  readonly days: readonly (DayCount & { readonly p50S: number | null; readonly p99S: number | null })[];
  readonly flaky: readonly FlakyTest[];
  readonly asked: Readonly<Record<'days' | 'flaky', Asked>>;
}

export interface FlakyTest {
  readonly job: string;
  readonly test: string;
  readonly runs: number;
  readonly failed: number;
  readonly flaky: number;
  readonly commitsBoth: number;
}

/** One test over all jobs. */
export interface TestPage {
  readonly test: string;
  readonly jobs: readonly {
    readonly job: string;
    readonly runs: number;
    readonly failed: number;
    readonly flaky: number;
    readonly p50S: number | null;
    /** As a grid's row: newest first, at most 100. */
    readonly marks: string;
    readonly builds: readonly BuildSummary[];
    readonly lastFailedS: number | null;
  }[];
  readonly days: readonly { readonly day: string; readonly runs: number; readonly failed: number }[];
  /** Newest first, at most 10. */
  readonly failures: readonly {
    readonly path: string;
    readonly job: string;
    readonly startedS: number | null;
    readonly text: string;
  }[];
  readonly asked: Asked;
}

export interface BuildPage {
  readonly build: BuildSummary;
  readonly finishedS: number | null;
  readonly executor: string | null;
  readonly version: string | null;
  readonly truncated: string | null;
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
  /** Failed first, then flaky, then the slowest; bounded, `testsTotal` says how many there are. */
  readonly tests: readonly {
    readonly test: string;
    readonly mark: CellMark;
    readonly timeS: number | null;
    readonly text: string | null;
  }[];
  readonly testsTotal: number;
  readonly asked: Asked;
}

export interface ClusterList {
  readonly result: TriageResult;
  /** False: `samovar triage` has not run yet. */
  readonly known: boolean;
}

/** Where pages get their models: the warehouse, or for a test anything. A model is undefined where there is no such thing. */
export interface ReportSource {
  head(): SiteHead;
  overview(signal: AbortSignal): Promise<Overview>;
  jobs(signal: AbortSignal): Promise<JobList>;
  job(job: string, signal: AbortSignal): Promise<JobPage | undefined>;
  test(test: string, signal: AbortSignal): Promise<TestPage | undefined>;
  build(path: string, signal: AbortSignal): Promise<BuildPage | undefined>;
  clusters(): Promise<ClusterList>;
  /** Test names that hold the text, the most failing first, at most 100. */
  searchTests(text: string, signal: AbortSignal): Promise<readonly FlakyTest[]>;
}

/** What a static site is written from: the same models, in bulk. */
export interface ReportBulk extends ReportSource {
  /** Every build of a job in the window, in a few large reads; newest first. */
  builds(job: string, signal: AbortSignal): AsyncIterable<BuildPage>;
  /** Tests that failed or were flaky in the window, the worst first, at most `limit`. */
  tests(limit: number, signal: AbortSignal): AsyncIterable<TestPage>;
}

/** What the JSON interface asks for beside the pages' models. */
export interface LiveReport extends ReportSource {
  /** A grid of another size than the job's page has. */
  grid(
    job: string,
    bounds: { readonly builds: number; readonly tests: number },
    signal: AbortSignal,
  ): Promise<Grid | undefined>;
  /** Newest first. */
  buildsOf(job: string, limit: number, signal: AbortSignal): Promise<readonly BuildSummary[]>;
}
