import { textLiteral, timeLiteral } from '../backends/warehouse/literals.ts';
import { duckDbText } from './duckdb.ts';
import type { BuildQuery, Dialect, OwnedBy, Parameters } from './types.ts';

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
    '{owners}': ownersCase(dialect, parameters.owners ?? []),
    '{table}': table,
  };
  const text = dialect === 'duckdb' ? duckDbText(sql) : sql;
  // In one pass: what a value holds is never looked at again.
  return text.trim().replace(/@[a-z]+|\{(?:table|owners)\}/g, (name) => values[name] ?? name);
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

/** The owner of test `t` in build `b` by the first rule that fits; null by none. */
function ownersCase(dialect: Dialect, rules: readonly OwnedBy[]): string {
  if (rules.length === 0) return '';
  const columns = { test: 't.name', job: 'b.job', text: 't.failure_text' } as const;
  const matches = dialect === 'duckdb' ? 'regexp_matches' : 'REGEXP_CONTAINS';
  const whens = rules.map((rule) => {
    const conditions = (['test', 'job', 'text'] as const).flatMap((key) => {
      const glob = rule[key];
      if (glob === undefined) return [];
      return [`${matches}(COALESCE(${columns[key]}, ''), ${textLiteral(dialect, starExpression(glob))})`];
    });
    return `\n    WHEN ${conditions.join(' AND ') || 'TRUE'} THEN ${textLiteral(dialect, rule.owner.toWellFormed())}`;
  });
  return `CASE${whens.join('')} END, `;
}

/** Only stars are wild. */
function starExpression(glob: string): string {
  const literal = (part: string) => part.replace(/[\\^$.|+()[\]{}?]/g, '\\$&');
  return `^${glob.toWellFormed().split('*').map(literal).join('(?s:.*)')}$`;
}

function limitLiteral(limit: number): string {
  if (Number.isInteger(limit) && limit > 0 && limit <= LIMIT_MAX) return String(limit);
  throw new RangeError(`a limit is a whole number from 1 to ${LIMIT_MAX}, not ${limit}`);
}
