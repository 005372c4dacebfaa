import type { BuildQuery } from './types.ts';

type Row = Readonly<Record<string, unknown>>;

/** One object of a metric's folder: what Kubernetes' metrics job writes, under its names. */
export interface MetricFile {
  readonly name: string;
  readonly text: string;
}

/** Fewer flakes are no news. */
const FLAKES_MIN = 4;
const BROKEN_DAYS_MIN = 30;

const PULLS = (row: Row) => String(row.job).startsWith('pr:');

/** What dashboards read, by query: the newest day, or an object by job. */
const SHAPES: Readonly<Record<string, (rows: readonly Row[]) => unknown>> = {
  'build-stats': (rows) => newestDay(rows).map(epochDay),
  failures: (rows) =>
    byJob(
      rows.filter((row) => row.latest_pass === null || Number(row.broken_days) > BROKEN_DAYS_MIN),
      ([row]) => ({ failing_days: Math.trunc(Number(row?.broken_days)) }),
    ),
  flakes: flakesByJob,
  'flakes-daily': flakesByJob,
  'job-flakes': (rows) =>
    byJob(rows.filter(PULLS), ([row]) => ({
      flakes: row?.flakes,
      runs: row?.runs,
      consistency: row?.commit_consistency,
    })),
  'job-health': (rows) => newestDay(rows).map(withoutPasses),
  'job-health-weekly': (rows) => rows.map(withoutPasses),
  'pr-consistency': (rows) => newestDay(rows).map(epochDay),
  'presubmit-health': newestDay,
  'weekly-consistency': (rows) => [...rows].reverse(),
};

/** The files of one metric: all rows, what dashboards read of them with its date, and the same as the latest. */
export function metricFiles(
  { name }: BuildQuery,
  rows: readonly Row[],
  nowMs: number,
): readonly MetricFile[] {
  const date = new Date(nowMs).toISOString().slice(0, 10);
  const daily = jsonText(SHAPES[name] === undefined ? rows : SHAPES[name](rows));
  return [
    { name: `${name}/raw-${date}.json`, text: jsonText(rows.map(rawRow)) },
    { name: `${name}/daily-${date}.json`, text: daily },
    { name: `${name}-latest.json`, text: daily },
  ];
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** As `bq query` prints rows: every value a text, and days in epoch seconds. */
function rawRow(row: Row): Row {
  const entries = Object.entries('day' in row ? epochDay(row) : row);
  return Object.fromEntries(entries.map(([name, value]) => [name, value === null ? null : String(value)]));
}

function newestDay(rows: readonly Row[]): readonly Row[] {
  const newest = rows.reduce((day, row) => (String(row.day) > day ? String(row.day) : day), '');
  return rows.filter((row) => row.day === newest);
}

/** The day as epoch seconds, as text: what two of the metrics show as it is. */
function epochDay(row: Row): Row {
  return { ...row, day: String(Date.parse(`${String(row.day)}T00:00:00Z`) / 1000) };
}

function withoutPasses(row: Row): Row {
  const gone = ['passed_runs', 'failed_tests'];
  return Object.fromEntries(Object.entries(row).filter(([name]) => !gone.includes(name)));
}

/** Rows come one a flaky test. */
function flakesByJob(rows: readonly Row[]): unknown {
  return byJob(rows.filter(PULLS), (own) => {
    const [row] = own;
    const often = own.filter(({ test_flakes: flakes }) => Number(flakes) >= FLAKES_MIN);
    const flakiest = often.map((one) => [String(one.test), one.test_flakes] as const);
    return {
      consistency: row?.commit_consistency,
      flakes: row?.flakes,
      flakiest: flakiest.length === 0 ? null : Object.fromEntries(flakiest),
    };
  });
}

/** Null where there is nothing, as jq's `add` of an empty list. Keys are own ones, whatever a job is called. */
function byJob(rows: readonly Row[], shape: (rows: readonly Row[]) => unknown): unknown {
  const jobs = groups(rows);
  if (jobs.size === 0) return null;
  return Object.fromEntries([...jobs].map(([job, own]) => [job, shape(own)]));
}

function groups(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const jobs = new Map<string, Row[]>();
  for (const row of rows) {
    const own = jobs.get(String(row.job)) ?? [];
    own.push(row);
    jobs.set(String(row.job), own);
  }
  return jobs;
}
