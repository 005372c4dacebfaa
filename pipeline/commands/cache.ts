import type { CommandModule } from 'yargs';

/** Everything about caches of what upstreams say: one file per sub-command in cache/. */
export const cacheCommand: CommandModule<object, object> = {
  command: 'cache',
  describe: 'Caches of what slow upstreams say: refresh, keep and serve them',
  builder: async (yargs) => {
    // Read when they are asked for: what they need is no part of the other commands' start.
    const { cacheCommands } = await import('./cache/index.ts');
    return cacheCommands(yargs).demandCommand(1, 'Say what to do: see the commands above.').strict();
  },
  handler: () => undefined,
};
