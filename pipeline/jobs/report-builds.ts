import { siteBuildDetails, siteBuilds, siteBuildTests } from '../queries/site/tests.ts';
import type { BuildPage } from '../report/models.ts';
import type { Ask } from './report-ask.ts';
import {
  countOf,
  groupRows,
  markOf,
  numberOf,
  type SqlRow,
  secondsOf,
  summaryOfRow,
  textOf,
} from './report-rows.ts';

/** Which builds, and how many of their tests: `passed` bounds those of them that did nothing but pass. */
export interface BuildChoice {
  readonly jobs?: readonly string[];
  readonly paths?: readonly string[];
  readonly tests: number;
  readonly passed: number;
}

/** Pages of builds, each job's newest first. */
export async function readBuildPages(
  ask: Ask,
  { jobs, paths, tests: rows, passed }: BuildChoice,
  signal: AbortSignal,
): Promise<readonly BuildPage[]> {
  const which = { jobs, paths };
  const [builds, details, tests] = await Promise.all([
    ask.rows(siteBuilds, which, signal),
    ask.rows(siteBuildDetails, which, signal),
    ask.rows(siteBuildTests, { ...which, rows, passed }, signal),
  ]);
  const detailsOf = new Map(details.map((row) => [String(row.path), row]));
  const testsOf = groupRows(tests, 'path');
  return builds.map((row) => {
    const path = String(row.path);
    const own = testsOf.get(path) ?? [];
    return {
      build: summaryOfRow(row),
      ...detailOf(detailsOf.get(path) ?? {}),
      tests: own.map(testOf),
      testsTotal: countOf(own[0]?.total),
      asked: ask.asked(siteBuildTests, { paths: [path], rows }),
    };
  });
}

function testOf(row: SqlRow): BuildPage['tests'][number] {
  return {
    test: String(row.test ?? ''),
    mark: markOf(row.mark),
    timeS: numberOf(row.took),
    text: textOf(row.text),
  };
}

function detailOf(
  row: SqlRow,
): Pick<BuildPage, 'finishedS' | 'executor' | 'version' | 'truncated' | 'metadata'> {
  const metadata = Array.isArray(row.metadata) ? (row.metadata as readonly SqlRow[]) : [];
  return {
    finishedS: secondsOf(row.finished),
    executor: textOf(row.executor),
    version: textOf(row.version),
    truncated: textOf(row.truncated),
    metadata: metadata.map(({ key, value }) => ({ key: String(key ?? ''), value: String(value ?? '') })),
  };
}
