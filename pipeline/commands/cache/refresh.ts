import type { CommandModule } from 'yargs';
import { workOnce } from '../../cache/worker.ts';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { readText } from '../../show/cache.ts';
import { print } from '../run.ts';
import { type CacheArgs, cacheOptions, keyOf, withCache } from './place.ts';
import { rolesOf } from './upstream.ts';

const LOOK_MS = 250;
const SIGN_MAX_MS = 60_000;

type Args = CacheArgs & {
  readonly provider: string;
  readonly key?: string | undefined;
  readonly now: boolean;
};

export const refreshCommand: CommandModule<object, Args> = {
  command: 'refresh <provider> [key]',
  describe: 'Have an entry, or all of a provider, fetched again',
  builder: (yargs) =>
    cacheOptions(yargs)
      .positional('provider', {
        type: 'string',
        demandOption: true,
        describe: 'One of those that `cache providers` shows',
      })
      .positional('key', { type: 'string', describe: 'Default: every key that is kept' })
      .option('now', {
        type: 'boolean',
        default: false,
        describe:
          'Do not leave it to a worker: see it done before this ends, by this process where no worker runs, and say what came of it',
      })
      .example('$0 cache refresh fedora_releases --now', 'now, and see')
      .example('$0 cache refresh package_bugs bash', 'a worker does it soon'),
  handler: (args) => withCache(args, (context, opened) => refresh(context, opened, args)),
};

async function refresh(context: Context, opened: OpenedCache, args: Args): Promise<number> {
  const { cache } = opened;
  const provider = cache.provider(args.provider);
  if (provider.kind === 'retired')
    throw new SamovarError('config', `${provider.name} is retired: there is nothing to fetch it from`, {
      subject: provider.name,
      remedy: 'See `samovar cache providers` for those that are not.',
    });
  const key = keyOf(provider, args.key);
  const keys = key === undefined ? opened.store.cache.keysOf(provider.name) : [key];
  const wanted = cache.wantMany(provider.name, keys, 'manual');
  if (!args.now) {
    await print(context, args.json ? JSON.stringify({ wanted }) : wantedText(context, opened, wanted));
    return 0;
  }
  if (isServed(context, opened)) await others(context, opened, provider.name, key);
  else await here(context, opened, provider.name, key);
  return tell(context, opened, { provider: provider.name, keys, json: args.json === true });
}

const isServed = (context: Context, { cache }: OpenedCache) =>
  cache
    .processes()
    .some(({ role, lastSignMs }) => role === 'worker' && lastSignMs > context.nowMs() - SIGN_MAX_MS);

function wantedText(context: Context, opened: OpenedCache, wanted: number): string {
  const text = `${wanted} ${wanted === 1 ? 'refresh' : 'refreshes'} wanted`;
  if (isServed(context, opened)) return text;
  return `${text}; no worker runs: start \`samovar cache worker\`, or add --now to have it done here`;
}

async function here(context: Context, opened: OpenedCache, provider: string, key: string | undefined) {
  const { name, http, refreshes, sleep, random, signal } = rolesOf(context, opened);
  const only = key === undefined ? { provider } : { provider, key };
  await workOnce({ ...opened.parts, name, http, concurrency: refreshes, sleep, random, signal, only });
}

async function others(context: Context, { cache }: OpenedCache, provider: string, key: string | undefined) {
  const open = () =>
    cache
      .jobs({ provider })
      .some((job) => (key === undefined || job.key === key) && job.state !== 'failed' && job.attempt === 0);
  while (open() && !context.stopping.aborted) await context.sleep(LOOK_MS);
}

async function tell(
  context: Context,
  { cache }: OpenedCache,
  { provider, keys, json }: { provider: string; keys: readonly string[]; json: boolean },
): Promise<number> {
  const reads = cache.readMany(provider, keys);
  const failed = reads.filter(({ error }) => error !== undefined);
  const [first] = reads;
  if (json) await print(context, JSON.stringify(reads.map(({ json: _value, seq: _seq, ...known }) => known)));
  else if (first !== undefined && reads.length === 1)
    await print(context, readText({ ...first, json: undefined }));
  else
    await print(
      context,
      [
        `${reads.length - failed.length} of ${reads.length} entries refreshed`,
        ...failed.map((read) => readText({ ...read, json: undefined })),
      ].join('\n'),
    );
  return failed.length > 0 ? 1 : 0;
}
