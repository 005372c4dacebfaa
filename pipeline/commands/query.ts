import type { CommandModule } from 'yargs';
import { openWarehouseReader } from '../backends/warehouse/index.ts';
import { type Context, warehouseOptions } from '../context.ts';
import { SamovarError } from '../errors.ts';
import {
  type BuildQueryRequest,
  type BuildQueryResult,
  buildQueryText,
  findBuildQuery,
  ROWS_MAX,
  runBuildQuery,
} from '../jobs/build-queries.ts';
import { loadOwnerRules } from '../jobs/triage-owners.ts';
import { csvText } from '../queries/csv.ts';
import { BUILD_QUERIES } from '../queries/index.ts';
import { queryText } from '../show/mutation-query.ts';
import { byteSize } from '../show/progress.ts';
import { textTable } from '../show/table.ts';
import { safeText } from '../show/text.ts';
import { waiting } from './counting.ts';
import { formatOf } from './format.ts';
import { assertKnownJob, knownJobs } from './known-jobs.ts';
import { withTableGuess } from './known-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';

const FORMATS = ['table', 'json', 'csv'] as const;
const FORMAT = { jsonName: 'json', standard: 'table' } as const;
/** For people; other formats are for programs, which want all. */
const TABLE_ROWS = 50;

type Args = CommonArgs & {
  readonly name?: string | undefined;
  readonly list?: boolean | undefined;
  readonly days?: number | undefined;
  readonly job?: string | undefined;
  readonly limit?: number | undefined;
  readonly table: string;
  readonly format?: (typeof FORMATS)[number] | undefined;
  readonly owners?: string | undefined;
  readonly 'dry-run'?: boolean | undefined;
};

export const queryCommand: CommandModule<object, Args> = {
  command: 'query [name]',
  describe: 'Ask the warehouse what the builds tell: health, failures, flakes, regressions',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('name', { type: 'string', describe: 'One of those that --list shows' })
      .option('list', { type: 'boolean', describe: 'Show every query and what it tells' })
      .option('days', { type: 'number', describe: "How far back to look (default: the query's own)" })
      .option('job', { type: 'string', describe: "Only this job, or those of a pattern: 'ci-*', 'pr:*-e2e'" })
      .option('limit', {
        type: 'number',
        describe: `Rows at most (default ${TABLE_ROWS} in a table, else ${ROWS_MAX})`,
      })
      .option('table', {
        type: 'string',
        default: 'all',
        describe: 'Table of builds, or a view of its latest rows (build_latest)',
      })
      .option('format', { choices: FORMATS, describe: 'How to print rows (default table)' })
      .option('owners', {
        type: 'string',
        describe: 'For the query owners: YAML file of owners by test, job or text, as of samovar triage',
      })
      .option('dry-run', { type: 'boolean', describe: 'Only show the SQL, and what BigQuery would bill' })
      .example('$0 query --list', 'what can be asked')
      .example("$0 query job-health-weekly --job 'ci-*'", 'a week of the periodic jobs')
      .example('$0 query flaky-tests --days 30 --format csv > flaky.csv', 'for a spreadsheet'),
  handler: (args) => withContext(args, (context) => query(context, args)),
};

async function query(context: Context, args: Args): Promise<number> {
  if (args.list === true) {
    await print(context, listText(formatOf(args, FORMAT)));
    return 0;
  }
  if (args.name === undefined)
    throw new SamovarError('config', 'a query needs its name', {
      remedy: 'Run `samovar query --list` to see what can be asked.',
    });
  const format = formatOf(args, FORMAT);
  const request: BuildQueryRequest = {
    query: findBuildQuery(args.name),
    table: args.table,
    days: args.days,
    job: args.job,
    limit: args.limit ?? (format === 'table' ? TABLE_ROWS : ROWS_MAX),
    nowMs: context.nowMs(),
    owners: await ownersOf(args),
  };
  // A follower holds a DuckDB file for hours.
  const { warehouse: url } = context.settings;
  const warehouse = await openWarehouseReader(url, warehouseOptions(context.settings));
  context.onClose(() => warehouse.close());
  if (args['dry-run'] === true) {
    const sql = buildQueryText(warehouse, request);
    const bytes = await warehouse.queryBytes?.(sql, { signal: context.signal });
    const cost =
      bytes === undefined ? 'reading is free here' : `would read ${byteSize(bytes)} (${bytes} bytes)`;
    await print(
      context,
      format === 'json' ? JSON.stringify({ sql, bytes: bytes ?? null }) : `${sql};\n-- ${cost}`,
    );
    return 0;
  }
  const result = await waiting(context, `query ${request.query.name}`, () =>
    runBuildQuery(warehouse, request, context.signal),
  ).catch(async (error: unknown) => {
    throw await withTableGuess(context, args.table, error);
  });
  if (result.rows.length === 0 && args.job !== undefined)
    assertKnownJob(
      args.job,
      await knownJobs(context, context.openStore({ dryRun: true }), { prefixed: true }),
    );
  await print(context, resultText(result, format));
  return 0;
}

async function ownersOf({ name, owners }: Args) {
  if (owners !== undefined && name !== 'owners')
    throw new SamovarError('config', `--owners is for the query owners, not for ${safeText(name ?? '')}`, {
      remedy: 'Leave it out, or run `samovar query owners --owners FILE`.',
    });
  return loadOwnerRules(owners);
}

function resultText(result: BuildQueryResult, format: (typeof FORMATS)[number]): string {
  if (format === 'json') return JSON.stringify(result.rows);
  if (format === 'csv') return csvText(result.columns, result.rows.map(safeRow));
  return result.rows.length === 0 ? 'Nothing was found in the time asked for.' : queryText(result);
}

function safeRow(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(row);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? safeText(value) : value]),
  );
}

function listText(format: (typeof FORMATS)[number]): string {
  const columns = ['name', 'days', 'about'];
  const rows = BUILD_QUERIES.map(({ name, days, about }) => ({ name, days, about }));
  if (format === 'json')
    return JSON.stringify(
      BUILD_QUERIES.map(({ name, days, about, columns: own }) => ({ name, days, about, columns: own })),
    );
  if (format === 'csv') return csvText(columns, rows);
  return textTable(
    [{ title: 'query' }, { title: 'days', align: 'right' }, { title: 'tells' }],
    rows.map(({ name, days, about }) => [name, days, about]),
  );
}
