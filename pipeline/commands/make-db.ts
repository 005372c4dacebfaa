import type { CommandModule } from 'yargs';
import { loadRoots } from '../config/buckets.ts';
import type { Context } from '../context.ts';
import { collectionText } from '../show/collection.ts';
import { textTable } from '../show/table.ts';
import { type Collected, collectWith } from './collecting.ts';
import { assertListedJob } from './known-jobs.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';
import { type SelectionArgs, selectionOf, selectionOptions } from './selection.ts';
import { type ShardArgs, shardOfArgs, shardOptions } from './shard-options.ts';

type Args = CommonArgs &
  SelectionArgs &
  ShardArgs & {
    readonly threads?: number | undefined;
    readonly junit: boolean;
    readonly buildlimit?: number | undefined;
    readonly 'skip-gcs': boolean;
    readonly limit?: number | undefined;
    readonly 'dry-run': boolean;
  };

export const makeDbCommand: CommandModule<object, Args> = {
  command: 'make-db',
  describe: 'Collect builds from the buckets into SQLite',
  builder: (yargs) =>
    shardOptions(selectionOptions(commonOptions(yargs)))
      .option('threads', { type: 'number', describe: 'Builds being read at once, per bucket (default 32)' })
      .option('junit', { type: 'boolean', default: false, describe: 'Read JUnit results too' })
      .option('buildlimit', {
        type: 'number',
        describe: 'Only the newest N builds of each job; 0 = all (BUILD_LIMIT)',
      })
      .option('skip-gcs', {
        type: 'boolean',
        default: false,
        describe: 'List nothing: only read JUnit files of builds that are stored without them',
      })
      .option('limit', { type: 'number', describe: 'At most N builds in this run' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say what would be read' })
      .example('$0 make-db --buckets config/buckets.yaml --junit', 'everything new, with tests')
      .example('$0 make-db --junit --job "ci-kubernetes-*" --since 7d', 'one week of some jobs')
      .example('$0 make-db --dry-run', 'how many builds are new, job by job'),
  handler: (args) => withContext(args, (context) => makeDb(context, args)),
};

async function makeDb(context: Context, args: Args): Promise<number> {
  const roots = await loadRoots(context.settings.bucketsFile);
  const dryRun = args['dry-run'];
  const store = dryRun ? context.openStore({ dryRun }) : await context.holdStore('make-db');
  const planned = new Map<string, number>();
  const collected = await collectWith(context, store, roots, {
    selection: {
      ...selectionOf(args, context.nowMs()),
      limit: args.limit,
      shard: shardOfArgs(args),
      buildLimit: (args.buildlimit ?? context.settings.buildLimit) || undefined,
    },
    junit: args.junit,
    skipListing: args['skip-gcs'],
    dryRun,
    threads: args.threads ?? context.settings.threads,
    onCandidate: (root, job) => planned.set(`${root}${job}`, (planned.get(`${root}${job}`) ?? 0) + 1),
  });
  if (collected.stats.found === 0 && collected.failures.length === 0)
    await assertListedJob(context, store, {
      ...selectionOf(args, context.nowMs()),
      shard: shardOfArgs(args),
    });
  if (args.json)
    await print(
      context,
      JSON.stringify(args['dry-run'] ? { planned: Object.fromEntries(planned) } : collected),
    );
  else if (args['dry-run']) await print(context, planText(planned, collected));
  else await print(context, collectionText(collected, store));
  return collected.failures.length > 0 ? 1 : 0;
}

const JOBS_SHOWN_MAX = 50;

export function planText(planned: ReadonlyMap<string, number>, collected: Collected): string {
  const jobs = [...planned].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const table = textTable(
    [
      { title: 'job', charsMax: 100 },
      { title: 'builds', align: 'right' },
    ],
    jobs.slice(0, JOBS_SHOWN_MAX),
  );
  const more = jobs.length > JOBS_SHOWN_MAX ? `\n  … and ${jobs.length - JOBS_SHOWN_MAX} more jobs` : '';
  return `${collected.stats.found} builds would be read (dry run: nothing was stored)\n${jobs.length > 0 ? `${table}${more}` : ''}`.trimEnd();
}
