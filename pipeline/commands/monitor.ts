import type { CommandModule } from 'yargs';
import { openWarehouse } from '../backends/warehouse/index.ts';
import { loadRoots } from '../config/buckets.ts';
import { loadTables } from '../config/tables.ts';
import { type Context, warehouseOptions } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { type MonitoredTable, type MonitorReport, monitor } from '../jobs/monitor.ts';
import { PAGES_LEFT_MIN } from '../jobs/monitor-limits.ts';
import { monitorText } from '../show/monitor.ts';
import { monitorPrometheus } from '../show/monitor-prometheus.ts';
import { diskSpace } from '../store/headroom.ts';
import { inspectDatabase } from '../store/inspect.ts';
import { type CommonArgs, placeOptions, print, withContext } from './run.ts';

const FORMATS = ['table', 'json', 'prometheus'] as const;
const MB = 1e6;
/** Without --format. A look must not take as long as a load may. */
const LOOK_MS = 30_000;

type Args = CommonArgs & {
  readonly table?: readonly string[] | undefined;
  readonly stale?: number | undefined;
  readonly 'max-lag'?: number | undefined;
  readonly 'max-bucket-age'?: number | undefined;
  readonly 'max-dead-letters'?: number | undefined;
  readonly 'max-new-dead-letters'?: number | undefined;
  readonly 'min-free': number;
  readonly format?: (typeof FORMATS)[number] | undefined;
};

export const monitorCommand: CommandModule<object, Args> = {
  command: 'monitor',
  describe: 'How large and how old tables, buckets, dead letters and the disk are; exit 1 beyond a limit',
  builder: (yargs) =>
    placeOptions(yargs)
      .option('table', {
        type: 'string',
        array: true,
        describe: 'Only these tables; also PROJECT:DATASET.TABLE of BigQuery',
      })
      .option('stale', { type: 'number', describe: 'Hours since a table was last written, at most' })
      .option('max-lag', { type: 'number', describe: 'Hours that a build may wait for a table' })
      .option('max-bucket-age', {
        type: 'number',
        describe: 'Hours since the newest build of a bucket, at most',
      })
      .option('max-dead-letters', { type: 'number', describe: 'Dead letters, at most' })
      .option('max-new-dead-letters', { type: 'number', describe: 'Dead letters of the last day, at most' })
      .option('min-free', {
        type: 'number',
        default: 1000,
        describe: 'Megabytes free on the disk of the database, at least',
      })
      .option('format', { choices: FORMATS, describe: 'How to print it (default table)' })
      .example('$0 monitor', 'how everything stands')
      .example('$0 monitor --stale 6 --max-bucket-age 24 --max-new-dead-letters 0', 'for a CronJob')
      .example(
        '$0 monitor --stale 6 --table my-project:build.all my-project:build.day',
        "as Kettle's monitor",
      )
      .example('$0 monitor --format prometheus > samovar.prom', 'for a textfile collector')
      .epilogue(
        'Exit status: 0 nothing is beyond a limit; 1 something is, or cannot be held against a limit that was given; ' +
          '2 the flags or the configuration are wrong. Reads only, and waits for nobody: where another process has the DuckDB ' +
          'file, ages are those of the ledger and rows are not told, which alone is no failure.',
      ),
  handler: (args) => withContext(args, (context) => run(context, args)),
};

async function run(context: Context, args: Args): Promise<number> {
  const format = formatOf(args);
  const { settings, nowMs, signal } = context;
  const report = await monitor({
    file: settings.db,
    inspect: () => inspectDatabase(settings.db),
    tables: await tablesOf(context, args.table),
    roots: (await loadRoots(settings.bucketsFile)).map(({ url }) => url),
    openWarehouse: (url) => openToLook(context, url),
    disk: () => diskSpace(settings.db),
    nowMs,
    signal,
    limits: {
      staleHours: limit('stale', args.stale),
      lagHours: limit('max-lag', args['max-lag']),
      bucketHours: limit('max-bucket-age', args['max-bucket-age']),
      deadLettersMax: limit('max-dead-letters', args['max-dead-letters']),
      newDeadLettersMax: limit('max-new-dead-letters', args['max-new-dead-letters']),
      diskFreeBytesMin: (limit('min-free', args['min-free']) ?? 0) * MB,
      pagesLeftMin: PAGES_LEFT_MIN,
    },
  });
  await print(context, textOf(report, format));
  return report.problems.length === 0 ? 0 : 1;
}

function textOf(report: MonitorReport, format: (typeof FORMATS)[number]): string {
  if (format === 'json') return JSON.stringify(report);
  return format === 'prometheus' ? monitorPrometheus(report) : monitorText(report);
}

/** To look only: a DuckDB file is not made, and others may read it meanwhile. */
export function openToLook({ settings }: Context, url: string) {
  const options = warehouseOptions(settings);
  return openWarehouse(url, {
    ...options,
    timeoutMs: Math.min(options.timeoutMs, LOOK_MS),
    loadTimeoutMs: LOOK_MS,
    readOnly: true,
    lockWaitMs: 0,
  });
}

/** Those asked for, else the configured ones; Kettle named a table by project, dataset and name. */
async function tablesOf(
  { settings }: Context,
  names: readonly string[] | undefined,
): Promise<readonly MonitoredTable[]> {
  const { warehouse } = settings;
  const configured = await loadTables(settings.tablesFile);
  if (names === undefined) return configured.map(({ name, days }) => ({ name, warehouse, days }));
  return names.map((asked) => {
    const [, place, table] = /^([^:.]+(?:\.[a-z]+:[^:.]+)?:[^:.]+)\.([^:.]+)$/.exec(asked) ?? [];
    const name = table ?? asked;
    const url = place === undefined ? warehouse : `bigquery:${place}`;
    return { name, warehouse: url, days: configured.find((one) => one.name === name)?.days };
  });
}

function formatOf({ format, json }: Args): (typeof FORMATS)[number] {
  if (json === true && format !== undefined && format !== 'json')
    throw new SamovarError('config', `--json and --format ${format} ask for two things`, {
      remedy: 'Leave one of them out.',
    });
  return format ?? (json === true ? 'json' : 'table');
}

function limit(flag: string, value: number | undefined): number | undefined {
  if (value === undefined || value >= 0) return value;
  throw new SamovarError('config', `--${flag} takes a number of 0 or more`, {
    remedy: `Write it as in \`samovar monitor --${flag} 6\`.`,
  });
}
