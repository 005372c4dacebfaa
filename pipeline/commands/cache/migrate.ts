import type { CommandModule } from 'yargs';
import { migrateEntries } from '../../cache/check.ts';
import { textTable } from '../../show/table.ts';
import { print } from '../run.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';

type Args = CacheArgs & { readonly 'dry-run': boolean };

export const migrateCommand: CommandModule<object, Args> = {
  command: 'migrate',
  describe: "Bring the database and every entry into today's shape; what cannot be is fetched again",
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only count' })
      .example('$0 cache migrate', 'after an upgrade; without it entries are migrated as they are read'),
  handler: (args) =>
    withCache(args, async (context, { parts }) => {
      const found = await migrateEntries(parts, { dryRun: args['dry-run'] });
      if (args.json) await print(context, JSON.stringify(found));
      else await print(context, migrateText(found));
      return 0;
    }),
};

function migrateText(found: Awaited<ReturnType<typeof migrateEntries>>): string {
  const rows = found
    .filter(({ migrated, stale }) => migrated + stale > 0)
    .map(({ provider, migrated, stale }) => [provider, migrated, stale]);
  if (rows.length === 0) return "every entry has today's shape";
  return textTable(
    [
      { title: 'provider' },
      { title: 'migrated', align: 'right' },
      { title: 'to be fetched again', align: 'right' },
    ],
    rows,
  );
}
