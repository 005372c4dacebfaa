import type { MonitorReport, Problem, TableReport, Unseen } from './monitor.ts';

/** Beyond these something is wrong. Absent: it is only told. */
export interface MonitorLimits {
  /** Of a table's last change. */
  readonly staleHours?: number | undefined;
  /** How long a build may wait for a table. */
  readonly lagHours?: number | undefined;
  /** Of the newest build below a root. */
  readonly bucketHours?: number | undefined;
  readonly deadLettersMax?: number | undefined;
  /** Set aside within a day. */
  readonly newDeadLettersMax?: number | undefined;
  readonly diskFreeBytesMin: number;
  readonly pagesLeftMin: number;
}

/** With fewer a run refuses to start (store/open.ts); ten times as many leave time to do something. */
export const PAGES_LEFT_MIN = 100_000;

type Looked = Omit<MonitorReport, 'problems'>;

/** What is beyond its limit, or cannot be held against one that was asked for. */
export function problemsOf(report: Looked, limits: MonitorLimits): readonly Problem[] {
  return [
    ...report.tables.flatMap((table) => tableProblems(table, limits)),
    ...bucketProblems(report, limits),
    ...letterProblems(report, limits),
    ...roomProblems(report, limits),
    ...unseenProblems(report, limits),
  ];
}

function tableProblems(table: TableReport, { staleHours, lagHours }: MonitorLimits): readonly Problem[] {
  const { table: subject, hoursOld, lagHours: lag, waiting, seen, warehouse } = table;
  const problems: Problem[] = [];
  if (staleHours !== undefined && seen === 'missing')
    problems.push({
      check: 'missing',
      subject,
      message: `table ${subject} is not in ${warehouse}`,
      remedy: '`samovar update` makes it; if it has another name, see --table and --tables-file.',
    });
  if (staleHours !== undefined && hoursOld !== undefined && hoursOld > staleHours)
    problems.push({
      check: 'stale',
      subject,
      message: `table ${subject} is ${hoursOld.toFixed(1)} hours old; at most ${staleHours} are allowed`,
      remedy:
        waiting === 0
          ? 'Nothing waits for it: no build has come since. See whether CI writes to the buckets, and `samovar doctor` whether they can be read.'
          : 'See whether the collector runs and what it says: `samovar status`, then its log.',
    });
  if (lagHours !== undefined && lag !== undefined && lag > lagHours)
    problems.push({
      check: 'lag',
      subject,
      message: `${waiting} builds wait for table ${subject}, the oldest for ${lag.toFixed(1)} hours; at most ${lagHours} are allowed`,
      remedy:
        'Run `samovar update`, or see `samovar ledger show` and `samovar dead-letters list --kind load`.',
    });
  return problems;
}

function bucketProblems({ buckets }: Looked, { bucketHours }: MonitorLimits): readonly Problem[] {
  if (bucketHours === undefined) return [];
  return buckets.flatMap(({ bucket, builds, hoursOld }) => {
    if (hoursOld !== undefined && hoursOld <= bucketHours) return [];
    const message =
      builds === 0 || hoursOld === undefined
        ? `${bucket} has no builds`
        : `the newest build of ${bucket} is ${hoursOld.toFixed(1)} hours old; at most ${bucketHours} are allowed`;
    const remedy =
      'Look whether CI still writes there, and `samovar doctor` whether it can be read; or take it out of the buckets file.';
    return [{ check: 'bucket' as const, subject: bucket, message, remedy }];
  });
}

function letterProblems({ deadLetters }: Looked, limits: MonitorLimits): readonly Problem[] {
  if (deadLetters === undefined) return [];
  const { count, newInDay } = deadLetters;
  const remedy =
    '`samovar dead-letters list` says what and why; `samovar dead-letters retry` tries them again.';
  const of = (subject: string, value: number, max: number | undefined, what: string): readonly Problem[] =>
    max === undefined || value <= max
      ? []
      : [{ check: 'dead-letters', subject, message: `${value} ${what}; at most ${max} are allowed`, remedy }];
  return [
    ...of('dead letters', count, limits.deadLettersMax, 'dead letters'),
    ...of('new dead letters', newInDay, limits.newDeadLettersMax, 'dead letters within a day'),
  ];
}

function roomProblems(
  { database }: Looked,
  { diskFreeBytesMin, pagesLeftMin }: MonitorLimits,
): readonly Problem[] {
  if (database === undefined) return [];
  const { file, diskFreeBytes, pagesLeft } = database;
  const problems: Problem[] = [];
  if (diskFreeBytes !== undefined && diskFreeBytes < diskFreeBytesMin)
    problems.push({
      check: 'disk',
      subject: file,
      message: `${megabytes(diskFreeBytes)} MB are free on the disk of ${file}; at least ${megabytes(diskFreeBytesMin)} are wanted`,
      remedy: '`samovar prune` drops raw XML; else make the disk larger.',
    });
  if (pagesLeft < pagesLeftMin)
    problems.push({
      check: 'pages',
      subject: file,
      message: `${file} may grow by ${pagesLeft} pages before SQLite's limit ends it; at least ${pagesLeftMin} are wanted`,
      remedy: '`samovar prune` drops raw XML; else begin a new database.',
    });
  return problems;
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);

/** Nobody may take silence for good news: a limit that nothing could be held against counts as passed. */
function unseenProblems(report: Looked, limits: MonitorLimits): readonly Problem[] {
  const problems: Problem[] = report.unseen.flatMap((one) =>
    isTrouble(one) ? [problemOf(one, one.why)] : [],
  );
  const needsDatabase = [
    ['--max-lag', limits.lagHours],
    ['--max-bucket-age', limits.bucketHours],
    ['--max-dead-letters', limits.deadLettersMax],
    ['--max-new-dead-letters', limits.newDeadLettersMax],
  ].flatMap(([flag, limit]) => (limit === undefined ? [] : [flag]));
  if (report.database === undefined && needsDatabase.length > 0) {
    const [what] = report.unseen.filter((one) => one.what.startsWith('database'));
    if (what !== undefined && !isTrouble(what))
      problems.push(
        problemOf(what, `${what.why}, and ${needsDatabase.join(', ')} cannot be told without it`),
      );
  }
  if (limits.staleHours !== undefined)
    for (const { table, seen, warehouse } of report.tables)
      if (seen === 'unknown' && !problems.some(({ subject }) => subject === `warehouse ${warehouse}`))
        problems.push({
          check: 'unseen',
          subject: table,
          message: `how old table ${table} is cannot be told: its warehouse is not to be looked into now, and the ledger knows of no load`,
          remedy: 'Look again later, or where the database that loads it is.',
        });
  return problems;
}

/** A file that somebody holds, or that is not there yet, is how things are; all else is not. */
function isTrouble({ code }: Unseen): boolean {
  return code !== 'conflict' && code !== 'missing';
}

function problemOf({ what }: Unseen, why: string): Problem {
  return {
    check: 'unseen',
    subject: what,
    message: `cannot look at ${what}: ${why}`,
    remedy: '`samovar doctor` looks into it.',
  };
}
