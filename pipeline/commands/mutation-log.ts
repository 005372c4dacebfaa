import type { CommandModule } from 'yargs';
import { mutationLogCommands } from './mutation-log/index.ts';

/** Everything about mutation logs of GitHub repositories: one file per sub-command in mutation-log/. */
export const mutationLogCommand: CommandModule<object, object> = {
  command: 'mutation-log',
  describe: 'Mutation logs of GitHub repositories: follow, keep, verify, serve and move them',
  builder: (yargs) =>
    mutationLogCommands(yargs).demandCommand(1, 'Say what to do: see the commands above.').strict(),
  handler: () => undefined,
};
