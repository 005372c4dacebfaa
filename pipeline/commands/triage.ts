import type { CommandModule } from 'yargs';
import type { Context } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { runTriage, triageFile } from '../jobs/triage.ts';
import { readClusters, writeClusters } from '../jobs/triage-clusters.ts';
import { loadOwnerRules } from '../jobs/triage-owners.ts';
import { startProgress } from '../show/progress.ts';
import { textTable } from '../show/table.ts';
import type { Store } from '../store/open.ts';
import { openTriageStore, type TriageStore } from '../store/triage.ts';
import { headline } from '../triage/headline.ts';
import { formatOf } from './format.ts';
import { assertKnownJob, knownJobs } from './known-jobs.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';

type Args = CommonArgs & {
  readonly days: number;
  readonly job?: string | undefined;
  readonly table: string;
  readonly limit: number;
  readonly format?: 'table' | 'json' | undefined;
  readonly 'dry-run': boolean;
  readonly out?: string | undefined;
  readonly owners?: string | undefined;
};

export const triageCommand: CommandModule<object, Args> = {
  command: 'triage',
  describe: 'Group failures whose texts are nearly the same, over all jobs and tests',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('days', {
        type: 'number',
        default: 14,
        describe: 'Failures of builds finished in the last N days',
      })
      .option('job', { type: 'string', describe: "Only this job, or those of a pattern: 'ci-*', 'pr:*-e2e'" })
      .option('table', {
        type: 'string',
        default: 'all',
        describe: 'With --warehouse: the table whose failures are read, in place of the stored rows',
      })
      .option('limit', { type: 'number', default: 20, describe: 'Show so many clusters, most builds first' })
      .option('format', {
        choices: ['table', 'json'] as const,
        describe: 'How to print them (default table)',
      })
      .option('out', { type: 'string', describe: 'Write clusters.json into this folder, too' })
      .option('owners', {
        type: 'string',
        describe: 'YAML file of owners by test, job or text; without a rule the [sig-...] of the test counts',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'With --out: write no file there' })
      .example('$0 triage --days 7', 'what failed most this week')
      .example("$0 triage --job 'pr:*' --format json", 'of presubmits, for a program'),
  handler: (args) => withContext(args, (context) => triage(context, args)),
};

async function triage(context: Context, args: Args): Promise<number> {
  assertPositive('--days', args.days);
  assertPositive('--limit', args.limit);
  const format = formatOf(args, { jsonName: 'json', standard: 'table' });
  const owners = await loadOwnerRules(args.owners);
  const rows = context.openStore();
  const store = openTriageStore(triageFile(rows.file, tableOf(args)), rows.file);
  context.onClose(() => store.close());
  const nowMs = context.nowMs();
  const source = args.warehouse === undefined ? rowSource(context, rows) : await tableSource(context, args);
  const run = await refresh(context, store, { source, days: args.days, nowMs });
  if (context.signal.aborted) return 1;
  const { days, job, limit } = args;
  const result = readClusters(store, { days, nowMs, job, limit, owners });
  if (result.clusters.length === 0 && job !== undefined)
    assertKnownJob(job, await knownJobs(context, rows, { prefixed: true }));
  if (args.out !== undefined)
    context.log.info(
      args['dry-run'] ? `would write into ${args.out}` : `wrote ${await writeClusters(args.out, result)}`,
    );
  if (format === 'json') {
    await print(context, JSON.stringify(result));
    return 0;
  }
  const { clusters, clustersTotal, failures, builds } = result;
  const all = `${failures} failures in ${builds} builds of ${args.days} days, ${clustersTotal} clusters`;
  const news = `${run.buildsRead} builds read, ${run.newClusters} clusters new`;
  await print(context, clusters.length === 0 ? 'no failures' : clustersTable(clusters));
  await print(context, `\n${all}; ${news}`);
  return 0;
}

function tableOf({ warehouse, table }: Args) {
  return warehouse === undefined ? undefined : { warehouse, table };
}

type Source = Parameters<typeof runTriage>[0]['source'];

function rowSource({ log }: Context, { rows }: Store): Source {
  const onDamaged = (path: string, err: unknown) => log.warn({ path, err }, 'a row cannot be read: left out');
  return { rows, onDamaged };
}

async function tableSource(context: Context, { table }: Args): Promise<Source> {
  return { warehouse: await context.openWarehouse(), table };
}

async function refresh(
  context: Context,
  store: TriageStore,
  input: { readonly source: Source; readonly days: number; readonly nowMs: number },
) {
  const { log, stderr, interactive, signal } = context;
  const done = { builds: 0, failures: 0 };
  const read = () => ({ done: done.builds, total: 0, details: `${done.failures} failures` });
  const stop = startProgress({
    ...{ label: 'reading failures', unit: 'builds', read, interactive, stderr, log },
    nowMs: context.nowMs,
  });
  try {
    return await runTriage({
      ...{ store, signal, source: input.source, days: input.days },
      nowMs: () => input.nowMs,
      onRead: (builds, failures) => Object.assign(done, { builds, failures }),
    });
  } finally {
    stop();
  }
}

function clustersTable(clusters: ReturnType<typeof readClusters>['clusters']): string {
  const right = 'right' as const;
  const columns = [
    { title: 'builds', align: right },
    { title: 'failures', align: right },
    { title: 'jobs', align: right },
    { title: 'tests', align: right },
    { title: 'owner', charsMax: 30 },
    { title: 'first seen' },
    { title: 'last seen' },
    { title: 'text', charsMax: 100 },
    { title: 'cluster', charsMax: 20 },
  ];
  const rows = clusters.map((cluster) => [
    ...[cluster.builds, cluster.failures, cluster.jobsTotal, cluster.testsTotal, cluster.owner ?? ''],
    ...[dayOf(cluster.firstSeen), dayOf(cluster.lastSeen), headline(cluster.text), cluster.id],
  ]);
  return textTable(columns, rows);
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

function assertPositive(flag: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new SamovarError('config', `${flag} is not a whole number above 0`, {
    remedy: `Give ${flag} a number such as 7.`,
  });
}
