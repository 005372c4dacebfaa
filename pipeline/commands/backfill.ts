import type { CommandModule } from 'yargs';
import { wantsBuild, wantsJob } from '../collect/plan.ts';
import { type BucketRoot, findRoot, loadRoots } from '../config/buckets.ts';
import { loadTables, tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { backfillTable } from '../jobs/backfill.ts';
import { buildOfPath } from '../records/ids.ts';
import { byteSize } from '../show/progress.ts';
import type { Store } from '../store/open.ts';
import { type Collected, collectWith } from './collecting.ts';
import { findTable } from './make-json.ts';
import { openTables } from './open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';
import { type SelectionArgs, selectionOf, selectionOptions } from './selection.ts';

type Args = CommonArgs &
  SelectionArgs & {
    readonly table: string;
    readonly 'by-day': boolean;
    readonly threads?: number | undefined;
    readonly 'dry-run': boolean;
  };

export const backfillCommand: CommandModule<object, Args> = {
  command: 'backfill',
  describe: 'One-off: collect a range of old builds and load them into a table',
  builder: (yargs) =>
    selectionOptions(commonOptions(yargs))
      .option('table', {
        type: 'string',
        default: 'all',
        describe: 'The table to fill; its window is not looked at',
      })
      .option('by-day', {
        type: 'boolean',
        default: false,
        describe: 'One load per day, for a table partitioned by day',
      })
      .option('threads', { type: 'number', describe: 'Builds being read at once, per bucket' })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say how many builds, requests and bytes to expect',
      })
      .demandOption('since')
      .example(
        '$0 backfill --job "ci-kubernetes-e2e-*" --since 2026-01-01 --until 2026-02-01 --dry-run',
        'what January would cost',
      )
      .example(
        '$0 backfill --since 90d --table all --by-day',
        'a quarter, a day at a time; run it again to go on after a stop',
      ),
  handler: (args) => withContext(args, (context) => backfill(context, args)),
};

async function backfill(context: Context, args: Args): Promise<number> {
  const selection = selectionOf(args, context.nowMs());
  const table = findTable(await loadTables(context.settings.tablesFile), args.table);
  const roots = await loadRoots(context.settings.bucketsFile);
  if (args['dry-run']) return plan(context, args, roots);
  const tables = await openTables(context, 'backfill');
  const collected = await collectWith(context, tables.store, roots, {
    ...options(context, args),
    selection,
    dryRun: false,
  });
  if (context.signal.aborted)
    throw new SamovarError('aborted', 'stopped while collecting', {
      remedy: 'Run the same command again: it goes on where it stopped.',
    });
  const since = (selection.sinceMs ?? 0) / 1000;
  // Builds are chosen by when they started, the window is of when they finished: late ones count too.
  const until =
    Math.min(context.nowMs(), (selection.untilMs ?? context.nowMs()) + context.settings.giveUpMs) / 1000;
  const keep = (path: string) => keeps(roots, selection, path);
  const loaded = await backfillTable(tables, table, await tableSpec(table), {
    since,
    until,
    byDay: args['by-day'],
    keep,
  });
  const text = `${collected.stats.added} builds collected, ${loaded.rows} rows loaded into ${table.name} in ${loaded.loads} loads`;
  await print(context, args.json ? JSON.stringify({ collected, loaded }) : text);
  return collected.failures.length > 0 ? 1 : 0;
}

function options(context: Context, args: Args) {
  return { junit: true, skipListing: false, threads: args.threads ?? context.settings.threads };
}

/** The one exclusion filter again, this time on what is stored. */
function keeps(
  roots: readonly BucketRoot[],
  selection: ReturnType<typeof selectionOf>,
  path: string,
): boolean {
  const root = findRoot(roots, path);
  if (root === undefined) return false;
  const { job, build } = buildOfPath(path);
  return wantsJob(root, selection)(job) && wantsBuild(selection, build);
}

async function plan(context: Context, args: Args, roots: readonly BucketRoot[]): Promise<number> {
  const store = context.openStore({ dryRun: true });
  const selection = selectionOf(args, context.nowMs());
  const collected = await collectWith(context, store, roots, {
    ...options(context, args),
    selection,
    dryRun: true,
  });
  const estimate = estimateOf(store, collected);
  const text = `${estimate.builds} builds are new: about ${estimate.requests} requests and ${byteSize(estimate.bytes)} to read (dry run: nothing was stored)`;
  await print(context, args.json ? JSON.stringify(estimate) : text);
  return collected.failures.length > 0 ? 1 : 0;
}

/** Of a Prow build where nothing is stored yet to learn from: two documents, one listing, 2.5 JUnit files, 0.43 MB. */
const TYPICAL = { files: 2.5, bytes: 430_000 };

function estimateOf(store: Store, collected: Collected) {
  const { finished } = store.builds.counts();
  const totals = store.junit.totals();
  const learned = finished >= 20;
  const files = learned ? totals.files / finished : TYPICAL.files;
  const bytes = learned ? totals.bytes / finished : TYPICAL.bytes;
  const builds = collected.stats.found;
  return { builds, requests: Math.round(builds * (3 + files)), bytes: Math.round(builds * bytes), learned };
}
