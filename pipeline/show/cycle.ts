import type { FlakyTest } from '../jobs/flakiest.ts';
import type { TableResult } from '../jobs/tables.ts';
import type { CollectionSummary } from './collection.ts';
import { paint } from './colour.ts';
import { byteSize, duration } from './progress.ts';
import { textTable } from './table.ts';
import { safeText } from './text.ts';

export interface TableOutcome extends TableResult {
  readonly error?: string;
}

/** What one cycle did and what there is now. */
export interface CycleSummary {
  readonly collected: CollectionSummary;
  readonly tables: readonly TableOutcome[];
  readonly counts: {
    readonly builds: number;
    readonly finished: number;
    readonly open: number;
    readonly files: number;
    readonly run: number;
    readonly failed: number;
    readonly skipped: number;
    readonly deadLetters: number;
    /** JUnit files by how far they could be read. */
    readonly statuses: readonly { readonly status: string; readonly files: number }[];
  };
  readonly seconds: number;
  readonly database: string;
  readonly warehouse: string;
  readonly flakiest: readonly FlakyTest[];
}

/** The end of a cycle in words: this run, everything so far, where it is, and one answer from it. */
export function cycleText(summary: CycleSummary): string {
  const { collected, counts } = summary;
  const { stats } = collected;
  return [
    `This run: ${counted(stats.added, 'build')} added, ${stats.rechecked} looked at again, ${counted(stats.rows, 'row')} made, ${counted(stats.failures, 'failure')}, in ${duration(summary.seconds)}`,
    `          ${stats.requests.list + stats.requests.read} requests, ${byteSize(stats.bytes)} read`,
    `In all:   ${counts.builds} builds (${counts.finished} finished, ${counts.open} watched), ${counts.files} JUnit files: ${counts.run} tests run, ${counts.failed} failed, ${counts.skipped} skipped`,
    `          ${troubles(counts)}`,
    ...collected.failures.map(
      ({ root, reason, remedy }) =>
        `${paint('stdout').red('FAILED')}    ${root}: ${safeText(reason)}${remedy ? ` ${remedy}` : ''}`,
    ),
    '',
    textTable(
      [
        { title: 'table' },
        { title: 'rows loaded', align: 'right' },
        { title: 'NDJSON', align: 'right' },
        { title: '', charsMax: 300 },
      ],
      summary.tables.map(({ table, rows, bytes, replaced, error }) => [
        table,
        rows,
        byteSize(bytes),
        error === undefined ? (replaced ? 'made anew' : 'added') : `FAILED: ${error}`,
      ]),
    ),
    '',
    `Database:  ${summary.database}`,
    `Warehouse: ${summary.warehouse}`,
    ...flakiestText(summary.flakiest),
  ].join('\n');
}

/** What was not read, or not whole, and where to see why. */
function troubles({ deadLetters, statuses }: CycleSummary['counts']): string {
  const partly = statuses.filter(({ status }) => status !== 'ok' && status !== 'empty');
  const files = partly.reduce((sum, status) => sum + status.files, 0);
  const kinds = partly.map((status) => `${status.files} ${status.status}`).join(', ');
  const letters =
    deadLetters === 0
      ? 'no dead letters'
      : `${counted(deadLetters, 'dead letter')} (samovar dead-letters list)`;
  return files === 0 ? letters : `${letters}, ${counted(files, 'JUnit file')} not read to the end (${kinds})`;
}

const counted = (count: number, thing: string) => `${count} ${thing}${count === 1 ? '' : 's'}`;

function flakiestText(tests: readonly FlakyTest[]): readonly string[] {
  if (tests.length === 0) return [];
  const rows = tests.map(({ test, job, flakyCommits, runs, failures }) => [
    test,
    job,
    flakyCommits,
    runs,
    failures,
  ]);
  const number = { align: 'right' } as const;
  const columns = [
    { title: 'test', charsMax: 70 },
    { title: 'job', charsMax: 50 },
    { title: 'flaky commits', ...number },
    { title: 'runs', ...number },
    { title: 'failures', ...number },
  ];
  return ['', 'The flakiest tests (passed and failed on one commit):', textTable(columns, rows)];
}
