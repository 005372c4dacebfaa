import type { CommandModule } from 'yargs';
import { guess } from '../config/similar.ts';
import { kettleLedgerOf, loadTables, type TableConfig } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { type Emission, type EmitRequest, emitRows } from '../emit/emit.ts';
import { manifestPath } from '../emit/manifest.ts';
import { gzipFileSink, type RowSink, streamSink } from '../emit/sinks.ts';
import { SamovarError } from '../errors.ts';
import { describeFile, destinationName, destinationOf, isOlder, windowStart } from '../jobs/tables.ts';
import { byteSize } from '../show/progress.ts';
import type { Store } from '../store/open.ts';
import { counting } from './counting.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';
import { countPending } from './table-plan.ts';

type Args = CommonArgs & {
  readonly days: number;
  readonly table?: string | undefined;
  readonly ledger?: string | undefined;
  readonly out?: string | undefined;
  readonly 'assert-oldest'?: number | undefined;
  readonly 'reset-emitted': boolean;
  readonly 'dry-run': boolean;
  readonly paths?: readonly string[] | undefined;
};

export const makeJsonCommand: CommandModule<object, Args> = {
  command: 'make-json [paths..]',
  describe: 'Write rows that were not emitted yet as newline-delimited JSON',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('paths', {
        type: 'string',
        array: true,
        describe: 'Only these builds (gs://…), whatever was emitted before',
      })
      .option('days', {
        type: 'number',
        default: 0,
        describe: 'Only builds finished in the last N days; 0 = all',
      })
      .option('table', { type: 'string', describe: "Use this table's window and ledger" })
      .option('ledger', {
        type: 'string',
        describe: 'Ledger of what was emitted (default: by --days, as Kettle names it)',
      })
      .option('out', {
        type: 'string',
        describe:
          'Write FILE.json.gz with a manifest for bq-load; nothing counts as emitted before it is loaded',
      })
      .option('assert-oldest', {
        type: 'number',
        describe: 'Write nothing; exit 1 if nothing was emitted or anything older than N days',
      })
      .option('reset-emitted', {
        type: 'boolean',
        default: false,
        describe: 'Emit everything in the window again',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say how many rows would be written',
      })
      .example(
        '$0 make-json --days 1 | gzip > build_day.json.gz',
        "as Kettle's; counts as emitted once all of it is written",
      )
      .example(
        '$0 make-json --table week --out week.json.gz && $0 bq-load week.json.gz',
        'with a manifest; counts once it is loaded',
      )
      .example('$0 make-json gs://bucket/logs/job/123', 'one row'),
  handler: (args) => withContext(args, (context) => makeJson(context, args)),
};

interface Target {
  readonly name: string;
  readonly destination: number;
  readonly days: number;
}

async function makeJson(context: Context, args: Args): Promise<number> {
  if (args.out !== undefined && !args.out.endsWith('.json.gz')) {
    throw new SamovarError('config', `--out ${args.out} does not end in .json.gz`, {
      remedy: 'Name the file FILE.json.gz, or leave --out away to write to stdout.',
    });
  }
  if (args['dry-run']) return plan(context, args);
  const oldest = args['assert-oldest'];
  const store = oldest === undefined ? await context.holdStore('make-json') : context.openStore();
  const target = await targetOf(context, store, args);
  if (oldest !== undefined) return isOlder(store, target.destination, oldest, context.nowMs()) ? 1 : 0;
  freeOpenBatches(store, target);
  const request: EmitRequest = {
    destination: target.destination,
    replaces: args['reset-emitted'],
    finishedSince: windowStart(target.days, context.nowMs()),
    finishedBefore: Number.MAX_SAFE_INTEGER,
    ...(args.paths && args.paths.length > 0 && { paths: args.paths }),
  };
  return args.out === undefined
    ? toStdout(context, store, request)
    : toFile(context, store, target, { request, out: args.out, json: args.json === true });
}

function emitShown(context: Context, store: Store, request: EmitRequest, sink: RowSink): Promise<Emission> {
  return counting(context, { label: 'make-json', unit: 'rows' }, (state) => {
    state.total =
      request.paths?.length ??
      (context.interactive ? store.rows.pendingCount({ ...request, everything: request.replaces }) : 0);
    const onRows = (rows: number, bytes: number) => {
      state.done = rows;
      state.details = byteSize(bytes);
    };
    return emitRows(store, request, sink, { signal: context.signal, onRows });
  });
}

