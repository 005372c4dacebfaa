import { SamovarError } from '../../errors.ts';
import { type AppendRow, ROW_VERSION, ROW_WRITTEN, type TableSpec } from './contract.ts';
import { rowProblem } from './rows.ts';

export type JsonRecord = Record<string, unknown>;

/** A whole number that a JavaScript number may not hold: 16 digits or more, not part of a fraction or an exponent. */
const LONG_INTEGER = /(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;
const LONE_SURROGATE_ESCAPE = /\\ud[89a-f]/i;

/**
 * An appended row as an object, with the writer's own columns where the table has them; nulls stay. Throws `malformed` for a line
 * that does not fit the schema.
 */
export function rowOf(table: TableSpec, row: AppendRow): JsonRecord {
  const record = parseLine(table, row);
  const problem = rowProblem(table.schema, record);
  if (problem !== undefined) throw misfit(table, row, problem);
  const own: JsonRecord = { [ROW_VERSION]: row.version, [ROW_WRITTEN]: row.writtenMs / 1000 };
  for (const { name } of table.schema) if (name in own) record[name] = own[name];
  return record;
}

/** What `encode` throws for a row no table of this schema can take. */
export function misfit(table: TableSpec, { key }: AppendRow, problem: string): SamovarError {
  return new SamovarError('malformed', `table ${table.name}: row ${key}: ${problem}`, {
    subject: key,
    remedy: 'The row was not sent. Correct what made it, or the schema.',
  });
}

/** What `encode` throws for a row past what one request may hold. */
export function oversize(
  table: TableSpec,
  { key }: AppendRow,
  bytes: number,
  bytesMax: number,
): SamovarError {
  return new SamovarError(
    'too-large',
    `table ${table.name}: row ${key} has ${bytes} bytes; one append takes ${bytesMax}`,
    { subject: key, remedy: 'Bring it in with a load job, which takes rows of 100 MB.' },
  );
}

function parseLine(table: TableSpec, row: AppendRow): JsonRecord {
  const text = Buffer.from(row.line.buffer, row.line.byteOffset, row.line.byteLength).toString();
  try {
    const parsed = JSON.parse(exactIntegers(text)) as JsonRecord;
    return LONE_SURROGATE_ESCAPE.test(text) ? (wellFormed(parsed) as JsonRecord) : parsed;
  } catch (error) {
    throw misfit(
      table,
      row,
      `not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}`,
    );
  }
}

/** Half of a surrogate pair is no UTF-8, and would have the request refused. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, wellFormed(inner)]));
}

/**
 * Puts quotes round whole numbers that JSON.parse would round (Node 20 shows a reviver no source text); every warehouse takes
 * whole numbers as texts. Texts are skipped by hand: a pattern with a loop in it would run out of stack on long ones.
 */
function exactIntegers(text: string): string {
  if (text.search(LONG_INTEGER) < 0) return text;
  const parts: string[] = [];
  for (let from = 0; from < text.length; ) {
    const open = text.indexOf('"', from);
    const end = open < 0 ? text.length : open;
    parts.push(text.slice(from, end).replace(LONG_INTEGER, '"$&"'));
    const next = open < 0 ? text.length : endOfText(text, open);
    parts.push(text.slice(end, next));
    from = next;
  }
  return parts.join('');
}

/** Where the text that opens at `open` is over: past its closing quote. */
function endOfText(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close >= 0; close = text.indexOf('"', close + 1)) {
    let before = close - 1;
    while (text[before] === '\\') before -= 1;
    if ((close - before) % 2 === 1) return close + 1;
  }
  return text.length;
}
