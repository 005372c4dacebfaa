import type { CommandModule } from 'yargs';
import { parseRoot } from '../backends/bucket/index.ts';
import type { Queue } from '../backends/queue/contract.ts';
import { queueUrlOf } from '../backends/queue/index.ts';
import { createStats } from '../collect/stats.ts';
import { type BucketRoot, loadRoots } from '../config/buckets.ts';
import { tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { dropDemoBuilds } from '../demo/drop.ts';
import { makeDemo } from '../demo/index.ts';
import { assertQueues, streamBuilds } from '../jobs/stream.ts';
import type { StreamOptions } from '../jobs/stream-state.ts';
import { createMetrics } from '../monitor/metrics.ts';
import { streamPlanText, streamText } from '../show/stream.ts';
import { openRoot } from './collecting.ts';
import { openTables } from './open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';
import { startStreamMonitor } from './stream-monitor.ts';
import { nextHour, streamTables } from './stream-tables.ts';

const SECOND_MS = 1_000;
const BIGQUERY_INTERVAL_MS = 120_000;
const DUCKDB_INTERVAL_MS = 500;
/** Appends are gathered only for so long. */
const APPEND_INTERVAL_MS = 250;

type Args = CommonArgs & {
  readonly poll?: string | undefined;
  readonly dataset?: string | undefined;
  readonly tables?: readonly string[] | undefined;
  readonly stop_at?: number | undefined;
  readonly 'until-idle'?: number | undefined;
  readonly 'if-configured': boolean;
  readonly 'dry-run': boolean;
  readonly threads?: number | undefined;
  readonly monitor?: string | undefined;
};

export const streamCommand: CommandModule<object, Args> = {
  command: 'stream',
  describe: 'Follow finished builds as they are told of, and bring their rows into every table',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('poll', {
        type: 'string',
        describe:
          'Pub/Sub subscription: project/topic/subscription (SUBSCRIPTION_PATH); else folders are watched',
      })
      .option('dataset', {
        type: 'string',
        describe: 'project:dataset; the same as --warehouse bigquery:project:dataset',
      })
      .option('tables', {
        type: 'string',
        array: true,
        describe: "NAME:DAYS of each table, as Kettle's; default: the tables file",
      })
      .option('stop_at', { type: 'number', describe: 'End when this hour (0-23, local time) begins' })
      .option('until-idle', { type: 'number', describe: 'End when nothing has happened for N seconds' })
      .option('if-configured', {
        type: 'boolean',
        default: false,
        describe: 'Do nothing, successfully, where there is nothing to follow',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say what would be followed, and into which tables',
      })
      .option('threads', { type: 'number', describe: 'Builds being read at once (default 32)' })
      .option('monitor', {
        type: 'string',
        describe: 'HOST:PORT or PORT of /healthz, /readyz and /metrics (SAMOVAR_MONITOR_ADDRESS)',
      })
      .example('$0 stream', 'watch the folders of the demo')
      .example(
        '$0 stream --poll my-project/my-topic/my-subscription --dataset my-project:builds --tables day:1 week:7 all:0 --stop_at 1',
        "Kettle's own flags",
      ),
  handler: (args) =>
    withContext(
      args.dataset === undefined ? args : { ...args, warehouse: `bigquery:${args.dataset}` },
      (context) => stream(context, args),
      { graceful: true },
    ),
};

async function stream(context: Context, args: Args): Promise<number> {
  const { settings, nowMs } = context;
  const roots = await loadRoots(settings.bucketsFile);
  const configured = await streamTables(settings.tablesFile, args.tables);
  if (args['dry-run']) {
    const plan = {
      dryRun: true,
      queues: queueUrls(context, roots),
      tables: configured.map(({ name }) => name),
    };
    await print(context, args.json ? JSON.stringify(plan) : streamPlanText(plan));
    return 0;
  }
  if (settings.demo) await makeDemo({ dir: settings.demoDir, nowMs: nowMs() });
  const queues = await openQueues(context, roots);
  if (queues.length === 0 && args['if-configured']) {
    context.log.info('nothing to follow: no subscription is named and no bucket is a folder');
    return 0;
  }
  assertQueues(queues);
  const tables = await openTables(context, 'stream');
  const metrics = createMetrics(context.progress);
  const stats = createStats();
  const threads = args.threads ?? settings.threads;
  const warn = (text: string, details: Readonly<Record<string, unknown>>) => context.log.warn(details, text);
  const around = { ...context, store: tables.store, warn };
  const monitor = await startStreamMonitor(context, { tables, configured, metrics });
  const summary = await streamBuilds(
    {
      ...around,
      ...tables,
      queues,
      metrics,
      onRetry: () => metrics.retry('append'),
      collect: {
        ...around,
        stats,
        stage: context.progress.stage('collect'),
        open: (root) => openRoot(context, root, stats, threads),
      },
      onOpen: monitor.outstanding,
      onReady: () => {
        monitor.ready();
        context.log.info({ queues: queues.map(({ url }) => url) }, 'following');
        if (settings.demo)
          void dropDemoBuilds({
            dir: settings.demoDir,
            nowMs,
            sleep: context.sleep,
            signal: context.stopping,
          });
      },
    },
    await optionsOf(context, args, { roots, configured, threads }),
  );
  await print(context, args.json ? JSON.stringify(summary) : streamText(summary));
  return 0;
}

async function optionsOf(
  { settings, nowMs }: Context,
  args: Args,
  given: {
    readonly roots: readonly BucketRoot[];
    readonly configured: Awaited<ReturnType<typeof streamTables>>;
    readonly threads: number;
  },
): Promise<StreamOptions> {
  const { roots, configured, threads } = given;
  const loadMs =
    settings.stream.loadIntervalMs ??
    (settings.warehouse.startsWith('duckdb:') ? DUCKDB_INTERVAL_MS : BIGQUERY_INTERVAL_MS);
  const untilIdle = args['until-idle'];
  return {
    ...settings.stream,
    roots,
    threads,
    tables: await Promise.all(
      configured.map(async (config) => ({
        config,
        spec: await tableSpec(config),
        intervalMs: config.writer === 'load' ? loadMs : APPEND_INTERVAL_MS,
      })),
    ),
    request: {
      roots,
      threads,
      junit: true,
      skipListing: false,
      dryRun: false,
      selection: {},
      settleMs: settings.settleMs,
      buildMs: settings.buildMs,
      buildBytesMax: settings.buildBytesMax,
      giveUpMs: settings.giveUpMs,
    },
    // A load job has its own deadline; with its retries it may take longer.
    writeLimitMs: settings.loadTimeoutMs * 2,
    ...(untilIdle !== undefined && { untilIdleMs: untilIdle * SECOND_MS }),
    ...(args.stop_at !== undefined && { stopAtMs: nextHour(args.stop_at, nowMs()) }),
  };
}

/** The subscription where one is named; else every bucket that is a folder. */
async function openQueues(context: Context, roots: readonly BucketRoot[]): Promise<readonly Queue[]> {
  return Promise.all(queueUrls(context, roots).map((url) => context.openQueue(url)));
}

function queueUrls({ settings }: Context, roots: readonly BucketRoot[]): readonly string[] {
  const { subscriptionPath } = settings.stream;
  return subscriptionPath === undefined
    ? [...new Set(roots.map(({ url }) => parseRoot(url).bucketUrl))].filter((url) => url.startsWith('file:'))
    : [queueUrlOf(subscriptionPath)];
}
