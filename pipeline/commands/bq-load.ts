import type { CommandModule } from 'yargs';
import { loadTables, tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { manifestPath, readManifest, verifyManifest } from '../emit/manifest.ts';
import { SamovarError } from '../errors.ts';
import { destinationOf, type TableResult, type TablesContext, updateTable } from '../jobs/tables.ts';
import { loadJobId } from '../load/job-id.ts';
import { loadBatch } from '../load/load.ts';
import { loadManifestsCommand } from './load-manifests.ts';
import { findTable } from './make-json.ts';
import { openTables } from './open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';
import { pendingCount, shownTables } from './table-plan.ts';

type Args = CommonArgs & {
  readonly files?: readonly string[] | undefined;
  readonly table?: string | undefined;
  readonly manifests?: string | undefined;
  readonly incomplete: boolean;
  readonly replace: boolean;
  readonly 'dry-run': boolean;
};

export const bqLoadCommand: CommandModule<object, Args> = {
  command: 'bq-load [files..]',
  describe: 'Load emitted files into the warehouse, or make file and load in one go',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('files', {
        type: 'string',
        array: true,
        describe: 'Files that make-json --out wrote (or their manifests)',
      })
      .option('table', {
        type: 'string',
        describe: 'Bring this table up to date: clear up open loads, write what is missing, load it',
      })
      .option('manifests', {
        type: 'string',
        describe:
          'Load what shards of `backfill --out` wrote below this URL and the tables lack; with --table of one table',
      })
      .option('incomplete', {
        type: 'boolean',
        default: false,
        describe: 'With --manifests: shards too that could not read all of their builds',
      })
      .option('replace', {
        type: 'boolean',
        default: false,
        describe: 'With --table: make the whole table anew',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only check the files and say what would change in the tables',
      })
      .example('$0 bq-load build_day.json.gz', 'load one file, once, however often it is asked for')
      .example('$0 bq-load --table week --replace', 'roll the week')
      .example('$0 bq-load --manifests gs://BUCKET/PREFIX', 'what a backfill on many machines has written'),
  handler: (args) => withContext(args, (context) => bqLoad(context, args)),
};

async function bqLoad(context: Context, args: Args): Promise<number> {
  const files = args.files ?? [];
  const { manifests } = args;
  if (manifests !== undefined && files.length === 0 && !args.replace)
    return loadManifestsCommand(context, { ...args, manifests });
  if (manifests !== undefined || (files.length === 0) === (args.table === undefined)) {
    throw new SamovarError(
      'config',
      'say either which files to load, or which --table to bring up to date, or where --manifests are',
      {
        remedy: 'See `samovar bq-load --help`.',
      },
    );
  }
  const tables = await openTables(context, 'bq-load');
  const configured = await loadTables(context.settings.tablesFile);
  const results: LoadedFile[] = [];
  if (args.table !== undefined) {
    const table = findTable(configured, args.table);
    if (args['dry-run']) results.push(await dryRun(tables, table.name, await tableSpec(table)));
    else results.push(asLoaded(await bringUpToDate(context, tables, table, args.replace)));
  }
  for (const file of files) {
    const { table: name } = await readManifest(manifestPath(file));
    const table = findTable(configured, name);
    results.push(await loadFile(tables, table, await tableSpec(table), { file, dryRun: args['dry-run'] }));
  }
  await print(context, args.json ? JSON.stringify(results) : results.map(({ text }) => text).join('\n'));
  return 0;
}

async function bringUpToDate(
  context: Context,
  tables: TablesContext,
  table: Table,
  replace: boolean,
): Promise<TableResult> {
  const total = pendingCount(context, tables.store, table, replace);
  const spec = await tableSpec(table);
  return shownTables(context, tables, { label: table.name, total }, (shown) =>
    updateTable(shown, table, spec, { replace }),
  );
}

interface LoadedFile {
  readonly table: string;
  readonly rows: number;
  readonly text: string;
}

type Spec = Awaited<ReturnType<typeof tableSpec>>;
type Table = Parameters<typeof updateTable>[1];

function asLoaded(result: TableResult): LoadedFile {
  const verb = result.replaced ? 'made anew with' : 'got';
  return { table: result.table, rows: result.rows, text: `${result.table} ${verb} ${result.rows} rows` };
}

async function dryRun(tables: TablesContext, name: string, spec: Spec): Promise<LoadedFile> {
  const change = await tables.warehouse.ensureTable(spec, { dryRun: true, signal: tables.signal });
  const added = change.added.length > 0 ? `: ${change.added.join(', ')}` : '';
  return { table: name, rows: 0, text: `${name} would be ${change.action}${added} (dry run)` };
}

async function loadFile(
  tables: TablesContext,
  table: Table,
  spec: Spec,
  options: { file: string; dryRun: boolean },
): Promise<LoadedFile> {
  const { store, warehouse, signal } = tables;
  const file = options.file.replace(/\.manifest\.json$/, '');
  const manifest = await readManifest(manifestPath(file));
  await verifyManifest(file, manifest);
  if (options.dryRun) return dryRun(tables, table.name, spec);
  await warehouse.ensureTable(spec, { signal });
  const batch = store.ledger.byGeneration(destinationOf(store, table, warehouse.url), manifest.generation);
  if (batch !== undefined && batch.sha256 === manifest.sha256 && batch.state !== 'failed') {
    if (batch.state === 'committed')
      return { table: table.name, rows: 0, text: `${file} is in ${table.name} already: nothing done` };
    const { rows } = await loadBatch(tables, { batch, table: spec, file, sha256: manifest.sha256 });
    return { table: table.name, rows, text: `${rows} rows of ${file} loaded into ${table.name}` };
  }
  if (batch !== undefined) throw superseded(file, manifest.generation);
  return loadForeign(tables, spec, { file, manifest });
}

function superseded(file: string, generation: number): SamovarError {
  return new SamovarError(
    'conflict',
    `${file} (generation ${generation}) is not what this database wrote last for its table`,
    {
      subject: file,
      remedy:
        'It was refused, or its rows were emitted again since, or another database wrote it. Make the file anew, or load it with another --db.',
    },
  );
}

/** A file of another database: its own id still makes the load happen once. */
async function loadForeign(
  tables: TablesContext,
  spec: Spec,
  { file, manifest }: { readonly file: string; readonly manifest: Awaited<ReturnType<typeof readManifest>> },
): Promise<LoadedFile> {
  const jobId = loadJobId({
    table: spec.name,
    generation: manifest.generation,
    sha256: manifest.sha256,
    attempt: 0,
  });
  const request = { table: spec, jobId, file, replace: manifest.replace, superseded: [] };
  const { rows } = await tables.warehouse.load(request, { signal: tables.signal });
  return {
    table: spec.name,
    rows,
    text: `${rows} rows of ${file} (of another database) loaded into ${spec.name}`,
  };
}
