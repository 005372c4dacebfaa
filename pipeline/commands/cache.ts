import type { CommandModule } from 'yargs';
import { cacheCommands } from './cache/index.ts';

/** Everything about caches of what upstreams say: one file per sub-command in cache/. */
export const cacheCommand: CommandModule<object, object> = {
  command: 'cache',
  describe: 'Caches of what slow upstreams say: refresh, keep and serve them',
  builder: (yargs) =>
    cacheCommands(yargs).demandCommand(1, 'Say what to do: see the commands above.').strict(),
  handler: () => undefined,
};
