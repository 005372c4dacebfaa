import type {
  Asked,
  BuildPage,
  BuildSummary,
  FlakyTest,
  Grid,
  JobPage,
  JobSummary,
  ReportBulk,
  SiteHead,
  TestPage,
} from '../../pipeline/report/models.ts';
import type { FailureCluster } from '../../pipeline/triage/types.ts';

/** Names and texts as nobody should write them: each would do harm, or break a page, if it were not text. */
export const HOSTILE = {
  script: `</script><script>window.harmed = 1</script>`,
  image: `"><img src=x onerror="window.harmed = 2">'`,
  comment: `<!-- <script> --> {{7*7}} \${7*7} &lt;b&gt; %3Cscript%3E`,
  link: `javascript:window.harmed=3`,
  bidi: `[sig-tea] \u202egnp.evil\u202c should \u2066stay\u2069 \u061c in its place`,
  control: `bell \u0007 nul \u0000 escape \u001b[31m lone \ud800 end`,
  long: `TestAVeryLongName/${'with_many_parts_and_no_place_to_break/'.repeat(60)}end`,
  words: `${'a name of very many words '.repeat(40)}`.trim(),
  empty: '',
  proto: '__proto__',
} as const;

export const NOW_S = Date.UTC(2026, 10, 21, 12) / 1_000;
const DAY_S = 86_400;
const SQL = `SELECT job, COUNT(*) FROM builds\nWHERE job <> '${HOSTILE.script}'`;
const ASKED: Asked = { sql: SQL, command: "samovar query job-health --days 14 --job 'ci-*'" };

export const JOBS = [
  'ci-kettle-whistle',
  'pr:tea/samovar:unit',
  HOSTILE.script,
  HOSTILE.image,
  HOSTILE.bidi,
  HOSTILE.long,
  HOSTILE.empty,
  HOSTILE.proto,
] as const;

const TESTS = [
  ...Object.values(HOSTILE),
  ...Array.from({ length: 60 }, (_, at) => `[sig-tea] Leaves steep for ${at} minutes (suite ${at % 7})`),
];

function mark(row: number, col: number): string {
  if ((row + col) % 11 === 0) return ' ';
  if (row % 9 === 0 && col < 4) return 'F';
  return (row * 7 + col * 13) % 29 === 0 ? 'F' : (row * 5 + col * 3) % 41 === 0 ? 'L' : 'P';
}

export function buildOf(job: string, at: number): BuildSummary {
  const isLong = at % 5 === 0;
  return {
    path:
      at === 1
        ? `file:///srv/ci/logs/${job}/${at}/`
        : `gs://tea/logs/${job}/${1_780_000_000_000_000_000n + BigInt(at)}/`,
    job,
    number: at === 3 ? null : String(1_780_000_000_000_000_000n + BigInt(at)),
    startedS: NOW_S - at * 5 * 3_600,
    elapsedS: isLong ? 9_000 : 610 + at,
    passed: at === 7 ? null : at % 4 !== 0,
    result: at % 4 === 0 ? 'FAILURE' : 'SUCCESS',
    testsRun: TESTS.length,
    testsFailed: at % 4 === 0 ? 3 : 0,
    commit: at === 2 ? HOSTILE.image : 'f'.repeat(40),
  };
}

export function gridOf(job: string, tests: readonly string[], builds: number): Grid {
  return {
    job,
    builds: Array.from({ length: builds }, (_, at) => buildOf(job, at)),
    rows: tests.map((test, row) => {
      const marks = Array.from({ length: builds }, (_, col) => mark(row, col)).join('');
      const count = (what: string) => marks.split(what).length - 1;
      return { test, marks, failed: count('F'), flaky: count('L'), ran: builds - count(' ') };
    }),
    testsTotal: tests.length + 12,
    asked: ASKED,
  };
}

function summaryOf(job: string, at: number): JobSummary {
  const isNew = at === 6;
  return {
    job,
    runs: isNew ? 1 : 40 * (at + 1),
    passed: isNew ? 0 : 37 * (at + 1),
    recent: Array.from({ length: isNew ? 1 : 30 }, (_, build) =>
      build < at - 1 ? 'failed' : build === 7 ? 'unknown' : 'passed',
    ),
    failedInARow: isNew ? 1 : Math.max(0, at - 1),
    lastPassedS: isNew ? null : NOW_S - at * 7_000,
    lastStartedS: NOW_S - at * 3_000,
    p50S: isNew ? null : 610.4,
    p99S: isNew ? null : 9_000,
    testsRun: 4_000,
    testsFailed: at * 3,
    flakyTests: at % 3,
  };
}

const DAYS = Array.from({ length: 14 }, (_, at) => ({
  day: new Date((NOW_S - (13 - at) * DAY_S) * 1_000).toISOString().slice(0, 10),
  builds: 20 + ((at * 7) % 13),
  passed: 17 + ((at * 5) % 9) - (at === 9 ? 12 : 0),
  p50S: at === 4 ? null : 600 + at * 20,
  p99S: at === 4 ? null : 2_000 + at * 90,
  runs: 400,
  failed: (at * 3) % 11,
}));

const FLAKY: readonly FlakyTest[] = TESTS.map((test, at) => ({
  job: JOBS[at % JOBS.length] ?? '',
  test,
  runs: 100,
  failed: at % 13,
  flaky: at % 5,
  commitsBoth: at % 3,
}));

