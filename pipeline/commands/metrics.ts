import type { CommandModule } from 'yargs';
import { parseRoot } from '../backends/bucket/index.ts';
import type { Context } from '../context.ts';
import { type MetricWritten, writeMetrics } from '../jobs/build-queries-metrics.ts';
import { METRIC_QUERIES } from '../queries/index.ts';
import { textTable } from '../show/table.ts';
import { safeText } from '../show/text.ts';
import { counting } from './counting.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';

type Args = CommonArgs & {
  readonly out: string;
  readonly table: string;
  readonly job?: string | undefined;
  readonly 'dry-run': boolean;
};

export const metricsCommand: CommandModule<object, Args> = {
  command: 'metrics',
  describe: 'Publish the ten metrics of builds as JSON files, as Kubernetes does',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('out', {
        type: 'string',
        demandOption: true,
        describe: 'Folder or gs://bucket/prefix/ for <name>-latest.json and files by date',
      })
      .option('table', { type: 'string', default: 'all', describe: 'Table of builds' })
      .option('job', { type: 'string', describe: "Only this job, or those of a pattern: 'ci-*', 'pr:*-e2e'" })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Ask, but write nothing' })
      .example('$0 metrics --out metrics', 'into a folder')
      .example('$0 metrics --out gs://my-metrics/', 'where dashboards read them'),
  handler: (args) => withContext(args, (context) => metrics(context, args)),
};

/** 1 when a metric could not be made. */
async function metrics(context: Context, args: Args): Promise<number> {
  const { bucketUrl, prefix } = parseRoot(rootOf(args.out));
  const bucket = context.openBucket(bucketUrl, { requestsInFlight: 1 });
  const warehouse = await context.openWarehouse();
  const written = await counting(context, { label: 'metrics', unit: 'queries' }, (state) => {
    state.total = METRIC_QUERIES.length;
    return writeMetrics({
      ...{ warehouse, bucket, prefix, table: args.table, job: args.job },
      dryRun: args['dry-run'],
      nowMs: context.nowMs(),
      signal: context.signal,
      onMetric: (name) => {
        if (state.details !== '') state.done += 1;
        state.details = name;
      },
    });
  });
  await print(context, args.json ? JSON.stringify(written) : metricsText(written, args));
  return written.some(({ problem }) => problem !== null) ? 1 : 0;
}

function rootOf(out: string): string {
  if (/^(gs|file):/.test(out)) return out;
  return `file:${out.startsWith('/') ? '//' : ''}${out}`;
}

function metricsText(written: readonly MetricWritten[], args: Args): string {
  const table = textTable(
    [
      { title: 'metric' },
      { title: 'rows', align: 'right' },
      { title: args['dry-run'] ? 'would write' : 'latest' },
    ],
    written.map(({ metric, rows, files, problem }) => [metric, rows, problem ?? files.at(-1) ?? '']),
  );
  return `${table}\n${args['dry-run'] ? 'Nothing was written to' : 'Written to'} ${safeText(args.out)}`;
}
