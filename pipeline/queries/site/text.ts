import { textLiteral, timeLiteral } from '../../backends/warehouse/literals.ts';
import { duckDbText } from '../duckdb.ts';
import type { Dialect } from '../types.ts';

const LIMIT_MAX = 1_000_000;

/** What a view's query is asked with. Epoch milliseconds, exact names. */
export interface SiteParameters {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Only of these; undefined: of all. */
  readonly jobs?: readonly string[] | undefined;
  readonly tests?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
  /** A part of tests' names, in whatever case; undefined: all of them. */
  readonly text?: string | undefined;
  /** Rows. */
  readonly limit?: number;
  /** Builds of a job, or of a job and test. */
  readonly builds?: number;
  /** Tests of a job or of a build, failures of a test. */
  readonly rows?: number;
  /** Of a build's tests: those that only passed are shown within so many. */
  readonly passed?: number;
}

/**
 * The text of a view's query in the dialect: written in BigQuery's standard SQL, as those of `samovar query` are. `{jobs}`,
 * `{tests}`, `{paths}` and `{text}` stand for conditions on the builds `b` and the tests `t`, nothing where all are asked for.
 * Throws `internal` for a name with a NUL, which no warehouse holds.
 */
export function siteText(sql: string, dialect: Dialect, table: string, parameters: SiteParameters): string {
  const { jobs, tests, paths, text, limit = LIMIT_MAX, builds = LIMIT_MAX, rows = LIMIT_MAX } = parameters;
  const { passed = rows } = parameters;
  const literal = (value: string) => textLiteral(dialect, value.toWellFormed());
  const among = (column: string, names: readonly string[] | undefined) =>
    names === undefined ? '' : ` AND ${column} IN (${names.map(literal).join(', ') || 'NULL'})`;
  const values: Readonly<Record<string, string>> = {
    '@since': timeLiteral(dialect, parameters.sinceMs),
    '@until': timeLiteral(dialect, parameters.untilMs),
    '@limit': count(limit),
    '@builds': count(builds),
    '@rows': count(rows),
    '@passed': count(passed),
    '{jobs}': among('b.job', jobs),
    '{tests}': among('t.name', tests),
    '{paths}': among('b.path', paths),
    '{text}': text === undefined ? '' : ` AND STRPOS(LOWER(t.name), LOWER(${literal(text)})) > 0`,
    '{table}': table,
  };
  // What is asked several times is made once: DuckDB would look at the tests again each time.
  const own =
    dialect === 'duckdb' ? duckDbText(sql).replace(/\b(cells|numbered) AS \(/g, '$1 AS MATERIALIZED (') : sql;
  // In one pass: what a value holds is never looked at again.
  return own.trim().replace(/@[a-z]+|\{[a-z]+\}/g, (name) => values[name] ?? name);
}

function count(value: number): string {
  if (Number.isInteger(value) && value > 0 && value <= LIMIT_MAX) return String(value);
  throw new RangeError(`a bound is a whole number from 1 to ${LIMIT_MAX}, not ${value}`);
}
