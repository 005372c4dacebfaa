import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { findBuildQuery, runBuildQuery } from '../../pipeline/jobs/build-queries.ts';
import { createReport } from '../../pipeline/jobs/report-source.ts';
import { siteGrid } from '../../pipeline/queries/site/grid.ts';
import {
  siteFlaky,
  siteJobDays,
  siteJobs,
  siteTests,
  siteWorstTests,
} from '../../pipeline/queries/site/jobs.ts';
import { siteBuckets, siteDays } from '../../pipeline/queries/site/overview.ts';
import {
  siteBuildDetails,
  siteBuilds,
  siteBuildTests,
  siteTestPages,
} from '../../pipeline/queries/site/tests.ts';
import { siteText } from '../../pipeline/queries/site/text.ts';
import type { LiveReport, ReportBulk } from '../../pipeline/report/models.ts';
import type { Row } from '../support/collect.ts';
import { type BigQueryEmulator, emulatorOrSkip, startBigQueryEmulator } from '../support/emulators.ts';
import { tempFolder } from '../support/temp.ts';
import { bigQueryOf, DEMO_NOW_MS, demoRows, duckDbOf } from './demo-table.ts';

const QUERIES = {
  ...{ siteDays, siteBuckets, siteJobs, siteJobDays, siteTests, siteWorstTests, siteFlaky, siteGrid },
  ...{ siteBuilds, siteBuildDetails, siteBuildTests, siteTestPages },
};
const NAMES = Object.entries(QUERIES);
const temp = tempFolder();
const found = emulatorOrSkip('bigquery');
const signal = new AbortController().signal;
const HOSTILE = [
  `'; DROP TABLE builds; --`,
  `" OR TRUE OR "`,
  `\\' OR 1=1 --`,
  '@limit {jobs} {table} $& $1',
  "r'raw' COUNTIF( cells AS (",
  '\ud800 */ /* # --',
  'line\nbreak\u2028',
];

describe.each(['bigquery', 'duckdb'] as const)('the text of a view in %s', (dialect) => {
  const window = { sinceMs: Date.UTC(2026, 10, 8), untilMs: Date.UTC(2026, 10, 15) };
  const literal =
    dialect === 'duckdb' ? /'(?:[^']|'')*'/g : /\br'[^']*'|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;
  const skeleton = (text: string) => text.replace(literal, '?');

  it.each(NAMES)('%s has names only in literals, and each place filled', (_, sql) => {
    const text = (name: string) =>
      siteText(sql, dialect, 't', { ...window, jobs: [name], tests: [name], paths: [name], text: name });
    for (const name of HOSTILE) expect(skeleton(text(name))).toBe(skeleton(text('plain')));
    expect(skeleton(text('plain'))).not.toMatch(/[@{}]/);
  });

  it.each(NAMES)('%s reads only the window', (_, sql) => {
    const text = siteText(sql, dialect, 'the_table', window);
    const reads = text.match(/the_table AS b/g)?.length ?? 0;
    expect(reads).toBeGreaterThan(0);
    expect(text.match(/b\.started >= TIMESTAMP(TZ)? '2026-11-08T00:00:00\.000Z'/g)).toHaveLength(reads);
  });

  it('takes no bound but a whole number', () => {
    for (const limit of [0, -1, 1.5, Number.NaN, 1e12])
      expect(() => siteText(siteTests, dialect, 't', { ...window, limit })).toThrow(RangeError);
  });
});

let rows: readonly Row[];
beforeAll(async () => {
  rows = await demoRows(temp);
});

