import type { DatabaseReport, MonitorReport, TableReport } from '../jobs/monitor.ts';
import { paint } from './colour.ts';
import { byteSize } from './progress.ts';
import { textTable } from './table.ts';
import { safeText } from './text.ts';

const number = { align: 'right' } as const;
const HOUR_MS = 3_600_000;

/** `samovar monitor`, for people: tables, buckets, what was set aside, room, and then what is wrong. */
export function monitorText(report: MonitorReport): string {
  const { buckets, deadLetters, database, unseen, problems } = report;
  return [
    tablesText(report.tables),
    ...(buckets.length === 0 ? [] : ['', bucketsText(report)]),
    '',
    ...(deadLetters === undefined ? [] : [`Dead letters: ${lettersText(deadLetters)}`]),
    ...(database === undefined ? [] : roomText(database)),
    // What counts as wrong is told below, once.
    ...unseen
      .filter(({ what }) => !problems.some(({ check, subject }) => check === 'unseen' && subject === what))
      .map(({ what, why }) => safeText(`Not looked at: ${what} (${why})`)),
    ...problems.flatMap(({ message, remedy }) => [
      `${paint('stdout').red('ERROR:')} ${safeText(message)}.`,
      `       ${safeText(remedy)}`,
    ]),
    ...(problems.length === 0 ? [paint('stdout').green('Nothing is beyond its limit.')] : []),
  ].join('\n');
}

function tablesText(tables: readonly TableReport[]): string {
  const rows = tables.map(({ table, rows: count, bytes, modifiedAt, hoursOld, waiting, lagHours, seen }) => [
    table,
    grouped(count),
    bytes === undefined ? '-' : byteSize(bytes),
    modifiedAt === undefined ? '-' : minute(modifiedAt),
    age(hoursOld),
    grouped(waiting),
    lagHours === undefined || waiting === 0 ? '-' : age(lagHours),
    SEEN[seen],
  ]);
  const columns = [
    { title: 'table' },
    { title: 'rows', ...number },
    { title: 'size', ...number },
    { title: 'last written' },
    { title: 'old', ...number },
    { title: 'waiting', ...number },
    { title: 'oldest', ...number },
    { title: '' },
  ];
  return textTable(columns, rows);
}

const SEEN = {
  warehouse: '',
  ledger: 'by the ledger',
  missing: 'not there',
  unknown: 'not known',
} as const satisfies Record<TableReport['seen'], string>;

function bucketsText({ buckets, at }: MonitorReport): string {
  const rows = buckets.map(({ bucket, builds, newestAt, hoursOld }) => [
    bucket,
    grouped(builds),
    newestAt === undefined ? '-' : newestAt > at ? `${minute(newestAt)} (to come?)` : minute(newestAt),
    age(hoursOld),
  ]);
  return textTable(
    [{ title: 'bucket' }, { title: 'builds', ...number }, { title: 'newest' }, { title: 'old', ...number }],
    rows,
  );
}

export function lettersText({ count, kinds, newInDay }: NonNullable<MonitorReport['deadLetters']>): string {
  if (count === 0) return 'none';
  const of = kinds.map(({ kind, count: some }) => `${some} ${kind}`).join(', ');
  return `${grouped(count)} (${of}), ${newInDay === 0 ? 'none' : grouped(newInDay)} new within a day`;
}

function roomText({ file, fileBytes, walBytes, pages, pagesLeft, pageBytes, ...disk }: DatabaseReport) {
  const share = (pages / (pages + pagesLeft)) * 100;
  const limit = `${share < 0.1 ? 'under 0.1' : share.toFixed(1)} % of SQLite's largest (${grouped(pagesLeft)} pages of ${byteSize(pageBytes)} left)`;
  const wal = walBytes === 0 ? '' : `, ${byteSize(walBytes)} in its log`;
  const { diskFreeBytes: free, diskSizeBytes: size } = disk;
  return [
    `Database:     ${safeText(file)}, ${byteSize(fileBytes)}${wal}, ${limit}`,
    ...(free === undefined || size === undefined
      ? []
      : [`Disk:         ${byteSize(free)} of ${byteSize(size)} free`]),
  ];
}

/** `0.4 h`, `26 h`, `12 d` */
export function age(hours: number | undefined): string {
  if (hours === undefined) return '-';
  if (hours >= 72) return `${Math.round(hours / 24)} d`;
  return hours >= 10 ? `${Math.round(hours)} h` : `${hours.toFixed(1)} h`;
}

/** Age of a time in milliseconds since the epoch, in words: `12 min`, `3.0 h`. */
export function ageOf(atMs: number, nowMs: number): string {
  const ms = Math.max(0, nowMs - atMs);
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  return ms < HOUR_MS ? `${Math.round(ms / 60_000)} min` : age(ms / HOUR_MS);
}

export function grouped(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en-US');
}

/** `2026-11-21 19:20 UTC` */
function minute(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`;
}
