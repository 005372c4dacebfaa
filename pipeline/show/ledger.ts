import type { Repair, TableCheck } from '../jobs/verify.ts';
import type { LedgerState } from '../store/ledger.ts';
import { textTable } from './table.ts';
import { safeText } from './text.ts';

const DIFFERENCES_SHOWN = 20;

export interface TableStates {
  readonly table: string;
  readonly states: readonly LedgerState[];
}

export interface RepairedTable extends Repair {
  readonly table: string;
  readonly unit: TableCheck['unit'];
  readonly rows: number;
}

const number = { align: 'right' } as const;

export function statesText(tables: readonly TableStates[]): string {
  const rows = tables.flatMap(({ table, states }) =>
    states.length === 0
      ? [[table, 'nothing yet', 0, 0, '', '']]
      : states.map(({ state, batches, items, firstAt, lastAt }) => [
          table,
          state,
          batches,
          items,
          time(firstAt),
          time(lastAt),
        ]),
  );
  const columns = [
    { title: 'table' },
    { title: 'state' },
    { title: 'batches', ...number },
    { title: 'builds', ...number },
    { title: 'first' },
    { title: 'last' },
  ];
  return textTable(columns, rows);
}

const time = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** What verify found: a line a table when all is well, the days and the builds that differ otherwise. */
export function checksText(checks: readonly TableCheck[]): string {
  return checks.flatMap(checkLines).join('\n');
}

function checkLines({ table, unit, builds, days, differences }: TableCheck): readonly string[] {
  const differing = days.filter(({ same }) => !same);
  if (differences.length === 0) {
    const waiting = differing.length === 0 ? '' : '; newer versions of some wait to be written';
    return [`${table}: ${builds} ${unit} on ${days.length} days, as the ledger says${waiting}`];
  }
  const rows = differing.map(({ day, ledger, table: there, rows: count }) => [
    day || 'no time',
    ledger,
    there,
    count,
  ]);
  const columns = [
    { title: 'day' },
    { title: 'in the ledger', ...number },
    { title: 'in the table', ...number },
    { title: 'rows', ...number },
  ];
  return [
    `${table}: ${differences.length} ${unit} DIFFER`,
    textTable(columns, rows),
    ...differences.slice(0, DIFFERENCES_SHOWN).map(({ kind, path }) => `   ${kind}: ${safeText(path)}`),
    ...(differences.length > DIFFERENCES_SHOWN
      ? [`   … and ${differences.length - DIFFERENCES_SHOWN} more (--json)`]
      : []),
    '`samovar ledger repair` writes them again.',
  ];
}

export function repairsText(tables: readonly RepairedTable[]): string {
  return tables
    .map(
      ({ table, unit, again, adopted, left, rows }) =>
        `${table}: ${again} ${unit} were missing or wrong, ${adopted} unknown to the ledger; ${rows} rows written${left > 0 ? `, ${left} left as they are (not of this database, or told apart by the view of the latest only)` : ''}`,
    )
    .join('\n');
}
