import { resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { loadRoots } from '../config/buckets.ts';
import { loadTables, type TableConfig, tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { makeDemo } from '../demo/index.ts';
import { describeError, SamovarError } from '../errors.ts';
import { flakiestTests } from '../jobs/flakiest.ts';
import { mustReplace, type TableResult, type TablesContext } from '../jobs/tables.ts';
import { openTableWriter } from '../jobs/writer.ts';
import { type CycleSummary, cycleText, type TableOutcome } from '../show/cycle.ts';
import { collectWith } from './collecting.ts';
import { openTables } from './open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';
import { pendingCount, shownTables } from './table-plan.ts';
import { planUpdate } from './update-plan.ts';

const FLAKIEST_SHOWN = 5;

type Args = CommonArgs & { readonly threads?: number | undefined; readonly 'dry-run': boolean };

export const updateCommand: CommandModule<object, Args> = {
  command: 'update',
  describe: 'One whole cycle: collect, then bring every table up to date',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('threads', { type: 'number', describe: 'Builds being read at once, per bucket (default 32)' })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say what is new in the buckets, and what tables lack',
      })
      .example('$0 update', 'with the embedded demo when nothing is configured')
      .example('$0 update --buckets config/buckets.yaml --warehouse bigquery:my-project:builds', 'production')
      .example('$0 update --dry-run', 'what a cycle would read and load'),
  handler: (args) => withContext(args, (context) => update(context, args)),
};

async function update(context: Context, args: Args): Promise<number> {
  const { settings, nowMs } = context;
  const startedMs = nowMs();
  // Both are read before anything is done: a wrong line in either ends the cycle at once.
  const roots = await loadRoots(settings.bucketsFile);
  const configured = await loadTables(settings.tablesFile);
  if (args['dry-run'])
    return planUpdate(context, {
      roots,
      tables: configured,
      threads: args.threads ?? settings.threads,
      json: args.json === true,
    });
  if (settings.demo) await makeDemo({ dir: settings.demoDir, nowMs: nowMs() });
  const tables = await openTables(context, 'update');
  const collected = await collectWith(context, tables.store, roots, {
    selection: { buildLimit: settings.buildLimit || undefined },
    junit: true,
    skipListing: false,
    dryRun: false,
    threads: args.threads ?? settings.threads,
  });
  const outcomes: TableOutcome[] = [];
  for (const table of configured) {
    if (context.signal.aborted) break;
    outcomes.push(await tryTable(context, table.name, () => writeTable(context, tables, table)));
  }
  const summary: CycleSummary = {
    collected,
    tables: outcomes,
    counts: {
      ...tables.store.builds.counts(),
      ...tables.store.junit.totals(),
      deadLetters: tables.store.deadLetters.count(),
      statuses: tables.store.junit.statuses(),
    },
    seconds: (nowMs() - startedMs) / 1000,
    database: resolve(settings.db),
    warehouse: whereRowsAre(settings.warehouse),
    flakiest: await flakiest(context, tables, outcomes),
  };
  await print(context, args.json ? JSON.stringify(summary) : cycleText(summary));
  return collected.failures.length > 0 || outcomes.some(({ error }) => error !== undefined) ? 1 : 0;
}

async function writeTable(context: Context, tables: TablesContext, table: TableConfig): Promise<TableResult> {
  const replace = mustReplace(tables.store, table, tables.warehouse.url, context.nowMs());
  const total = pendingCount(context, tables.store, table, replace);
  return shownTables(context, tables, { label: table.name, total }, async (shown) => {
    const writer = openTableWriter(shown, table, await tableSpec(table));
    try {
      return await writer.writeAll({ replace });
    } finally {
      await writer.close();
    }
  });
}

/** A file's place in full, so that the summary can be followed from anywhere. */
function whereRowsAre(url: string): string {
  return url.startsWith('duckdb:') && !url.startsWith('duckdb::')
    ? `duckdb:${resolve(url.slice('duckdb:'.length))}`
    : url;
}

/** One table's failure is told and leaves the others alone; a wrong configuration ends the cycle. */
async function tryTable(
  context: Context,
  table: string,
  work: () => Promise<TableResult>,
): Promise<TableOutcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SamovarError && (error.code === 'config' || error.code === 'aborted')) throw error;
    const known = error instanceof SamovarError;
    const details = known ? { code: error.code, reason: describeError(error) } : { err: error };
    context.log.error({ table, ...details }, 'a table could not be brought up to date');
    const remedy = known ? error.remedy : undefined;
    return {
      table,
      replaced: false,
      rows: 0,
      bytes: 0,
      error: `${describeError(error)}${remedy ? ` ${remedy}` : ''}`,
    };
  }
}

/** Of the widest table there is; a warehouse that cannot answer costs the summary its table, not the cycle. */
async function flakiest(context: Context, tables: TablesContext, outcomes: readonly TableOutcome[]) {
  const table = outcomes.filter(({ error }) => error === undefined).at(-1)?.table;
  // On a warehouse that charges by bytes read, nobody has asked for this query.
  if (table === undefined || tables.warehouse.dialect !== 'duckdb' || context.signal.aborted) return [];
  return flakiestTests(tables.warehouse, table, FLAKIEST_SHOWN, context.signal).catch((error: unknown) => {
    context.log.warn({ table, reason: describeError(error) }, 'the flakiest tests could not be asked for');
    return [];
  });
}
