import type { BuildPage, JobPage, LiveReport, ReportBulk, TestPage } from '../report/models.ts';
import type { TriageResult } from '../triage/types.ts';
import { type AskOptions, createAsk, type ReadWarehouse } from './report-ask.ts';
import { readBuildPages } from './report-builds.ts';
import { readBuildsOf, readGrid, readJobPages, readJobs, readOverview } from './report-jobs.ts';
import { findTests, readTestPages, worstTests } from './report-tests.ts';

const GRID = { builds: 100, tests: 200 };
/** Of a test, in each job. */
const RUNS = 100;
const RUNS_IN_BULK = 20;
/** Of one build's page. */
const TESTS = 1_000;
const TESTS_IN_BULK = { tests: 100, passed: 20 };
/** Of one question in bulk. */
const BUILDS_AT_ONCE = 4_000;

export interface ReportOptions extends AskOptions {
  /** What triage kept; undefined where it has not run. */
  readonly triage?: () => TriageResult | undefined;
  /** Of a job's page; default 100 builds and 200 tests. */
  readonly grid?: { readonly builds: number; readonly tests: number };
  /** Every job's page will be asked for: all are read with the first. */
  readonly bulk?: boolean;
}

/** The models of all pages, read from a table of builds. Throws `missing` where there is no such table. */
export function createReport(warehouse: ReadWarehouse, options: ReportOptions): LiveReport & ReportBulk {
  const { table, windowDays, nowMs, triage = () => undefined, grid = GRID, bulk = false } = options;
  const ask = createAsk(warehouse, { table, windowDays, nowMs });
  const readList = (signal: AbortSignal) => readJobs(ask, signal);
  // A site is of one moment, and asks for the list twice.
  const jobs = bulk ? onceOf(readList) : readList;
  const allJobs = onceOf((signal) => readJobPages(ask, undefined, grid, signal));
  const readJob = async (job: string, signal: AbortSignal): Promise<JobPage | undefined> =>
    (await (bulk ? allJobs(signal) : readJobPages(ask, [job], grid, signal))).get(job);
  const readTest = async (test: string, signal: AbortSignal): Promise<TestPage | undefined> =>
    (await readTestPages(ask, [test], RUNS, signal)).get(test);
  const readBuild = async (path: string, signal: AbortSignal): Promise<BuildPage | undefined> =>
    (await readBuildPages(ask, { paths: [path], tests: TESTS, passed: TESTS }, signal))[0];
  const chunks = createChunks(
    async (signal) => (await jobs(signal)).jobs,
    (names, signal) => readBuildPages(ask, { jobs: names, ...TESTS_IN_BULK }, signal),
  );
  return {
    head: () => ({
      ...{ generatedS: Math.floor(nowMs() / 1000), table, windowDays },
      warehouse: warehouse.url,
    }),
    overview: (signal) => readOverview(ask, signal),
    jobs,
    job: nameable(readJob),
    test: nameable(readTest),
    build: nameable(readBuild),
    grid: (job, bounds, signal) => nameable((name) => readGrid(ask, name, bounds, signal))(job, signal),
    buildsOf: (job, limit, signal) => (isNameable(job) ? readBuildsOf(ask, job, limit, signal) : none()),
    searchTests: (text, signal) => (isNameable(text) ? findTests(ask, text, signal) : none()),
    clusters: async () => {
      const result = triage();
      return { result: result ?? noClusters(options), known: result !== undefined };
    },
    builds: (job, signal) => chunks(job, signal),
    tests: (limit, signal) => worstTests(ask, limit, RUNS_IN_BULK, signal),
  };
}

/** No warehouse holds a NUL, and no literal can. */
function isNameable(name: string): boolean {
  return !name.includes('\0');
}

function nameable<T>(read: (name: string, signal: AbortSignal) => Promise<T | undefined>) {
  return (name: string, signal: AbortSignal): Promise<T | undefined> =>
    isNameable(name) ? read(name, signal) : Promise.resolve(undefined);
}

async function none(): Promise<readonly never[]> {
  return [];
}

/** The first answer is everybody's; a failed one is nobody's. */
function onceOf<T>(read: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let answer: Promise<T> | undefined;
  return (signal) => {
    answer ??= read(signal).catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}

interface JobRuns {
  readonly job: string;
  readonly runs: number;
}

/**
 * Builds of one job after another out of few reads: with a job that is asked for come those behind it in the order of their names,
 * up to a bound.
 */
function createChunks(
  jobs: (signal: AbortSignal) => Promise<readonly JobRuns[]>,
  read: (jobs: readonly string[], signal: AbortSignal) => Promise<readonly BuildPage[]>,
) {
  const order = onceOf(jobs);
  let chunk: ReadonlyMap<string, readonly BuildPage[]> = new Map();
  return async function* (job: string, signal: AbortSignal): AsyncGenerator<BuildPage> {
    if (!chunk.has(job)) {
      const names = chunkFrom(await order(signal), job);
      const pages = new Map<string, BuildPage[]>(names.map((name) => [name, []]));
      for (const page of await read(names, signal)) pages.get(page.build.job)?.push(page);
      chunk = pages;
    }
    yield* chunk.get(job) ?? [];
  };
}

function chunkFrom(jobs: readonly JobRuns[], job: string): readonly string[] {
  const names = [job];
  const at = jobs.findIndex((one) => one.job === job);
  let builds = jobs[at]?.runs ?? 0;
  for (const { job: name, runs } of at < 0 ? [] : jobs.slice(at + 1)) {
    builds += runs;
    if (builds > BUILDS_AT_ONCE) break;
    names.push(name);
  }
  return names;
}

function noClusters({ nowMs, windowDays }: ReportOptions): TriageResult {
  const generated = Math.floor(nowMs() / 1000);
  return {
    ...{ format: 1, generated, since: generated - windowDays * 86_400 },
    ...{ builds: 0, failures: 0, clustersTotal: 0, clusters: [] },
  };
}
