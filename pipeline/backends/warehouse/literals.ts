import { SamovarError } from '../../errors.ts';

/** A text as a literal of the dialect, whatever is in it. Throws `internal` for what no dialect can hold. */
export function textLiteral(dialect: 'bigquery' | 'duckdb', text: string): string {
  if (text.includes('\0')) throw new SamovarError('internal', 'a text with a NUL cannot stand in a query');
  if (dialect === 'duckdb') return `'${text.replaceAll("'", "''")}'`;
  // JSON's escapes are a part of GoogleSQL's.
  return JSON.stringify(text);
}

/** A moment as a literal of the dialect. */
export function timeLiteral(dialect: 'bigquery' | 'duckdb', ms: number): string {
  const time = new Date(Math.trunc(ms)).toISOString();
  return dialect === 'duckdb' ? `TIMESTAMPTZ '${time}'` : `TIMESTAMP '${time}'`;
}
