import type { BuildSummary, CellMark } from '../report/models.ts';

export type SqlRow = Readonly<Record<string, unknown>>;

/** Values as both dialects give them: whole numbers past 2^53 come as texts, and are none of what is read so. */
export function numberOf(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

export function countOf(value: unknown): number {
  return numberOf(value) ?? 0;
}

/** Whole seconds: one dialect rounds a time's fraction off, the other keeps it. */
export function secondsOf(value: unknown): number | null {
  const number = numberOf(value);
  return number === null ? null : Math.floor(number);
}

export function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

export function summaryOfRow(row: SqlRow): BuildSummary {
  return {
    path: String(row.path ?? ''),
    job: String(row.job ?? ''),
    number: textOf(row.number),
    startedS: secondsOf(row.started),
    elapsedS: numberOf(row.elapsed),
    passed: typeof row.passed === 'boolean' ? row.passed : null,
    result: textOf(row.result),
    testsRun: numberOf(row.tests_run),
    testsFailed: numberOf(row.tests_failed),
    commit: textOf(row.commit),
  };
}

/** As the queries number them. */
const MARKS: readonly CellMark[] = [' ', 'P', 'L', 'F'];

export function markOf(value: unknown): CellMark {
  return MARKS[countOf(value)] ?? ' ';
}

/** A row's cells, `4 * column + mark` with columns from 1, as one mark for each of `columns` builds. */
export function marksOf(cells: unknown, columns: number): string {
  const marks = new Array<CellMark>(columns).fill(' ');
  for (const text of String(cells ?? '').split(',')) {
    const cell = Number(text);
    const at = (cell >> 2) - 1;
    if (at >= 0 && at < columns) marks[at] = markOf(cell & 3);
  }
  return marks.join('');
}

/** Rows of one value after another, as queries order them. */
export function groupRows(rows: readonly SqlRow[], column: string): ReadonlyMap<string, readonly SqlRow[]> {
  const groups = new Map<string, SqlRow[]>();
  for (const row of rows) {
    const key = String(row[column] ?? '');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
