import Table from 'cli-table3';
import { paint } from './colour.ts';
import { safeText } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Longer values are cut. */
  readonly charsMax?: number;
}

/** A table for people; its heading is bold on a terminal. Values from outside are made safe for a terminal. */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const table = new Table({
    head: columns.map(({ title }) => paint('stdout').bold(title)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { head: [], border: [], compact: true },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '  ',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
  });
  for (const row of rows) table.push(row.map((value, at) => cell(value, columns[at])));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function cell(value: string | number, column: Column | undefined): string {
  const text = safeText(String(value));
  const max = column?.charsMax ?? 200;
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
