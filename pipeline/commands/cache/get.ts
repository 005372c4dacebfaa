import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { readText } from '../../show/cache.ts';
import { print } from '../run.ts';
import { type CacheArgs, cacheOptions, keyOf, withCache } from './place.ts';

type Args = CacheArgs & {
  readonly provider: string;
  readonly key?: string | undefined;
  readonly value: boolean;
};

export const getCommand: CommandModule<object, Args> = {
  command: 'get <provider> [key]',
  describe: 'What is cached of a key, how old it is, and how it stands; asks no upstream',
  builder: (yargs) =>
    cacheOptions(yargs)
      .positional('provider', {
        type: 'string',
        demandOption: true,
        describe: 'One of those that `cache providers` shows',
      })
      .positional('key', {
        type: 'string',
        describe: 'A package, a user, ...; none for a provider of one entry',
      })
      .option('value', { type: 'boolean', default: false, describe: 'Print the value alone, as JSON' })
      .example('$0 cache get fedora_releases', 'the value with its state and age')
      .example('$0 cache get package_bugs bash --value', 'for another program; exit 1 when there is none'),
  handler: (args) => withCache(args, (context, opened) => get(context, opened, args)),
};

async function get(context: Context, { cache }: OpenedCache, args: Args): Promise<number> {
  const provider = cache.provider(args.provider);
  const key = keyOf(provider, args.key);
  if (key === undefined)
    throw new SamovarError('config', `${provider.name} has an entry for each key: say which`, {
      subject: provider.name,
      remedy: `Write the key after it: samovar cache get ${provider.name} KEY`,
    });
  const read = cache.read(provider.name, key);
  const found = read.json !== undefined;
  if (args.value) {
    if (found) await print(context, read.json ?? '');
    else context.log.error(readText(read));
    return found ? 0 : 1;
  }
  await print(context, args.json ? jsonOf(read) : readText(read));
  return found ? 0 : 1;
}

/** The value as it is stored, among what is known of it. */
function jsonOf({ json, ...known }: ReturnType<OpenedCache['cache']['read']>): string {
  const head = JSON.stringify(known);
  return `${head.slice(0, -1)},"value":${json ?? 'null'}}`;
}
