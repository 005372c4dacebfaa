import { textLiteral } from '../backends/warehouse/literals.ts';
import { duckDbText } from './duckdb.ts';
import type { BuildQuery, Dialect, Parameters } from './types.ts';

/** What a value must be to stand in a query as itself. */
const LIMIT_MAX = 1_000_000;

/**
 * The text to send: a warehouse's `query` takes no parameters, so each becomes a literal here, and only here. Times and numbers are
 * made from numbers, the job's pattern is quoted by the dialect's rules. `table` comes quoted from `tableName`.
 */
export function queryText(
  { sql }: Pick<BuildQuery, 'sql'>,
  dialect: Dialect,
  table: string,
  parameters: Parameters,
): string {
  const values: Readonly<Record<string, string>> = {
    '@before': timeLiteral(dialect, parameters.beforeMs),
    '@since': timeLiteral(dialect, parameters.sinceMs),
    '@until': timeLiteral(dialect, parameters.untilMs),
    '@job': textLiteral(dialect, jobExpression(parameters.job)),
    '@limit': limitLiteral(parameters.limit),
    '{table}': table,
  };
  const text = dialect === 'duckdb' ? duckDbText(sql) : sql;
  // In one pass: what a value holds is never looked at again.
  return text.trim().replace(/@[a-z]+|\{table\}/g, (name) => values[name] ?? name);
}

/** A regular expression (RE2, which both dialects use) for a glob over whole names. */
export function jobExpression(glob: string | undefined): string {
  if (glob === undefined) return '^';
  const parts = glob.toWellFormed().replace(/[\\^$.|+()[\]{}*?]/g, (char) => {
    if (char === '*') return '(?s:.*)';
    return char === '?' ? '(?s:.)' : `\\${char}`;
  });
  return `^${parts}$`;
}

function timeLiteral(dialect: Dialect, ms: number): string {
  const time = new Date(Math.trunc(ms)).toISOString();
  return dialect === 'duckdb' ? `TIMESTAMPTZ '${time}'` : `TIMESTAMP '${time}'`;
}

function limitLiteral(limit: number): string {
  if (Number.isInteger(limit) && limit > 0 && limit <= LIMIT_MAX) return String(limit);
  throw new RangeError(`a limit is a whole number from 1 to ${LIMIT_MAX}, not ${limit}`);
}
