import { SamovarError } from '../../errors.ts';
import type { TableSpec } from './contract.ts';
import { checkColumn } from './names.ts';

export interface LatestView {
  readonly name: string;
  readonly table: TableSpec;
  readonly columns: readonly string[];
}

/** How a dialect spells it. */
interface Spelling {
  /** The list of columns to show. */
  readonly select: string;
  /** The table, quoted and qualified. */
  readonly from: string;
  /** Names of the columns that the table has. */
  readonly existing: readonly string[];
  quote(column: string): string;
}

/**
 * The query of a view with one row per key: the one whose first differing column is the greatest, nulls last. Columns the table
 * does not have are passed over. Throws `config` when that leaves none, or the key is not there.
 */
export function latestViewSql({ name, table, columns }: LatestView, spelling: Spelling): string {
  const existing = new Set(spelling.existing.map((column) => column.toLowerCase()));
  const order = columns.filter((column) => existing.has(column.toLowerCase()));
  if (order.length === 0 || !existing.has(table.key.toLowerCase()))
    throw new SamovarError(
      'config',
      `view ${name}: table ${table.name} has no column that says which row of a ${table.key} is the newest`,
      { subject: name, remedy: `It needs ${table.key} and one of ${columns.join(', ') || 'some columns'}.` },
    );
  const quoted = (column: string) => spelling.quote(checkColumn(column));
  const newestFirst = order.map((column) => `${quoted(column)} DESC NULLS LAST`).join(', ');
  // BigQuery has wanted a WHERE beside QUALIFY for years.
  return `SELECT ${spelling.select} FROM ${spelling.from} WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY ${quoted(table.key)} ORDER BY ${newestFirst}) = 1`;
}

/** What a name that stands for something else than a view means. */
export function notAView(name: string, kind: string): SamovarError {
  return new SamovarError(
    'conflict',
    `${name} is a ${kind.toLowerCase()}: a view of this name cannot be made`,
    {
      subject: name,
      remedy: 'Give the view another name, or move what is there.',
    },
  );
}

/** What a view of a table that is not there means. */
export function noTable(view: string, table: string): SamovarError {
  return new SamovarError('missing', `view ${view}: table ${table} does not exist`, {
    subject: table,
    remedy: 'Make it first (ensureTable).',
  });
}
