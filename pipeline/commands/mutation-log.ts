import type { CommandModule } from 'yargs';

/** Everything about mutation logs of GitHub repositories: one file per sub-command in mutation-log/. */
export const mutationLogCommand: CommandModule<object, object> = {
  command: 'mutation-log',
  describe: 'Mutation logs of GitHub repositories: follow, keep, verify, serve and move them',
  builder: async (yargs) => {
    // Read when they are asked for: what they need is no part of the other commands' start.
    const { mutationLogCommands } = await import('./mutation-log/index.ts');
    return mutationLogCommands(yargs).demandCommand(1, 'Say what to do: see the commands above.').strict();
  },
  handler: () => undefined,
};
