import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import type { WarehouseReader } from '../backends/warehouse/contract.ts';
import { openWarehouseReader } from '../backends/warehouse/index.ts';
import { type Context, warehouseOptions } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { type SiteOptions, type SiteWritten, writeSite } from '../jobs/report-site.ts';
import { createReport } from '../jobs/report-source.ts';
import { runTriage, triageFile } from '../jobs/triage.ts';
import { readClusters } from '../jobs/triage-clusters.ts';
import { loadOwnerRules } from '../jobs/triage-owners.ts';
import { byteSize, duration, startProgress } from '../show/progress.ts';
import { safeText } from '../show/text.ts';
import type { Store } from '../store/open.ts';
import { openTriageStore, type TriageStore } from '../store/triage.ts';
import { type CommonArgs, placeOptions, print, withContext } from './run.ts';

const CLUSTERS_MAX = 200;
/** Of a job's page. */
const GRID = { builds: 200, tests: 200 };

type Args = CommonArgs & {
  readonly out: string;
  readonly table: string;
  readonly days: number;
  readonly 'artifacts-url'?: string | undefined;
  readonly owners?: string | undefined;
  readonly triage: boolean;
  readonly 'if-embedded': boolean;
  readonly 'dry-run': boolean;
};

export const reportCommand: CommandModule<object, Args> = {
  command: 'report',
  describe: 'Write a static site of jobs, tests, builds and failures: to open from disk or to serve',
  builder: (yargs) =>
    placeOptions(yargs)
      .option('out', { type: 'string', default: 'data/report', describe: 'Folder of the site' })
      .option('table', { type: 'string', default: 'all', describe: 'Table of builds' })
      .option('days', { type: 'number', default: 14, describe: 'Builds started in the last N days' })
      .option('artifacts-url', {
        type: 'string',
        describe:
          'What stands before bucket/path/ in links to files of gs:// (default: the console of Google Cloud)',
      })
      .option('owners', { type: 'string', describe: 'YAML file of owners of failures, as of samovar triage' })
      .option('triage', {
        type: 'boolean',
        default: true,
        describe: 'Group new failures of stored builds first; --no-triage shows what was grouped last',
      })
      .option('if-embedded', {
        type: 'boolean',
        default: false,
        describe:
          'Do nothing where the warehouse is not a DuckDB file that is there: elsewhere reading costs',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Read and draw everything, write nothing',
      })
      .example('$0 report', 'into data/report: open its index.html')
      .example('$0 report --out site --days 30', 'a month, to be served by any web server')
      .example(
        '$0 report --out site --artifacts-url https://gcsweb.k8s.io/gcs/',
        'builds link to their files there',
      ),
  handler: (args) => withContext(args, (context) => report(context, args)),
};

async function report(context: Context, args: Args): Promise<number> {
  assertArgs(args);
  const { settings, nowMs, signal } = context;
  const url = settings.warehouse;
  if (args['if-embedded'] && !isEmbedded(url)) return 0;
  const startedMs = nowMs();
  const warehouse = await openWarehouseReader(url, warehouseOptions(settings));
  context.onClose(() => warehouse.close());
  const triage = await clustersOf(context, args, warehouse);
  const source = createReport(warehouse, {
    ...{ table: args.table, windowDays: args.days, nowMs: () => startedMs, triage, grid: GRID, bulk: true },
  });
  const written = await withProgress(context, (told) =>
    writeSite({
      ...{ source, folder: args.out, artifactsUrl: args['artifacts-url'], dryRun: args['dry-run'] },
      ...{ nowMs: startedMs, signal, ...told },
    }),
  );
  if (written === undefined) return 1;
  await print(context, textOf(written, args, nowMs() - startedMs));
  return 0;
}

function assertArgs({ days, 'artifacts-url': url }: Args): void {
  if (!Number.isSafeInteger(days) || days <= 0)
    throw new SamovarError('config', '--days is not a whole number above 0', {
      remedy: 'Give --days a number such as 14.',
    });
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url))
    throw new SamovarError('config', `--artifacts-url ${safeText(url)} is no address of a web page`, {
      remedy: 'Give one that begins with https://, such as https://gcsweb.k8s.io/gcs/.',
    });
}

function isEmbedded(url: string): boolean {
  return url.startsWith('duckdb:') && existsSync(url.slice('duckdb:'.length));
}

/** Failures in groups, as of what is stored here, or of the table where one is named. Undefined: nothing was grouped. */
async function clustersOf(context: Context, args: Args, warehouse: WarehouseReader) {
  const { settings, nowMs } = context;
  const table = args.warehouse === undefined ? undefined : { warehouse: args.warehouse, table: args.table };
  const file = triageFile(settings.db, table);
  // What lies here costs nothing to read; elsewhere it may, and is for `samovar triage` to do.
  const isHere = existsSync(settings.db) && (table === undefined || isEmbedded(settings.warehouse));
  const mayRun = args.triage && !args['dry-run'] && isHere;
  if (!existsSync(settings.db) || (!mayRun && !existsSync(file))) return undefined;
  const owners = await loadOwnerRules(args.owners);
  const rows = context.openStore({ dryRun: true });
  const store = openTriageStore(file, rows.file);
  context.onClose(() => store.close());
  if (mayRun)
    await refresh(context, store, table === undefined ? rows : { warehouse, table: args.table }, args.days);
  return () => readClusters(store, { days: args.days, nowMs: nowMs(), limit: CLUSTERS_MAX, owners });
}

type TriageInput = Pick<Store, 'rows'> | { readonly warehouse: WarehouseReader; readonly table: string };

async function refresh(
  { log, signal, nowMs }: Context,
  store: TriageStore,
  input: TriageInput,
  days: number,
): Promise<void> {
  const onDamaged = (path: string, err: unknown) => log.warn({ path, err }, 'a row cannot be read: left out');
  const source = 'rows' in input ? { rows: input.rows, onDamaged } : input;
  await runTriage({ store, source, days, signal, nowMs });
}

/** Undefined: it was stopped, and the report that was there stays. */
async function withProgress(
  { interactive, stderr, log, nowMs, signal }: Context,
  work: (told: Pick<SiteOptions, 'onPage' | 'onRead'>) => Promise<SiteWritten>,
): Promise<SiteWritten | undefined> {
  const state = { done: 0, total: 0, details: '' };
  const stop = startProgress({
    ...{ label: 'report', unit: 'pages', read: () => state, interactive, stderr, log, nowMs },
  });
  try {
    return await work({
      onPage: (done, total) => Object.assign(state, { done, total }),
      onRead: (what) => Object.assign(state, { details: `reading ${what}` }),
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    log.warn('stopped: nothing was written, a report that was there stays as it was');
    return undefined;
  } finally {
    stop();
  }
}

function textOf(written: SiteWritten, { json, out, 'dry-run': dryRun }: Args, tookMs: number): string {
  const index = join(resolve(out), 'index.html');
  const { pages, buildsTotal, files, bytes, removed } = written;
  if (json === true)
    return JSON.stringify({ index: dryRun ? null : index, pages, buildsTotal, files, bytes, removed });
  const builds =
    pages.build < buildsTotal ? `${pages.build} of ${buildsTotal} builds` : `${pages.build} builds`;
  const what = `${pages.job} jobs, ${builds}, ${pages.test} tests, ${pages.cluster} groups of failures`;
  const size = `${files} files, ${byteSize(bytes)}, in ${duration(tookMs / 1_000)}`;
  if (dryRun) return `Would write ${what}: ${size}. Nothing was written to ${safeText(out)}.`;
  return `Report: ${safeText(index)}\n        ${what}: ${size}`;
}