function reportOf(warehouse: Warehouse, bulk = false): LiveReport & ReportBulk {
  return createReport(warehouse, { table: 'all', windowDays: 14, nowMs: () => DEMO_NOW_MS, bulk });
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Everything that pages show, without each dialect's own SQL. */
async function everything(report: LiveReport & ReportBulk): Promise<string> {
  const overview = await report.overview(signal);
  const { jobs } = await report.jobs(signal);
  const pages = [];
  for (const { job } of jobs)
    pages.push(await report.job(job, signal), await all(report.builds(job, signal)));
  const tests = await all(report.tests(40, signal));
  const searched = await report.searchTests('e', signal);
  const worst = await report.searchTests('', signal);
  return JSON.stringify({ overview, jobs, pages, tests, searched, worst }, withoutSql, 1);
}

function withoutSql(key: string, value: unknown): unknown {
  if (key === 'asked') return undefined;
  // The emulator cuts what is not ASCII too short.
  if (key === 'text' && typeof value === 'string') return /^[\n -~]*/.exec(value)?.[0];
  // Sums of fractions: the last digits are each engine's own.
  return typeof value === 'number' ? Number(value.toPrecision(12)) : value;
}

interface Told {
  readonly path: string;
  readonly job: string;
  readonly started: number;
  readonly passed: boolean | null;
  readonly test: readonly {
    readonly name: string;
    readonly failed?: boolean;
    readonly flaky?: boolean;
    readonly failure_text?: string;
  }[];
}

/** The rows of the window, one a path, counted without SQL. */
function inWindow(): readonly Told[] {
  const sinceS = DEMO_NOW_MS / 1000 - 14 * 86_400;
  const told = rows as unknown as readonly Told[];
  return told.filter(({ started }) => started !== null && started >= sinceS && started < DEMO_NOW_MS / 1000);
}

/** Rules as of `samovar triage`: the first that fits counts, a text only where a test failed with it. */
const RULES = [
  { owner: 'o\'brien "\\\\ {table} @limit', test: '*[sig-node]*', job: 'ci-*' },
  { owner: 'pulls', job: 'pr:*' },
  { owner: 'wanting', text: '*want*' },
];

async function ownersIn(warehouse: Warehouse, table = 'all') {
  const query = findBuildQuery('owners');
  const request = { query, table, days: 14, limit: 100, nowMs: DEMO_NOW_MS, owners: RULES };
  return (await runBuildQuery(warehouse, request, signal)).rows;
}

describe('the demo in DuckDB', () => {
  let warehouse: Warehouse;
  beforeAll(async () => {
    warehouse = await duckDbOf(temp, rows);
  });
  afterAll(() => warehouse.close());

  it('the overview counts what the rows count', async () => {
    const overview = await reportOf(warehouse).overview(signal);
    const builds = inWindow();
    expect(builds.length).toBeGreaterThan(100);
    expect(overview.builds).toBe(builds.length);
    expect(overview.passed).toBe(builds.filter(({ passed }) => passed === true).length);
    expect(overview.jobs).toBe(new Set(builds.map(({ job }) => job)).size);
    expect(overview.days.reduce((sum, day) => sum + day.builds, 0)).toBe(builds.length);
    expect(overview.buckets.reduce((sum, bucket) => sum + bucket.builds, 0)).toBe(builds.length);
    expect(overview.failingNow.length).toBeGreaterThan(0);
  });

  it('a grid is what the rows say, cell by cell', async () => {
    const report = reportOf(warehouse);
    const builds = inWindow();
    const { jobs } = await report.jobs(signal);
    let cells = 0;
    for (const { job } of jobs) {
      const grid = await report.grid(job, { builds: 500, tests: 1_000 }, signal);
      const own = builds.filter((build) => build.job === job);
      expect(new Set(grid?.builds.map(({ path }) => path))).toEqual(new Set(own.map(({ path }) => path)));
      const byPath = new Map(own.map((build) => [build.path, build]));
      const names = new Set(own.flatMap(({ test }) => test.map(({ name }) => name)));
      expect(grid?.testsTotal).toBe(names.size);
      for (const row of grid?.rows ?? []) {
        cells += row.marks.length;
        const marks = grid?.builds.map(({ path }) => {
          const entries = byPath.get(path)?.test.filter(({ name }) => name === row.test) ?? [];
          if (entries.some(({ failed }) => failed)) return 'F';
          if (entries.some(({ flaky }) => flaky)) return 'L';
          return entries.length > 0 ? 'P' : ' ';
        });
        expect(row.marks, `${job} ${row.test}`).toBe(marks?.join(''));
        expect(row.failed).toBe(row.marks.split('F').length - 1);
      }
    }
    expect(cells).toBeGreaterThan(3_000);
  });

  it('a row that is there twice counts once', async () => {
    const name = warehouse.tableName('all');
    const before = await everything(reportOf(warehouse));
    await warehouse.query(`CREATE TABLE twice AS SELECT * FROM ${name} UNION ALL SELECT * FROM ${name}`);
    const twice = createReport(warehouse, { table: 'twice', windowDays: 14, nowMs: () => DEMO_NOW_MS });
    expect(await everything(twice)).toBe(before);
  });

  it('pages in bulk are those asked for one by one', async () => {
    expect(await everything(reportOf(warehouse, true))).toBe(await everything(reportOf(warehouse)));
  });

  it('a build, a test and a job that are not there are undefined, whatever their names', async () => {
    const report = reportOf(warehouse);
    for (const name of [...HOSTILE, 'nul\0', ''])
      for (const read of [report.job, report.test, report.build])
        expect(await read(name, signal)).toBeUndefined();
    expect(await report.searchTests("'; \\ \0", signal)).toEqual([]);
  });

  it('failures are counted by the rules of owners, counted without SQL', async () => {
    const counts = new Map<string, number>();
    for (const { job, test } of inWindow())
      for (const { name, failed, failure_text: text = '' } of test) {
        const rule = RULES.find(
          (one) =>
            (one.test === undefined || name.includes('[sig-node]')) &&
            (one.job === undefined || job.startsWith(one.job.replace('*', ''))) &&
            (one.text === undefined || text.includes('want')),
        );
        const owner = rule?.owner ?? /\[(sig-[a-z0-9-]+)\]/.exec(name)?.[1] ?? '(none)';
        counts.set(owner, (counts.get(owner) ?? 0) + (failed === true ? 1 : 0));
      }
    const told = await ownersIn(warehouse);
    expect(new Map(told.map(({ owner, failures }) => [owner, failures]))).toEqual(counts);
    for (const { owner } of RULES) expect(counts.has(owner), owner).toBe(true);
  });

  it('a table that is not there is told with what to do', async () => {
    const report = createReport(warehouse, { table: 'nowhere', windowDays: 14, nowMs: () => DEMO_NOW_MS });
    await expect(report.overview(signal)).rejects.toMatchObject({ code: 'missing', subject: 'nowhere' });
  });
});

describe.skipIf('skip' in found)(`the demo in BigQuery${'skip' in found ? ` (${found.skip})` : ''}`, () => {
  let emulator: BigQueryEmulator;
  let warehouse: Warehouse;
  let own: Warehouse;
  beforeAll(async () => {
    emulator = await startBigQueryEmulator();
    warehouse = await bigQueryOf(temp, rows, emulator);
    // What the emulator cannot load.
    await warehouse.query(`
      CREATE TABLE ${warehouse.tableName('site')} AS
      SELECT a.*, [STRUCT('host' AS key, path AS value)] AS metadata FROM ${warehouse.tableName('all')} AS a`);
    own = await duckDbOf(temp, rows);
    await own.query(
      `CREATE TABLE site AS SELECT * REPLACE ([{'key': 'host', 'value': path}] AS metadata) FROM "all"`,
    );
  });
  afterAll(async () => {
    await own?.close();
    await warehouse?.close();
    await emulator?.stop();
  });

  it('owners by rule are the same', async () => {
    expect(await ownersIn(warehouse)).toEqual(await ownersIn(own));
  }, 60_000);

  it('every page says the same', async () => {
    const of = (from: Warehouse) =>
      createReport(from, { table: 'site', windowDays: 3, nowMs: () => DEMO_NOW_MS, bulk: true });
    const told = await everything(of(warehouse));
    expect(told).toContain('"key": "host"');
    expect(JSON.parse(told)).toEqual(JSON.parse(await everything(of(own))));
  }, 240_000);
});
