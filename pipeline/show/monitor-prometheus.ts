import type { MonitorReport } from '../jobs/monitor.ts';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

/**
 * What a monitor saw, in Prometheus' text format: for the textfile collector of the node exporter, or a push gateway. What is not
 * known is not there. Times are seconds since the epoch, so that an alert can tell that nobody looks any more.
 */
export function monitorPrometheus(report: MonitorReport): string {
  const { tables, buckets, deadLetters, database } = report;
  const seconds = (at: string | undefined) => (at === undefined ? undefined : Date.parse(at) / 1000);
  const ofTables = (value: (table: MonitorReport['tables'][number]) => number | undefined) =>
    tables.map((table): Sample => [{ table: table.table, warehouse: table.warehouse }, value(table)]);
  const ofBuckets = (value: (bucket: MonitorReport['buckets'][number]) => number | undefined) =>
    buckets.map((bucket): Sample => [{ bucket: bucket.bucket }, value(bucket)]);
  const plain = (value: number | undefined): readonly Sample[] => [[{}, value]];
  const metrics: readonly (readonly [name: string, help: string, samples: readonly Sample[]])[] = [
    ['last_look_seconds', 'When this was looked at', plain(seconds(report.at))],
    ['problems', 'What is beyond a limit that was given', plain(report.problems.length)],
    ['unseen', 'What could not be looked at', plain(report.unseen.length)],
    ['table_rows', 'Rows of a table', ofTables(({ rows }) => rows)],
    ['table_bytes', 'Size of a table', ofTables(({ bytes }) => bytes)],
    ['table_modified_seconds', 'When a table was last written', ofTables((one) => seconds(one.modifiedAt))],
    ['table_waiting', 'Builds that a table does not have yet', ofTables(({ waiting }) => waiting)],
    [
      'table_oldest_waiting_seconds',
      'Since when the oldest of these waits; without any: now',
      ofTables((one) => (one.waiting === undefined ? undefined : seconds(one.oldestWaitingAt ?? report.at))),
    ],
    ['bucket_builds', 'Builds known below a root', ofBuckets(({ builds }) => builds)],
    [
      'bucket_newest_build_seconds',
      'When the newest of these ended',
      ofBuckets((one) => seconds(one.newestAt)),
    ],
    [
      'dead_letters',
      'What could not be done and waits for somebody',
      deadLetters === undefined ? [] : plain(deadLetters.count),
    ],
    [
      'dead_letters_new',
      'Of these, what was set aside within a day',
      deadLetters === undefined ? [] : plain(deadLetters.newInDay),
    ],
    ['database_bytes', 'Size of the database', plain(database?.fileBytes)],
    ['database_pages_left', "Pages left under SQLite's limit", plain(database?.pagesLeft)],
    ['disk_free_bytes', "Free space of the database's disk", plain(database?.diskFreeBytes)],
    ['disk_size_bytes', "Size of the database's disk", plain(database?.diskSizeBytes)],
  ];
  return metrics
    .flatMap(([name, help, samples]) => lines(`samovar_monitor_${name}`, help, samples))
    .join('\n');
}

function lines(name: string, help: string, samples: readonly Sample[]): readonly string[] {
  const known = samples.flatMap(([labels, value]) =>
    value === undefined || !Number.isFinite(value) ? [] : [`${name}${labelled(labels)} ${value}`],
  );
  return known.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...known];
}

function labelled(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
