import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { providersText, statusText } from '../../show/cache.ts';
import { print } from '../run.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';

export const statusCommand: CommandModule<object, CacheArgs> = {
  command: 'status',
  describe: 'How fresh each provider is, how hosts and processes stand, and what fails',
  builder: (yargs) =>
    cacheOptions(yargs)
      .example('$0 cache status', 'tables')
      .example('$0 cache status --json', 'for a monitor'),
  handler: (args) =>
    withCache(args, async (context, { cache }) => {
      const nowMs = context.nowMs();
      const report = {
        providers: cache.providerStates(),
        hosts: cache.hostStates(),
        processes: cache.processes(),
        nowMs,
      };
      await print(context, args.json ? JSON.stringify(report) : statusText(report));
      return 0;
    }),
};

export const providersCommand: CommandModule<object, CacheArgs> = {
  command: 'providers',
  describe: 'Which providers there are: kind, clocks, upstream, and what each needs',
  builder: (yargs) =>
    cacheOptions(yargs).example('$0 cache providers --providers my.yaml', 'check a file of your own'),
  handler: (args) => withCache(args, (context, opened) => list(context, opened, args)),
};

async function list(context: Context, { cache }: OpenedCache, args: CacheArgs): Promise<number> {
  const told = cache.providers.map(
    ({ name, title, kind, version, clocks, concurrency, upstream, tags, dependsOn, isPrivate }) => ({
      ...{ name, title, kind, version, clocks, concurrency, upstream, tags, dependsOn },
      isPrivate: isPrivate === true,
    }),
  );
  await print(context, args.json ? JSON.stringify(told) : providersText(cache.providers));
  return 0;
}
