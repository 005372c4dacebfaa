import type { CommandModule } from 'yargs';
import { print } from '../run.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';

type Args = CacheArgs & { readonly provider?: string | undefined };

export const pauseCommand = switchCommand(true);
export const resumeCommand = switchCommand(false);

function switchCommand(paused: boolean): CommandModule<object, Args> {
  const verb = paused ? 'pause' : 'resume';
  return {
    command: `${verb} [provider]`,
    describe: paused
      ? 'Begin no new refreshes; what is cached is served on'
      : 'Let refreshes begin again after a pause',
    builder: (yargs) =>
      cacheOptions(yargs)
        .positional('provider', { type: 'string', describe: 'Default: all of them' })
        .example(`$0 cache ${verb} package_bugs`, 'while its upstream is being moved'),
    handler: (args) =>
      withCache(args, async (context, { cache }) => {
        const provider = args.provider === undefined ? undefined : cache.provider(args.provider).name;
        cache.pause(provider, paused);
        const text = `${provider ?? 'every provider'} is ${paused ? 'paused' : 'on'}`;
        await print(context, args.json ? JSON.stringify({ provider: provider ?? null, paused }) : text);
        return 0;
      }),
  };
}
