import type { CommandModule } from 'yargs';
import { type WarmProgress, warm } from '../../cache/warm.ts';
import { runWorker } from '../../cache/worker.ts';
import type { Context } from '../../context.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { startProgress } from '../../show/progress.ts';
import { print } from '../run.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';
import { rolesOf } from './upstream.ts';

type Args = CacheArgs & { readonly provider?: string | undefined; readonly refreshes?: number | undefined };

export const warmCommand: CommandModule<object, Args> = {
  command: 'warm',
  describe: 'Fill the cache in the order of what depends on what, and wait for it',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('provider', { type: 'string', describe: 'Only this provider and what depends on it' })
      .option('refreshes', { type: 'number', describe: 'Refreshes at once in this process' })
      .example('$0 cache warm', 'after an installation')
      .example('$0 cache warm --provider bodhi_updates', 'after its upstream was mended'),
  handler: (args) => withCache(args, (context, opened) => fill(context, opened, args)),
};

async function fill(context: Context, opened: OpenedCache, args: Args): Promise<number> {
  const seen: WarmProgress[] = [];
  const failed = await warmed(context, opened, {
    ...(args.provider !== undefined && { from: opened.cache.provider(args.provider).name }),
    ...(args.refreshes !== undefined && { refreshes: args.refreshes }),
    onProgress: (progress) => seen.push(progress),
  });
  const done = seen.filter(({ state }) => state !== 'wanted');
  if (args.json) await print(context, JSON.stringify({ providers: done, failed }));
  else await print(context, warmText(done, failed));
  return failed.length > 0 ? 1 : 0;
}

function warmText(done: readonly WarmProgress[], failed: readonly string[]): string {
  const lines = done.map(
    ({ provider, state, entries }) =>
      `${state === 'done' ? 'ok    ' : 'failed'} ${provider}: ${entries} entries`,
  );
  const tail = failed.length > 0 ? [`See what failed: samovar cache runs --failed`] : [];
  return [...lines, ...tail].join('\n');
}

export interface WarmedOptions {
  readonly from?: string;
  readonly refreshes?: number;
  readonly onProgress?: (progress: WarmProgress) => void;
}

/** Warms with a worker of this process beside whatever others there are. Names of the providers that failed. */
export async function warmed(
  context: Context,
  opened: OpenedCache,
  options: WarmedOptions,
): Promise<readonly string[]> {
  const { from, refreshes, onProgress } = options;
  const roles = rolesOf(context, opened, refreshes);
  const { interactive, stderr, log, nowMs, sleep, random, signal, stopping } = context;
  const ended = new AbortController();
  const count = { done: 0, total: opened.cache.providers.length, details: '' };
  const stop = startProgress({
    label: 'warm',
    unit: 'providers',
    interactive,
    stderr,
    log,
    nowMs,
    read: () => count,
  });
  const task = context.progress.stage('cache').task('warm');
  const { name, http } = roles;
  const working = runWorker({
    ...{ ...opened.parts, name, http, concurrency: roles.refreshes, sleep, random, signal },
    stopping: AbortSignal.any([stopping, ended.signal]),
    onRun: ({ provider, key }) => task.step(`${provider} ${key}`),
  });
  try {
    return await warm({
      ...opened.parts,
      ...{ sleep, signal: stopping },
      ...(from !== undefined && { from }),
      onProgress: (progress) => {
        if (progress.state !== 'wanted') count.done += 1;
        count.details = progress.provider;
        onProgress?.(progress);
      },
    });
  } finally {
    ended.abort();
    await working;
    stop();
    task.end();
  }
}
