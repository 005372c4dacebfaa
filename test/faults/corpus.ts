import { randomFor } from '../../pipeline/demo/random.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { junitXml, type ProwBucket } from '../support/prow.ts';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** Tables by the days of their windows, as in the shipped configuration. */
export const TABLES: Readonly<Record<string, number>> = { day: 1, week: 7, all: 0 };
const REPLACE_AFTER: Readonly<Record<string, number>> = { day: 1.9, week: 7.9 };

/** Of streams: a third table would be one more of the same kind, and a third more points at which to be killed. */
export const STREAM_TABLES: Readonly<Record<string, number>> = { week: 7, all: 0 };

export function tablesYaml(more = '', tables = TABLES): string {
  return Object.entries(tables)
    .map(([name, days]) => {
      const replace = REPLACE_AFTER[name];
      const after = replace === undefined ? '' : `  replace_after_days: ${replace}\n`;
      return `${name}:\n  days: ${days}\n${after}${more}`;
    })
    .join('');
}

export interface CorpusBuild {
  readonly job: string;
  readonly id: string;
  readonly ageHours: number;
  readonly pull: boolean;
  /** Without the bucket: `logs/ci-a/123`. */
  readonly folder: string;
}

const AGES: readonly (readonly [job: string, ageHours: number])[] = [
  ['ci-a', 3],
  ['ci-a', 3 * DAY_HOURS],
  ['ci-a', 20 * DAY_HOURS],
  ['ci-b', 5],
  ['ci-b', 4 * DAY_HOURS],
  ['pull-c', 2],
];

const REPO = 'org_repo';
const PULL = 42;

/** Six builds, one of them a presubmit: no two tables take the same ones. */
export function smallCorpus(nowMs: number): readonly CorpusBuild[] {
  return AGES.map(([job, ageHours]) => {
    const id = snowflakeAt(nowMs - ageHours * HOUR_MS);
    const pull = job.startsWith('pull-');
    const folder = pull ? `pr-logs/pull/${REPO}/${PULL}/${job}/${id}` : `logs/${job}/${id}`;
    return { job, id, ageHours, pull, folder };
  });
}

const SOAK_JOBS = 12;

/** So many builds of some jobs, the oldest first, all of the last day and none of the last hour. */
export function manyBuilds(nowMs: number, count: number): readonly CorpusBuild[] {
  return Array.from({ length: count }, (_, at) => {
    const job = `ci-soak-${at % SOAK_JOBS}`;
    const ageHours = 20 - (18 * at) / count;
    const id = snowflakeAt(Math.floor(nowMs - ageHours * HOUR_MS));
    return { job, id, ageHours, pull: false, folder: `logs/${job}/${id}` };
  });
}

/** The same builds at any time: what is written depends on nothing but the clock that was given. */
export function writeBuild(prow: ProwBucket, build: CorpusBuild, nowMs: number, revision = 0): void {
  const finishedAt = Math.floor((nowMs - build.ageHours * HOUR_MS) / 1000);
  const content = {
    started: { timestamp: finishedAt - 600, node: 'node-1', repos: { 'org/repo': 'main' } },
    finished: finishedOf(build, finishedAt, revision),
    files: {
      'artifacts/junit_01.xml': junitXml({ passed: 3, failed: isEven(build) ? 0 : 1, skipped: 1 }),
      ...(build.pull && { 'artifacts/junit_long.xml': longXml() }),
      // A file that ends in the middle is no reason to leave a build out.
      ...(build.job === 'ci-b' && { 'artifacts/junit_02.xml': '<testsuite><testcase name="cut' }),
    },
  };
  if (build.pull) prow.presubmit(REPO, PULL, build.job, build.id, content);
  else prow.build(build.job, build.id, content);
}

/** More than fits into what is left of the database's pages. */
function longXml(): string {
  const text = randomFor('a long failure').hex(40_000);
  return `<testsuite name="long"><testcase name="long"><failure>${text}</failure></testcase></testsuite>`;
}

const isEven = ({ ageHours }: CorpusBuild) => Math.floor(ageHours) % 2 === 0;

function finishedOf(build: CorpusBuild, finishedAt: number, revision: number) {
  const passed = isEven(build);
  const metadata = revision === 0 ? {} : { revision: String(revision) };
  return { timestamp: finishedAt, passed, result: passed ? 'SUCCESS' : 'FAILURE', metadata };
}

/** Paths that each table must have. */
export function expectedPaths(
  builds: readonly CorpusBuild[],
  bucketUrl: string,
  tables: Readonly<Record<string, number>> = TABLES,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(tables).map(([table, days]) => [
      table,
      builds
        .filter(({ ageHours }) => days === 0 || ageHours < days * DAY_HOURS)
        .map(({ folder }) => `${bucketUrl}/${folder}`),
    ]),
  );
}

export function bucketsYaml(bucketUrl: string): string {
  const options = `  sequential: false\n${bucketUrl.startsWith('gs:') ? '  anonymous: true\n' : ''}`;
  return `${bucketUrl}/logs/:\n  prefix: ""\n${options}${bucketUrl}/pr-logs/:\n  prefix: "pr:"\n  pr: true\n${options}`;
}