/** Counts, in a database that nobody holds. */
async function plan(context: Context, args: Args): Promise<number> {
  const store = context.openStore({ dryRun: true });
  const { name, days, ledger } = await windowOf(context, args);
  const paths = args.paths ?? [];
  const destination = store.ledger.findDestination(ledger);
  const found =
    paths.length > 0
      ? countOf(store.rows.byPaths(destination ?? -1, paths))
      : countPending(context, store, { destination, days, everything: args['reset-emitted'] });
  const text = `${found.rows} rows of ${name} would be written, ${byteSize(found.bytes)} (dry run: nothing was)`;
  await print(context, args.json ? JSON.stringify({ dryRun: true, table: name, ...found }) : text);
  return 0;
}

function countOf(rows: readonly { readonly bytes: number }[]) {
  return { rows: rows.length, bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0) };
}

async function toStdout(context: Context, store: Store, request: EmitRequest): Promise<number> {
  const emission = await emitShown(context, store, request, streamSink(context.stdout));
  const counts = request.paths === undefined && emission.rows > 0;
  store.transaction(() => {
    store.ledger.describe(emission.batch, emission);
    // There is no load to wait for: written to the end is as much as can be known.
    if (counts) store.ledger.commit(emission.batch);
    else store.ledger.discard(emission.batch);
  });
  context.stderr.write(`${tellEmission(emission, request, counts)}\n`);
  return missing(context, request, emission);
}

async function toFile(
  context: Context,
  store: Store,
  target: Target,
  { request, out, json }: { readonly request: EmitRequest; readonly out: string; readonly json: boolean },
): Promise<number> {
  const emission = await emitShown(context, store, request, await gzipFileSink(out));
  await describeFile({ store, nowMs: context.nowMs }, target.name, out, emission);
  const manifest = manifestPath(out);
  context.stderr.write(`${emission.rows} rows in ${out}; load them with: samovar bq-load ${manifest}\n`);
  const { rows, bytes } = emission;
  if (json) await print(context, JSON.stringify({ table: target.name, file: out, manifest, rows, bytes }));
  return missing(context, request, emission);
}

function tellEmission(emission: Emission, request: EmitRequest, counts: boolean): string {
  if (emission.rows === 0) return 'no rows emitted';
  if (counts)
    return `${emission.rows} rows count as emitted: incremental progress gen #${emission.batch.generation}`;
  return `${emission.rows} rows written${request.paths === undefined ? '' : ' (asked for by path: the ledger is as before)'}`;
}

/** Builds that were asked for by path and have no row. */
function missing(context: Context, request: EmitRequest, emission: Emission): number {
  const asked = new Set(request.paths ?? []).size;
  if (asked <= emission.rows) return 0;
  context.stderr.write(
    `${asked - emission.rows} of the ${asked} builds asked for have no row: not collected, not finished, or a dead letter\n`,
  );
  return 1;
}

async function targetOf(context: Context, store: Store, args: Args): Promise<Target> {
  const { name, days, ledger, table } = await windowOf(context, args);
  const destination =
    table === undefined
      ? store.transaction(() => store.ledger.destination(ledger))
      : destinationOf(store, table, context.settings.warehouse);
  return { name, days, destination };
}

/** The window, and what the ledger calls it: a table's, else Kettle's by --days. */
async function windowOf({ settings }: Context, args: Args) {
  if (args.table === undefined) {
    const name = args.ledger ?? kettleLedgerOf(args.days);
    return { name, days: args.days, ledger: name };
  }
  const table = findTable(await loadTables(settings.tablesFile), args.table);
  return { name: table.name, days: table.days, ledger: destinationName(table, settings.warehouse), table };
}

export function findTable(tables: readonly TableConfig[], name: string): TableConfig {
  const table = tables.find((known) => known.name === name);
  if (table !== undefined) return table;
  const names = tables.map((known) => known.name);
  throw new SamovarError('config', `there is no table "${name}"`, {
    remedy: `${guess(name, names)}The configured tables are: ${names.join(', ')}.`,
  });
}

/** Batches that were written and never sent make room for this one; one whose load is open must be cleared up first. */
function freeOpenBatches(store: Store, target: Target): void {
  for (const batch of store.ledger.open(target.destination)) {
    if (batch.state === 'sent') {
      throw new SamovarError(
        'conflict',
        `a load of ${target.name} (generation ${batch.generation}) is under way or its outcome unknown`,
        {
          subject: target.name,
          remedy: `Run \`samovar bq-load --table ${target.name}\` first: it asks the warehouse and goes on.`,
        },
      );
    }
    store.transaction(() => store.ledger.discard(batch));
  }
}
