import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { type CacheLoad, loadCacheTables, newCacheRows } from '../../jobs/cache-tables.ts';
import { byteSize } from '../../show/progress.ts';
import { textTable } from '../../show/table.ts';
import { openTables } from '../open-tables.ts';
import { commonOptions, print, withContext } from '../run.ts';
import { shownTables } from '../table-plan.ts';
import { openedCache } from './place.ts';

type Args = Parameters<typeof withContext>[0] & {
  readonly providers?: string | undefined;
  readonly replace: boolean;
  readonly check: boolean;
  readonly private: boolean;
  readonly 'dry-run': boolean;
};

export const loadCommand: CommandModule<object, Args> = {
  command: 'load',
  describe:
    'Bring what changed and what was refreshed since the last load into the warehouse: history of values and of freshness',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('providers', { type: 'string', describe: 'YAML file of providers (SAMOVAR_PROVIDERS)' })
      .option('replace', { type: 'boolean', default: false, describe: 'Make the tables anew' })
      .option('check', {
        type: 'boolean',
        default: true,
        describe: 'Count the rows in the warehouse afterwards; exit 1 when some are missing or doubled',
      })
      .option('private', { type: 'boolean', default: false, describe: 'Private values too' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say how much is new' })
      .example('$0 cache load --dry-run', 'how much is new')
      .example('$0 cache load', 'cache_entry and cache_run, whatever is new, once'),
  handler: (args) => withContext(args, (context) => load(context, args), { cache: true }),
};

async function load(context: Context, args: Args): Promise<number> {
  if (args['dry-run']) {
    const fresh = newCacheRows(context.openStore({ dryRun: true }));
    const text = `${fresh.cache_entry} changes and ${fresh.cache_run} refreshes are new (dry run: nothing was loaded)`;
    await print(context, args.json ? JSON.stringify({ dryRun: true, new: fresh }) : text);
    return 0;
  }
  // Workers go on meanwhile: the hold keeps another load away, not them.
  const tables = await openTables(context, 'cache load');
  const { cache } = await openedCache(context, args);
  const hidden = new Set(
    cache.providers.filter(({ isPrivate }) => isPrivate === true).map(({ name }) => name),
  );
  const { replace, check } = args;
  const isPrivate = (provider: string) => !args.private && hidden.has(provider);
  const names = new Set(cache.providers.map(({ name }) => name));
  const request = { replace, check, isPrivate, names };
  // Everything again: how much that is, nobody has counted.
  const fresh = replace || !context.interactive ? undefined : newCacheRows(tables.store);
  const total = fresh === undefined ? 0 : fresh.cache_entry + fresh.cache_run;
  const result = await shownTables(context, tables, { label: 'cache load', total }, (shown) =>
    loadCacheTables(shown, request),
  );
  await print(context, args.json ? JSON.stringify(result) : loadText(result));
  return result.complete ? 0 : 1;
}

function loadText({ tables, complete }: CacheLoad): string {
  const rows = tables.map(({ table, rows, bytes, known, missing }) => [
    table,
    rows,
    byteSize(bytes),
    known,
    missing,
  ]);
  const columns = [
    { title: 'table' },
    ...['new rows', 'size', 'rows in all', 'missing'].map((title) => ({ title, align: 'right' as const })),
  ];
  return `${textTable(columns, rows)}\n${complete ? 'complete' : 'not complete: see the log'}`;
}
