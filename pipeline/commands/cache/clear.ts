import type { CommandModule } from 'yargs';
import type { Selection } from '../../cache/engine.ts';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { clearText } from '../../show/cache.ts';
import { print } from '../run.ts';
import { durationMs } from './durations.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';

type Args = CacheArgs & {
  readonly provider?: string | undefined;
  readonly key?: string | undefined;
  readonly prefix?: string | undefined;
  readonly tag?: string | undefined;
  readonly all: boolean;
  readonly 'older-than'?: string | undefined;
  readonly hard: boolean;
  readonly soft?: boolean | undefined;
  readonly rewarm: boolean;
  readonly 'dry-run': boolean;
  readonly yes: boolean;
};

export const clearCommand: CommandModule<object, Args> = {
  command: 'clear',
  describe:
    'Clear entries and what is derived from them; what is being fetched meanwhile does not bring them back',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('provider', { type: 'string', describe: 'Only of this provider' })
      .option('key', { type: 'string', describe: 'Only this key' })
      .option('prefix', { type: 'string', describe: 'Only keys that begin with this text, taken literally' })
      .option('tag', { type: 'string', describe: 'Only with this tag' })
      .option('all', { type: 'boolean', default: false, describe: 'Everything' })
      .option('older-than', { type: 'string', describe: 'Only what was checked longer ago: 90m, 12h, 7d' })
      .option('soft', {
        type: 'boolean',
        describe: 'Mark as stale and serve until the refresh is in (this is the default)',
      })
      .option('hard', { type: 'boolean', default: false, describe: 'Delete at once; needs --yes' })
      .option('rewarm', {
        type: 'boolean',
        default: true,
        describe: 'Want it all again; --no-rewarm: on demand only',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only count what would be cleared' })
      .option('yes', { type: 'boolean', default: false, describe: 'Delete without being asked' })
      .example('$0 cache clear --all', 'everything anew, while the old is served')
      .example('$0 cache clear --provider package_bugs --prefix python- --dry-run', 'how many those are')
      .example('$0 cache clear --tag bugzilla --older-than 12h --hard --yes', 'gone at once'),
  handler: (args) => withCache(args, (context, opened) => clear(context, opened, args)),
};

async function clear(context: Context, { cache }: OpenedCache, args: Args): Promise<number> {
  const selection = selectionOf(args);
  if (selection.provider !== undefined) cache.provider(selection.provider);
  const dryRun = args['dry-run'];
  const { hard, rewarm } = args;
  if (hard && args.soft === true)
    throw new SamovarError('config', '--hard and --soft exclude each other', {
      remedy: 'Leave out one of them.',
    });
  if (hard && !args.yes && !dryRun) {
    const found = cache.clear(selection, { hard, rewarm, dryRun: true });
    throw new SamovarError(
      'config',
      `--hard deletes, and was not confirmed:\n${clearText(found, { hard, dryRun: true })}`,
      {
        remedy: 'Add --yes to delete, or leave out --hard to serve the old values until the new ones are in.',
      },
    );
  }
  const result = cache.clear(selection, { hard, dryRun, rewarm });
  await print(context, args.json ? JSON.stringify(result) : clearText(result, { hard, dryRun }));
  return 0;
}

/** What the flags name. All of it has to be asked for in words. */
export function selectionOf(args: Omit<Args, 'hard' | 'soft' | 'rewarm' | 'dry-run' | 'yes'>): Selection {
  const { provider, key, prefix, tag, all } = args;
  const older = args['older-than'];
  const selection: Selection = {
    ...(provider !== undefined && { provider }),
    ...(key !== undefined && { key }),
    ...(prefix !== undefined && { prefix }),
    ...(tag !== undefined && { tag }),
    ...(older !== undefined && { olderThanMs: durationMs(older, '--older-than') }),
  };
  const narrow = [provider, key, prefix, tag].some((part) => part !== undefined);
  if (all && narrow)
    throw new SamovarError('config', '--all goes with --older-than only', {
      remedy: 'Leave out --all, or the options that name a part.',
    });
  if (!all && !narrow && older === undefined)
    throw new SamovarError('config', 'what to clear was not said', {
      remedy: 'Name --provider, --key, --prefix, --tag or --older-than; --all clears everything.',
    });
  return selection;
}
