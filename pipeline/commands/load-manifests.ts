import { parseRoot } from '../backends/bucket/index.ts';
import type { TableSpec } from '../backends/warehouse/contract.ts';
import { loadTables, tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import {
  columnsHash,
  type FoundManifest,
  findManifests,
  manifestsFolder,
  missingShards,
} from '../emit/shard-manifest.ts';
import { describeError, SamovarError } from '../errors.ts';
import { loadManifests, type ShardLoadContext, type ShardLoaded } from '../jobs/shard-load.ts';
import { startProgress } from '../show/progress.ts';
import { findTable } from './make-json.ts';
import { openTables, readTables } from './open-tables.ts';
import { print } from './run.ts';

const REQUESTS_AT_ONCE = 8;

export interface LoadManifestsArgs {
  readonly manifests: string;
  readonly table?: string | undefined;
  readonly incomplete: boolean;
  readonly 'dry-run': boolean;
  readonly json?: boolean | undefined;
}

/** Loads what shards have written below a URL. 1 when something of it is missing, damaged or not complete. */
export async function loadManifestsCommand(context: Context, args: LoadManifestsArgs): Promise<number> {
  const { bucketUrl, prefix } = parseRoot(args.manifests);
  const bucket = context.openBucket(bucketUrl, { requestsInFlight: REQUESTS_AT_ONCE });
  const { found, problems } = await findManifests(
    bucket,
    `${prefix}${manifestsFolder(args.table)}`,
    context.signal,
  );
  if (found.length + problems.length === 0) throw nothingThere(args);
  const tables = await (args['dry-run'] ? readTables(context) : openTables(context, 'bq-load'));
  const usable = found.filter(({ manifest }) => manifest.complete || args.incomplete);
  const results = await loadAll(context, args, { ...tables, bucket, prefix }, usable);
  const missing = args.incomplete ? [] : missingShards(found);
  const wrong = [
    ...problems.map(describeError),
    ...results.flatMap((result) => result.problems),
    ...found.filter((one) => !usable.includes(one)).map(incompleteText),
    ...missing.map((shard) => `no complete manifest of ${shard}`),
  ];
  const lines = [
    ...results.map((result) => resultText(result, args)),
    ...wrong.map((text) => `problem: ${text}`),
  ];
  await print(context, args.json ? JSON.stringify({ tables: results, problems: wrong }) : lines.join('\n'));
  return wrong.length > 0 ? 1 : 0;
}

async function loadAll(
  context: Context,
  args: LoadManifestsArgs,
  tables: ShardLoadContext,
  usable: readonly FoundManifest[],
): Promise<readonly ShardLoaded[]> {
  const configured = await loadTables(context.settings.tablesFile);
  const state = { files: 0, rows: 0, total: 0 };
  const stop = startProgress({
    label: 'bq-load',
    unit: 'files',
    interactive: context.interactive,
    stderr: context.stderr,
    log: context.log,
    nowMs: context.nowMs,
    read: () => ({ done: state.files, total: state.total, details: `${state.rows} rows` }),
  });
  const onFile = (_file: unknown, rows: number) => {
    state.files += 1;
    state.rows += rows;
  };
  const results: ShardLoaded[] = [];
  try {
    for (const name of new Set(usable.map(({ manifest }) => manifest.table))) {
      const table = findTable(configured, name);
      const own = usable.filter(({ manifest }) => manifest.table === name);
      state.total += own.reduce((sum, { manifest }) => sum + manifest.files.length, 0);
      const spec = await tableSpec(table);
      warnOfColumns(context, spec, own);
      const options = { dryRun: args['dry-run'] };
      results.push(await loadManifests({ ...tables, onFile }, table, spec, own, options));
    }
  } finally {
    stop();
  }
  return results;
}

/** Rows of fewer columns fit; whether others do, the warehouse says. */
function warnOfColumns({ log }: Context, spec: TableSpec, found: readonly FoundManifest[]): void {
  const hash = columnsHash(spec.schema);
  const others = found.filter(({ manifest }) => manifest.schema !== hash);
  if (others.length > 0)
    log.warn(
      `${others.length} manifests were written for other columns of table ${spec.name} than it has here`,
    );
}

function nothingThere({ manifests, table }: LoadManifestsArgs): SamovarError {
  const what = table === undefined ? 'no manifests' : `no manifests of table ${table}`;
  return new SamovarError('missing', `there are ${what} below ${manifests}`, {
    subject: manifests,
    remedy: 'Give the URL that `backfill --out` was given, and look whether its shards have ended.',
  });
}

function incompleteText({ name, manifest }: FoundManifest): string {
  const { shard, failed, givenUp } = manifest;
  const why = [`${failed} builds failed`, ...givenUp].join('; ');
  return `${name}: shard ${shard.index} of ${shard.count} is not complete (${why}); run it again, or load it as it is with --incomplete`;
}

function resultText(result: ShardLoaded, args: LoadManifestsArgs): string {
  const { table, rows, files, loads, present, older, own, days } = result;
  const did = args['dry-run']
    ? `at most ${rows} rows would be loaded into ${table}`
    : `${rows} rows loaded into ${table} in ${loads} loads`;
  const left = [
    `${present} are there already`,
    ...(older > 0 ? [`${older} are older than what is there`] : []),
    ...(own > 0 ? [`${own} this database has made itself`] : []),
  ].join(', ');
  return `${did}, from ${files} files of ${Object.keys(days).length} days; ${left}`;
}
