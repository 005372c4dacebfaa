import type { QueryResult } from '../jobs/mutation-queries.ts';
import type { SloSummary } from '../records/mutation/slo.ts';
import { duration } from './progress.ts';
import { textTable } from './table.ts';

const number = { align: 'right' } as const;

export function queryText({ columns, rows }: QueryResult): string {
  const isNumber = (name: string) => rows.length > 0 && rows.every((row) => typeof row[name] !== 'string');
  const titles = columns.map((name) => ({
    title: name.replaceAll('_', ' '),
    ...(isNumber(name) && number),
  }));
  return textTable(
    titles,
    rows.map((row) => columns.map((name) => String(row[name] ?? ''))),
  );
}

export function sloText(summaries: readonly SloSummary[]): string {
  return textTable(
    [
      { title: 'rule' },
      { title: 'applies', ...number },
      { title: 'open', ...number },
      { title: 'kept', ...number },
      { title: 'overdue', ...number },
      { title: 'worst' },
      { title: 'next' },
    ],
    summaries.map(({ rule, applies, open, compliant, overdue, worst, next }) => [
      rule,
      applies,
      open,
      compliant,
      overdue,
      worst === undefined ? '' : `${worst.issue}, ${duration(worst.overdueS)} ago`,
      next === undefined ? '' : `${next.issue}, in ${duration(next.leftS)}`,
    ]),
  );
}
