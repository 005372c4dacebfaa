import { siteTests, siteWorstTests } from '../queries/site/jobs.ts';
import { siteTestPages } from '../queries/site/tests.ts';
import type { FlakyTest, TestPage } from '../report/models.ts';
import type { Ask } from './report-ask.ts';
import { flakyOfRow } from './report-jobs.ts';
import { countOf, groupRows, markOf, numberOf, type SqlRow, secondsOf, summaryOfRow } from './report-rows.ts';

const FOUND_MAX = 100;
const FAILURES_MAX = 10;
/** Jobs of a test whose builds are shown, those where it fails most. */
const JOBS_MAX = 100;
/** Tests of one question: its answer has some hundred rows for each. */
const CHUNK = 200;

/** Tests by a part of their names; without one, those that fail or are flaky. The worst first. */
export async function findTests(ask: Ask, text: string, signal: AbortSignal): Promise<readonly FlakyTest[]> {
  const values = { limit: FOUND_MAX, ...(text !== '' && { text }) };
  const found = (await ask.rows(siteTests, values, signal)).map(flakyOfRow);
  return text === '' ? found.filter(({ failed, flaky }) => failed + flaky > 0) : found;
}

/** Pages of these tests; `builds`: of each job. */
export async function readTestPages(
  ask: Ask,
  tests: readonly string[],
  builds: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TestPage>> {
  const rows = await ask.rows(siteTestPages, { tests, builds, rows: FAILURES_MAX }, signal);
  const values = { builds, rows: FAILURES_MAX };
  return new Map(
    [...groupRows(rows, 'test')].map(([test, own]) => [
      test,
      pageOf(test, own, ask.asked(siteTestPages, { ...values, tests: [test] })),
    ]),
  );
}

/** The worst first, at most `limit`. */
export async function* worstTests(
  ask: Ask,
  limit: number,
  builds: number,
  signal: AbortSignal,
): AsyncGenerator<TestPage> {
  const names = (await ask.rows(siteWorstTests, { limit }, signal)).map((row) => String(row.test ?? ''));
  for (let at = 0; at < names.length; at += CHUNK) {
    const chunk = names.slice(at, at + CHUNK);
    const pages = await readTestPages(ask, chunk, builds, signal);
    yield* chunk.flatMap((name) => pages.get(name) ?? []);
  }
}

/** Kinds as the query numbers them. */
function pageOf(test: string, rows: readonly SqlRow[], asked: TestPage['asked']): TestPage {
  const of = (kind: number) => rows.filter((row) => countOf(row.kind) === kind);
  const runs = groupRows(of(3), 'job');
  const jobs = of(1)
    .map((row) => ({ row, failed: countOf(row.failed), flaky: countOf(row.flaky), runs: countOf(row.runs) }))
    .sort((a, b) => b.failed - a.failed || b.flaky - a.flaky || b.runs - a.runs)
    .slice(0, JOBS_MAX);
  const failures = of(4).sort((a, b) => countOf(a.nth) - countOf(b.nth));
  return {
    test,
    jobs: jobs.map(({ row, ...counts }) => {
      const own = runs.get(String(row.job ?? '')) ?? [];
      return {
        job: String(row.job ?? ''),
        ...counts,
        p50S: numberOf(row.p50),
        marks: own.map((run) => markOf(run.mark)).join(''),
        builds: own.map(summaryOfRow),
        lastFailedS: secondsOf(row.last_failed),
      };
    }),
    days: of(2).map((row) => ({
      day: String(row.day),
      runs: countOf(row.runs),
      failed: countOf(row.failed),
    })),
    failures: failures.map((row) => ({
      path: String(row.path ?? ''),
      job: String(row.job ?? ''),
      startedS: secondsOf(row.started),
      text: String(row.text ?? ''),
    })),
    asked,
  };
}
