import type { Warehouse } from '../backends/warehouse/contract.ts';
import { textLiteral } from '../backends/warehouse/literals.ts';
import type { Json, Provider, ProviderClocks } from '../cache/contract.ts';
import { DAY_MS } from './clocks.ts';
import type { OpenWarehouse } from './types.ts';

/** An entry of `ci_health`: the health of some jobs, from the warehouse's builds. */
export interface CiHealthConfig {
  readonly name: string;
  readonly title: string | undefined;
  /** The builds' table. */
  readonly table: string;
  /** Patterns of jobs; `*` stands for any text. */
  readonly jobs: readonly string[];
  readonly days: number;
  readonly clocks: ProviderClocks;
}

/** Times as epoch seconds. A run that has not ended, or whose result is not known, is neither passed nor failed. */
const SCHEMA = {
  type: 'array',
  items: {
    type: 'object',
    required: ['job', 'runs', 'passed', 'failed'],
    properties: {
      job: { type: 'string' },
      runs: { type: 'integer', minimum: 0 },
      passed: { type: 'integer', minimum: 0 },
      failed: { type: 'integer', minimum: 0 },
      flaky_commits: { type: 'integer', minimum: 0 },
      pass_rate: { type: ['number', 'null'], minimum: 0, maximum: 1 },
      median_seconds: { type: ['number', 'null'] },
      last_passed: { type: ['number', 'null'] },
      last_run: { type: ['number', 'null'] },
    },
  },
} as const;

export function ciHealthProvider(config: CiHealthConfig, openWarehouse: OpenWarehouse): Provider {
  const { name, title, clocks } = config;
  return {
    name,
    title: title ?? `Health of ${config.jobs.join(', ')}`,
    kind: 'single',
    schema: SCHEMA,
    version: 1,
    clocks,
    concurrency: 1,
    tags: ['ci_health'],
    dependsOn: [],
    fetch: async ({ nowMs, signal }) => {
      const warehouse = await openWarehouse();
      const rows = await warehouse.query(healthSql(config, warehouse, nowMs), { signal });
      return { kind: 'value', value: rows.map(healthOf) };
    },
  };
}

type Spelling = Pick<Warehouse, 'dialect' | 'tableName'>;

export function healthSql({ table, jobs, days }: CiHealthConfig, warehouse: Spelling, nowMs: number): string {
  const duck = warehouse.dialect === 'duckdb';
  const seconds = (column: string) => (duck ? `epoch(${column})` : `(UNIX_MICROS(${column}) / 1000000)`);
  const median = duck ? 'quantile_disc(b.elapsed, 0.5)' : 'APPROX_QUANTILES(b.elapsed, 100)[OFFSET(50)]';
  const pattern = textLiteral(warehouse.dialect, `^(${jobs.map(regexOf).join('|')})$`);
  const wanted = duck ? `regexp_matches(job, ${pattern})` : `REGEXP_CONTAINS(job, ${pattern})`;
  const since = new Date(nowMs - days * DAY_MS).toISOString();
  // DuckDB would take a plain TIMESTAMP for one of the machine's time zone.
  const time = duck ? 'TIMESTAMPTZ' : 'TIMESTAMP';
  return `
    WITH builds AS (
      SELECT job, passed, elapsed, COALESCE(repo_commit, repos) AS source, started FROM ${warehouse.tableName(table)}
      WHERE started >= ${time} '${since}' AND ${wanted}
      QUALIFY ROW_NUMBER() OVER (PARTITION BY path ORDER BY finished DESC) = 1),
    sources AS (
      SELECT job, source, SUM(CASE WHEN passed THEN 1 ELSE 0 END) AS good, SUM(CASE WHEN NOT passed THEN 1 ELSE 0 END) AS bad
      FROM builds WHERE source IS NOT NULL GROUP BY job, source),
    flaky AS (SELECT job, SUM(CASE WHEN good > 0 AND bad > 0 THEN 1 ELSE 0 END) AS flaky_commits FROM sources GROUP BY job)
    SELECT b.job AS job, COUNT(*) AS runs, SUM(CASE WHEN b.passed THEN 1 ELSE 0 END) AS passed,
      SUM(CASE WHEN NOT b.passed THEN 1 ELSE 0 END) AS failed, ${median} AS median_seconds,
      ${seconds('MAX(CASE WHEN b.passed THEN b.started END)')} AS last_passed, ${seconds('MAX(b.started)')} AS last_run,
      MAX(COALESCE(f.flaky_commits, 0)) AS flaky_commits
    FROM builds b LEFT JOIN flaky f ON f.job = b.job GROUP BY b.job ORDER BY b.job`;
}

/** A job's pattern as a regular expression of RE2, which both dialects have. */
function regexOf(job: string): string {
  return job.replace(/[\\^$.|?+()[\]{}]/g, '\\$&').replaceAll('*', '.*');
}

function healthOf(row: Readonly<Record<string, unknown>>): Json {
  const passed = Number(row.passed ?? 0);
  const failed = Number(row.failed ?? 0);
  return {
    job: String(row.job),
    runs: Number(row.runs ?? 0),
    passed,
    failed,
    flaky_commits: Number(row.flaky_commits ?? 0),
    pass_rate: passed + failed > 0 ? passed / (passed + failed) : null,
    median_seconds: numberOf(row.median_seconds),
    last_passed: numberOf(row.last_passed),
    last_run: numberOf(row.last_run),
  };
}

function numberOf(value: unknown): number | null {
  const number = value === null || value === undefined ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : null;
}