function jobOf(job: string): JobPage | undefined {
  const at = (JOBS as readonly string[]).indexOf(job);
  if (at < 0) return undefined;
  const grid = gridOf(job, at === 6 ? [] : TESTS, at === 6 ? 1 : 90);
  return {
    summary: summaryOf(job, at),
    grid,
    days: DAYS,
    flaky: at === 6 ? [] : FLAKY.slice(0, 20),
    asked: { days: ASKED, flaky: ASKED },
  };
}

function testOf(test: string): TestPage | undefined {
  if (!TESTS.includes(test)) return undefined;
  return {
    test,
    jobs: JOBS.slice(0, 5).map((job, at) => {
      const { builds, rows } = gridOf(job, [test], 60 + at);
      return {
        ...{ job, builds, marks: rows[0]?.marks ?? '', runs: 60, failed: 3, flaky: at },
        ...{ p50S: 1.25, lastFailedS: at === 0 ? null : NOW_S - at * DAY_S },
      };
    }),
    days: DAYS,
    failures: Object.values(HOSTILE).map((text, at) => ({
      ...{ path: buildOf(JOBS[at % 5] ?? '', at).path, job: JOBS[at % 5] ?? '', startedS: NOW_S - at * 999 },
      text: `${text}\nat line ${at}\n${'frame\n'.repeat(at * 6)}`,
    })),
    asked: ASKED,
  };
}

function pageOf(build: BuildSummary): BuildPage {
  return {
    build,
    finishedS: build.startedS === null || build.elapsedS === null ? null : build.startedS + build.elapsedS,
    executor: HOSTILE.image,
    version: 'v1.31.0+abcdef',
    truncated: 'junit',
    metadata: Object.entries(HOSTILE).map(([key, value]) => ({ key: `${key} ${value.slice(0, 40)}`, value })),
    tests: TESTS.map((test, at) => ({
      test,
      mark: at < 9 && build.testsFailed !== 0 ? ('F' as const) : at < 12 ? ('L' as const) : ('P' as const),
      timeS: at / 7,
      text: at === 3 ? null : `${test}\nexpected 1, got 2`,
    })),
    testsTotal: TESTS.length + 7,
    asked: ASKED,
  };
}

export const CLUSTERS: readonly FailureCluster[] = Object.entries(HOSTILE).map(([name, text], at) => ({
  id: String(at).padStart(20, 'a'),
  text: `${text}\nexpected NUMBER, got NUMBER of ${name}`,
  ...(at % 2 === 0 && { owner: at === 2 ? HOSTILE.script : 'tea' }),
  builds: 40 - at,
  failures: 90 - at,
  firstSeen: NOW_S - 30 * DAY_S,
  lastSeen: NOW_S - at * 5_000,
  perDay: DAYS.map(({ day, failed }) => ({ day, builds: failed, failures: failed * 2 })),
  jobsTotal: 5,
  jobs: JOBS.slice(0, 4).map((job) => ({ name: job, builds: 3, failures: 4 })),
  testsTotal: 9,
  tests: TESTS.slice(0, 9).map((test) => ({ name: test, builds: 2, failures: 2 })),
  examples: TESTS.slice(0, 4).map((test, build) => ({
    ...{
      path: buildOf('ci-kettle-whistle', build).path,
      job: 'ci-kettle-whistle',
      test,
      finished: NOW_S - build * 1_000,
    },
  })),
}));

export const HEAD: SiteHead = {
  generatedS: NOW_S,
  table: 'all',
  warehouse: `duckdb:data/${HOSTILE.image}.duckdb`,
  windowDays: 14,
};

/** Every odd case a page can be given. */
export function fixtureReport({ builds = 12 } = {}): ReportBulk {
  const jobs = JOBS.map(summaryOf);
  return {
    head: () => HEAD,
    overview: async () => ({
      ...{
        builds: 4_021,
        jobs: JOBS.length,
        testsFailed: 312,
        passed: 3_870,
        newestFinishedS: NOW_S - 5_000,
      },
      buckets: [
        { bucket: 'gs://tea/', builds: 4_000, newestFinishedS: NOW_S - 5_000 },
        { bucket: HOSTILE.image, builds: 21, newestFinishedS: null },
      ],
      days: DAYS,
      failingNow: jobs.filter(({ failedInARow }) => failedInARow > 0),
      asked: { days: ASKED, buckets: ASKED, jobs: ASKED },
    }),
    jobs: async () => ({ jobs, asked: ASKED }),
    job: async (job) => jobOf(job),
    test: async (test) => testOf(test),
    build: async (path) =>
      JOBS.flatMap((job) => buildsOf(job, builds)).find((one) => one.build.path === path),
    clusters: async () => ({
      known: true,
      result: {
        ...{ format: 1, generated: NOW_S, since: NOW_S - 14 * DAY_S, builds: 90, failures: 312 },
        ...{ clustersTotal: CLUSTERS.length + 3, clusters: CLUSTERS },
      },
    }),
    searchTests: async (text) => FLAKY.filter(({ test }) => test.includes(text)),
    builds: async function* (job) {
      yield* buildsOf(job, builds);
    },
    tests: async function* (limit) {
      for (const test of TESTS.slice(0, limit)) {
        const page = testOf(test);
        if (page !== undefined) yield page;
      }
    },
  };
}

function buildsOf(job: string, count: number): readonly BuildPage[] {
  return Array.from({ length: job === '' ? 1 : count }, (_, at) => pageOf(buildOf(job, at)));
}
