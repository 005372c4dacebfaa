import type { Argv } from 'yargs';
import type { Provider } from '../../cache/contract.ts';
import type { Context } from '../../context.ts';
import { type OpenedCache, openCacheOf } from '../../jobs/cache-open.ts';
import { type CommonArgs, placeOptions, withContext } from '../run.ts';

export type CacheArgs = Omit<CommonArgs, 'wait'> & { readonly providers?: string | undefined };

export function cacheOptions<T>(yargs: Argv<T>) {
  return placeOptions(yargs).option('providers', {
    type: 'string',
    describe: 'YAML file of providers; default the shipped ones (SAMOVAR_PROVIDERS)',
  });
}

/** Runs a command's work with the cache open. Nobody holds a cache's database: many processes work on it at once. */
export function withCache(
  // Not `wait`: nobody holds this database, and a command may have an option of that name.
  { wait: _wait, ...args }: CacheArgs & { readonly wait?: unknown },
  work: (context: Context, opened: OpenedCache) => Promise<number>,
  options: { readonly graceful?: boolean } = {},
): Promise<void> {
  return withContext(args, async (context) => work(context, await openedCache(context, args)), {
    cache: true,
    ...options,
  });
}

export async function openedCache(
  context: Context,
  args: Pick<CacheArgs, 'providers'>,
): Promise<OpenedCache> {
  const { settings, nowMs, log } = context;
  let warehouse: ReturnType<Context['openWarehouse']> | undefined;
  const file = args.providers ?? settings.cache.providersFile;
  const opened = await openCacheOf({
    store: context.openStore(),
    settings: settings.cache,
    file,
    nowMs,
    secret: (name) => context.secret(name),
    openWarehouse: () => (warehouse ??= context.openWarehouse()),
    onNotice: (text) => log.warn(text),
  });
  context.onClose(() => opened.cache.flush());
  return opened;
}

/** A provider's key as the command line has it: none for a provider of one entry. */
export function keyOf(provider: Provider, key: string | undefined): string | undefined {
  return provider.kind === 'single' ? (key ?? '') : key;
}
