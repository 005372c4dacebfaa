import type { CommandModule } from 'yargs';
import { type Selection, wantsBuild, wantsJob } from '../collect/plan.ts';
import { type BucketRoot, findRoot, loadRoots } from '../config/buckets.ts';
import { loadTables, type TableConfig, tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { backfillTable } from '../jobs/backfill.ts';
import { buildOfPath } from '../records/ids.ts';
import { byteSize } from '../show/progress.ts';
import type { Store } from '../store/open.ts';
import { type Collected, collectWith } from './collecting.ts';
import { assertListedJob } from './known-jobs.ts';
import { findTable } from './make-json.ts';
import { openTables } from './open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';
import { type SelectionArgs, selectionOf, selectionOptions } from './selection.ts';
import { type ShardArgs, shardOfArgs, shardOptions } from './shard-options.ts';
import { assertSameForAll, shardDatabase, writeOut, writtenText } from './shard-out.ts';
import { shownTables } from './table-plan.ts';

type Args = CommonArgs &
  SelectionArgs &
  ShardArgs & {
    readonly out?: string | undefined;
    readonly table: string;
    readonly 'by-day': boolean;
    readonly threads?: number | undefined;
    readonly 'dry-run': boolean;
  };

export const backfillCommand: CommandModule<object, Args> = {
  command: 'backfill',
  describe: 'One-off: collect a range of old builds and load them into a table',
  builder: (yargs) =>
    shardOptions(selectionOptions(commonOptions(yargs)))
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
      .option('out', {
        type: 'string',
        describe:
          'Write files and a manifest below this URL (gs://BUCKET/PREFIX) instead; `bq-load --manifests` loads them',
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
      )
      .example(
        '$0 backfill --since 2026-01-01 --shard 3/8 --out gs://BUCKET/PREFIX',
        'one of eight machines',
      ),
  handler: (args) => withContext(args, (context) => backfill(context, args)),
};

async function backfill(context: Context, args: Args): Promise<number> {
  const table = findTable(await loadTables(context.settings.tablesFile), args.table);
  const roots = await loadRoots(context.settings.bucketsFile);
  const selection = { ...selectionOf(args, context.nowMs()), shard: shardOfArgs(args) };
  if (selection.shard !== undefined || args.out !== undefined) assertSameForAll(args);
  const given = { args, table, roots, selection, ...windowOf(context, selection) };
  if (args['dry-run']) return plan(context, given);
  return args.out === undefined ? loadInto(context, given) : writeFiles(context, given, args.out);
}

interface Given {
  readonly args: Args;
  readonly table: TableConfig;
  readonly roots: readonly BucketRoot[];
  readonly selection: Selection;
  /** Epoch seconds: builds finished in [since, before). */
  readonly since: number;
  readonly before: number;
}

/** Builds are chosen by when they started, the window is of when they finished: late ones count too. */
function windowOf(context: Context, { sinceMs, untilMs }: Selection) {
  const lastMs = Math.min(context.nowMs(), (untilMs ?? context.nowMs()) + context.settings.giveUpMs);
  return { since: (sinceMs ?? 0) / 1000, before: lastMs / 1000 };
}

async function collect(
  context: Context,
  store: Store,
  { args, roots, selection }: Given,
): Promise<Collected> {
  const collected = await collectWith(context, store, roots, {
    ...options(context, args),
    selection,
    dryRun: false,
  });
  if (collected.stats.found === 0) await assertListedJob(context, store, selection);
  if (!context.signal.aborted) return collected;
  throw new SamovarError('aborted', 'stopped while collecting', {
    remedy: 'Run the same command again: it goes on where it stopped.',
  });
}

async function loadInto(context: Context, given: Given): Promise<number> {
  const { args, table, roots, selection, since, before } = given;
  const tables = await openTables(context, 'backfill');
  const collected = await collect(context, tables.store, given);
  const spec = await tableSpec(table);
  const range = { since, until: before, byDay: args['by-day'] };
  const keep = (path: string) => keeps(roots, selection, path);
  const loaded = await shownTables(context, tables, { label: table.name, total: 0 }, (shown) =>
    backfillTable(shown, table, spec, { ...range, keep }),
  );
  const text = `${collected.stats.added} builds collected, ${loaded.rows} rows loaded into ${table.name} in ${loaded.loads} loads`;
  await print(context, args.json ? JSON.stringify({ collected, loaded }) : text);
  return collected.failures.length > 0 ? 1 : 0;
}

async function writeFiles(context: Context, given: Given, out: string): Promise<number> {
  const { args, roots, selection } = given;
  const shard = selection.shard ?? { index: 0, count: 1 };
  const store = await context.holdStore('backfill', shardDatabase(context, args.db, shard));
  const collected = await collect(context, store, given);
  const keep = (path: string) => keeps(roots, selection, path);
  const written = await writeOut(context, store, { ...given, out, shard, keep, collected });
  await print(context, args.json ? JSON.stringify({ collected, ...written }) : writtenText(written));
  return written.manifest.complete ? 0 : 1;
}

function options(context: Context, args: Args) {
  return { junit: true, skipListing: false, threads: args.threads ?? context.settings.threads };
}

/** The one exclusion filter again, this time on what is stored. */
function keeps(roots: readonly BucketRoot[], selection: Selection, path: string): boolean {
  const root = findRoot(roots, path);
  if (root === undefined) return false;
  const { job, build } = buildOfPath(path);
  return wantsJob(root, selection)(job) && wantsBuild(selection, { root: root.url, job, build });
}

async function plan(context: Context, { args, roots, selection }: Given): Promise<number> {
  const store = context.openStore({ dryRun: true });
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
