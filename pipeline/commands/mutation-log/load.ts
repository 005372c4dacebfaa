import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { loadMutations, type MutationTablesContext, planMutations } from '../../jobs/mutation-tables.ts';
import { findMutationTable, loadMutationTables } from '../../jobs/mutation-tables-config.ts';
import type { TablesContext } from '../../jobs/tables.ts';
import { loadText, planText } from '../../show/mutation-load.ts';
import { startProgress } from '../../show/progress.ts';
import { openTables, readTables } from '../open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { openLog } from './log-place.ts';

type Args = CommonArgs & {
  readonly repositories?: readonly string[] | undefined;
  readonly table?: string | undefined;
  readonly replace: boolean;
  readonly check: boolean;
  readonly 'dry-run': boolean;
};

export const loadCommand: CommandModule<object, Args> = {
  command: 'load [repositories..]',
  describe: 'Bring what is new in mutation logs, and what it adds up to, into the warehouse',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repositories', {
        type: 'string',
        array: true,
        describe: 'OWNER/REPO; default: all that are known',
      })
      .option('table', { type: 'string', describe: 'Only this table' })
      .option('replace', { type: 'boolean', default: false, describe: 'Make the tables anew' })
      .option('check', {
        type: 'boolean',
        default: true,
        describe: 'Count the rows in the warehouse afterwards; exit 1 when some are missing or doubled',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say how much is new and what would change in the tables',
      })
      .example('$0 mutation-log load', 'whatever is new, once, however often it is asked for')
      .example('$0 mutation-log load golang/go --table issues --replace', 'one table anew'),
  handler: (args) => withContext(args, (context) => load(context, args), { mutationLog: true }),
};

async function load(context: Context, args: Args): Promise<number> {
  const configured = await loadMutationTables(args['tables-file']);
  const tables = args.table === undefined ? configured : [findMutationTable(configured, args.table)];
  const names = args.repositories ?? [];
  const request = { tables, ...(names.length > 0 && { repositories: names }) };
  if (args['dry-run']) {
    const plan = await planMutations(mutationTables(context, await readTables(context)), request);
    await print(context, args.json ? JSON.stringify(plan) : planText(plan));
    return 0;
  }
  const opened = mutationTables(context, await openTables(context, 'mutation-log load'));
  const { replace, check } = args;
  const result = await watched(context, opened, (watching) =>
    loadMutations(watching, { ...request, replace, check }),
  );
  await print(context, args.json ? JSON.stringify(result) : loadText(result));
  return result.tables.every(({ complete }) => complete) ? 0 : 1;
}

/** What a load works with. */
export function mutationTables(context: Context, tables: TablesContext): MutationTablesContext {
  const { logs } = context.settings.mutationLog;
  return {
    ...tables,
    corpus: tables.store.corpus,
    openLog: ({ owner, name }) => openLog(context, `${logs}/${owner}/${name}/`),
  };
}

/** Runs a load while what it does is shown and watched. */
async function watched<T>(
  context: Context,
  tables: MutationTablesContext,
  work: (tables: MutationTablesContext) => Promise<T>,
): Promise<T> {
  const task = context.progress.stage('mutation-log load').task('rows', {
    limitMs: context.settings.loadTimeoutMs,
  });
  let done = 0;
  let details = 'beginning';
  const told = (count: number, what: string) => {
    done = count;
    details = what;
    task.step(what);
  };
  const { interactive, stderr, log, nowMs } = context;
  const read = () => ({ done, total: 0, details });
  const stop = startProgress({ label: 'load', unit: 'rows', interactive, stderr, log, nowMs, read });
  try {
    return await work({
      ...tables,
      onProgress: ({ repository, records, things }) =>
        told(records + things, `${records > 0 ? 'records' : 'issues'} of ${repository}`),
      onStep: ({ table, step, rows }) => told(rows, `${step} ${table}`),
    });
  } finally {
    stop();
    task.end();
  }
}
