import type { CommandModule } from 'yargs';
import { gcText } from '../../show/cache.ts';
import { print } from '../run.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';

type Args = CacheArgs & { readonly 'dry-run': boolean };

export const gcCommand: CommandModule<object, Args> = {
  command: 'gc',
  describe:
    'Remove what is too old, what nobody asked for lately, and what is over the budget; a scheduler does it by itself',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say what would go' })
      .example('$0 cache gc --dry-run', 'counts and sizes, by reason'),
  handler: (args) =>
    withCache(args, async (context, { cache }) => {
      const dryRun = args['dry-run'];
      const { seenMs, bytesMax, runsMs } = context.settings.cache;
      const budget = bytesMax === undefined ? {} : { bytesMax };
      const result = cache.collectGarbage({ dryRun, unseenMs: seenMs, runsMs, ...budget });
      await print(context, args.json ? JSON.stringify(result) : gcText(result, dryRun));
      return 0;
    }),
};
