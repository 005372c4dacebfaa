import { start } from 'node:repl';
import type { CommandModule } from 'yargs';
import { scheduleOnce } from '../../cache/scheduler.ts';
import { workOnce } from '../../cache/worker.ts';
import type { Context } from '../../context.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { jobsText, readText, runsText, statusText } from '../../show/cache.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';
import { rolesOf } from './upstream.ts';

const GREETING = `The cache is open. What there is:
  status()                       how everything stands
  get(PROVIDER, KEY = '')        an entry;  value(PROVIDER, KEY = '')  its value
  await refresh(PROVIDER, KEY)   fetched now, by this process
  jobs(FILTER)  runs(FILTER)     what waits, what was done
  cache                          the rest: cache.clear, cache.pause, cache.want, ...
  .exit                          ends it
`;

export const debugCommand: CommandModule<object, CacheArgs> = {
  command: 'debug',
  describe: 'A JavaScript shell over the cache',
  builder: (yargs) =>
    cacheOptions(yargs)
      .example('$0 cache debug', "then get('package_bugs', 'bash')")
      .example('echo "status()" | $0 cache debug', 'without a terminal too'),
  handler: (args) => withCache(args, (context, opened) => debug(context, opened)),
};

async function debug(context: Context, opened: OpenedCache): Promise<number> {
  const { stdout } = context;
  const shell = start({
    prompt: context.interactive ? 'cache> ' : '',
    input: process.stdin,
    output: stdout,
    terminal: context.interactive && process.stdin.isTTY === true,
    ignoreUndefined: true,
  });
  if (context.interactive) stdout.write(GREETING);
  Object.assign(shell.context, deeds(context, opened));
  shell.displayPrompt();
  const leave = () => shell.close();
  context.stopping.addEventListener('abort', leave, { once: true });
  await new Promise<void>((resolve) => shell.once('exit', resolve));
  context.stopping.removeEventListener('abort', leave);
  return 0;
}

/** What the shell has beside JavaScript. */
function deeds(context: Context, opened: OpenedCache) {
  const { cache, parts } = opened;
  const { nowMs, sleep, random, signal, stdout } = context;
  const say = (text: string) => void stdout.write(`${text}\n`);
  return {
    cache,
    opened,
    status: () =>
      say(
        statusText({
          providers: cache.providerStates(),
          hosts: cache.hostStates(),
          processes: cache.processes(),
          nowMs: nowMs(),
        }),
      ),
    get: (provider: string, key = '') => say(readText(cache.read(provider, key))),
    value: (provider: string, key = '') => JSON.parse(cache.read(provider, key).json ?? 'null') as unknown,
    refresh: async (provider: string, key = '') => {
      const { name, http, refreshes } = rolesOf(context, opened);
      cache.want(provider, key, 'manual');
      const only = { provider, key };
      await workOnce({ ...parts, name, http, concurrency: refreshes, sleep, random, signal, only });
      say(readText({ ...cache.read(provider, key), json: undefined }));
    },
    schedule: () => scheduleOnce({ ...parts, name: `debug:${process.pid}` }),
    jobs: (filter?: Parameters<typeof cache.jobs>[0]) => say(jobsText(cache.jobs(filter), nowMs())),
    runs: (filter?: Parameters<typeof cache.runs>[0]) => say(runsText(cache.runs(filter), nowMs())),
  };
}
