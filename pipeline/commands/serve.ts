import { existsSync } from 'node:fs';
import pLimit from 'p-limit';
import type { CommandModule } from 'yargs';
import type { WarehouseReader } from '../backends/warehouse/contract.ts';
import { openWarehouseReader } from '../backends/warehouse/index.ts';
import { type Context, warehouseOptions } from '../context.ts';
import { describeError, SamovarError } from '../errors.ts';
import { reportQueries } from '../jobs/report-queries.ts';
import { createReport } from '../jobs/report-source.ts';
import { triageFile } from '../jobs/triage.ts';
import { readClusters } from '../jobs/triage-clusters.ts';
import { loadOwnerRules } from '../jobs/triage-owners.ts';
import { createMetrics } from '../monitor/metrics.ts';
import { liveLinks } from '../report/links.ts';
import { startHttp } from '../serve/http.ts';
import { createReportApp } from '../serve/report/app.ts';
import { HTTP_LIMITS } from '../serve/report/http.ts';
import { openTriageStore } from '../store/triage.ts';
import { type CommonArgs, placeOptions, withContext } from './run.ts';

const SECOND_MS = 1_000;
/** Questions that the warehouse is asked at once. */
const QUERIES_MAX = 3;
/** How long an answer counts as new. BigQuery bills each question. */
const TTL_S = { duckdb: 30, bigquery: 900 } as const;
const CLUSTERS_MAX = 500;

type Args = CommonArgs & {
  readonly http: string;
  readonly table: string;
  readonly days: number;
  readonly ttl?: number | undefined;
  readonly 'allowed-host'?: readonly string[] | undefined;
  readonly 'artifacts-url'?: string | undefined;
  readonly owners?: string | undefined;
};

export const serveCommand: CommandModule<object, Args> = {
  command: 'serve',
  describe: 'Serve the dashboard and its JSON interface, live over the warehouse',
  builder: (yargs) =>
    placeOptions(yargs)
      .option('http', {
        type: 'string',
        default: '8080',
        describe: 'HOST:PORT, or PORT for this machine only; port 0: any that is free',
      })
      .option('table', {
        type: 'string',
        default: 'all',
        describe: 'Table of builds, or a view of its latest rows (build_latest)',
      })
      .option('days', { type: 'number', default: 14, describe: 'Builds started in the last N days' })
      .option('ttl', {
        type: 'number',
        describe: `Seconds for which an answer is kept (default ${TTL_S.duckdb}; of BigQuery, which bills by questions, ${TTL_S.bigquery})`,
      })
      .option('allowed-host', {
        type: 'string',
        array: true,
        describe: 'A name that browsers call this server by, beside localhost and addresses in digits',
      })
      .option('artifacts-url', {
        type: 'string',
        describe:
          'What stands before bucket/path/ in links to files of gs:// (default: the console of Google Cloud)',
      })
      .option('owners', { type: 'string', describe: 'YAML file of owners of failures, as of samovar triage' })
      .example('$0 serve', 'on http://127.0.0.1:8080')
      .example('$0 serve --http 0.0.0.0:8080 --allowed-host ci.example.org', 'behind a proxy of that name')
      .example('$0 serve --warehouse bigquery:my-project:builds --table build_latest', 'over BigQuery'),
  handler: (args) => withContext(args, (context) => serve(context, args), { graceful: true }),
};

async function serve(context: Context, args: Args): Promise<number> {
  assertArgs(args);
  const { settings, nowMs, log, progress } = context;
  const opened = await openWarehouseReader(settings.warehouse, warehouseOptions(settings));
  context.onClose(() => opened.close());
  const warehouse = limited(opened);
  const ttlMs = (args.ttl ?? TTL_S[opened.dialect]) * SECOND_MS;
  const source = createReport(warehouse, {
    ...{ table: args.table, windowDays: args.days, nowMs, triage: await clustersOf(context, args) },
  });
  const app = createReportApp({
    ...{ source, queries: reportQueries(warehouse, args.table, nowMs), limits: { ttlMs }, nowMs, progress },
    links: liveLinks({ artifactsUrl: args['artifacts-url'] }),
    hosts: [args.http, ...(args['allowed-host'] ?? [])],
    metrics: createMetrics(progress),
    log: (message, error) => log.warn({ reason: describeError(error) }, message),
  });
  const server = await startHttp({ address: args.http, fetch: app.fetch, limits: HTTP_LIMITS });
  log.info({ url: server.url, warehouse: opened.url, table: args.table }, 'serving');
  await stopped(context.stopping);
  // Whoever waits for the warehouse is told so, before connections are closed.
  app.close();
  await server.close();
  return 0;
}

function assertArgs({ days, ttl = 1, 'artifacts-url': url }: Args): void {
  const wrong = (flag: string, why: string) => {
    throw new SamovarError('config', `${flag} ${why}`, {
      subject: flag,
      remedy: 'See `samovar serve --help`.',
    });
  };
  if (!(Number.isSafeInteger(days) && days > 0 && days <= 3_660))
    wrong('--days', 'is no whole number from 1 to 3660');
  if (!(ttl >= 0 && ttl <= 86_400)) wrong('--ttl', 'is no number of seconds from 0 to 86400');
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url))
    wrong('--artifacts-url', 'does not begin with https://');
}

/** The same warehouse, asked little at once. */
function limited(warehouse: WarehouseReader): WarehouseReader {
  const limit = pLimit(QUERIES_MAX);
  return {
    ...warehouse,
    query: (sql, options = {}) =>
      limit(() => {
        // Its turn came after whoever asked had left.
        if (options.signal?.aborted === true)
          throw new SamovarError('aborted', 'a query waited longer than it may', { subject: warehouse.url });
        return warehouse.query(sql, options);
      }),
  };
}

/** What `samovar triage` kept last, of this table or of what is stored here. Looked up each time: it may run meanwhile. */
async function clustersOf({ settings, nowMs }: Context, args: Args) {
  const owners = await loadOwnerRules(args.owners);
  const files = [
    triageFile(settings.db, { warehouse: settings.warehouse, table: args.table }),
    ...(args.warehouse === undefined ? [triageFile(settings.db)] : []),
  ];
  return () => {
    const file = files.find((one) => existsSync(one));
    if (file === undefined || !existsSync(settings.db)) return undefined;
    const store = openTriageStore(file, settings.db);
    try {
      return readClusters(store, { days: args.days, nowMs: nowMs(), limit: CLUSTERS_MAX, owners });
    } finally {
      store.close();
    }
  };
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
