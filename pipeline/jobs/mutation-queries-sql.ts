import type { Warehouse } from '../backends/warehouse/contract.ts';
import { textLiteral } from '../backends/warehouse/literals.ts';
import { SamovarError } from '../errors.ts';
import type { MutationKind, MutationTable } from './mutation-tables-config.ts';

/** How a warehouse spells what queries of issues need: the rest is the same in both dialects. */
export interface Spelling {
  /** A table, or the view of its latest rows. Throws `config` when it is not configured. */
  from(kind: MutationKind): string;
  text(value: string): string;
  /** A TIMESTAMP as epoch seconds. */
  seconds(expression: string): string;
  /** The list `of` as rows named `item`: goes behind a table, whose rows with an empty list go. */
  unnest(of: string, item: string): string;
  /** How many items a list has. */
  length(of: string): string;
  /** True when some item of a list fits. */
  some(of: string, item: string, condition: string): string;
  /** The value that a fraction of all is not above. */
  quantile(expression: string, fraction: number): string;
  readonly integer: string;
}

export function spellingOf(
  warehouse: Pick<Warehouse, 'dialect' | 'tableName'>,
  tables: readonly MutationTable[],
): Spelling {
  const duck = warehouse.dialect === 'duckdb';
  return {
    from: (kind) => {
      const table = tables.find((one) => one.kind === kind);
      if (table !== undefined) return warehouse.tableName(table.relation);
      throw new SamovarError('config', `this query needs the table of ${kind}, which is not configured`, {
        subject: kind,
        remedy: `Add \`${kind}: {}\` to the file of mutation tables, and load it.`,
      });
    },
    text: (value) => textLiteral(warehouse.dialect, value),
    seconds: (expression) => (duck ? `epoch(${expression})` : `(UNIX_MICROS(${expression}) / 1000000)`),
    unnest: (of, item) =>
      duck ? `, LATERAL (SELECT unnest(${of}) AS ${item}) AS ${item}_rows` : `, UNNEST(${of}) AS ${item}`,
    length: (of) => `COALESCE(${duck ? 'len' : 'ARRAY_LENGTH'}(${of}), 0)`,
    some: (of, item, condition) =>
      duck
        ? `(len(list_filter(${of}, lambda ${item}: coalesce(${condition}, FALSE))) > 0)`
        : `EXISTS (SELECT 1 FROM UNNEST(${of}) AS ${item} WHERE ${condition})`,
    quantile: (expression, fraction) =>
      duck
        ? `quantile_disc(${expression}, ${fraction})`
        : `APPROX_QUANTILES(${expression}, 100)[OFFSET(${Math.round(fraction * 100)})]`,
    integer: duck ? 'BIGINT' : 'INT64',
  };
}

/** A number of whole seconds as SQL counts days of them. */
export const DAY_S = 86_400;

/** Accounts of programs: their comments answer nobody. */
export const isPerson = (login: string) => `COALESCE(${login}, '') NOT LIKE '%[bot]'`;

/** Who answered whom: comments, on diffs too, and reviews. */
export function answersSql(from: Spelling['from']): string {
  const columns = 'owner, repo, number, user_id, user_login, created';
  return `(SELECT ${columns} FROM ${from('comments')} WHERE NOT deleted
    UNION ALL SELECT ${columns} FROM ${from('reviews')} WHERE NOT deleted)`;
}
