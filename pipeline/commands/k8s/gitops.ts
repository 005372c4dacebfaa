import type { CommandModule } from 'yargs';
import { gitopsRunCommand } from './gitops-run.ts';
import { gitopsServeCommand } from './gitops-serve.ts';

/** Deployments by commits: asked for in Slack, by CI or on the command line. */
export const gitopsCommand: CommandModule<object, object> = {
  command: 'gitops',
  describe: 'Deploy, release, scale and roll back by commits to a repository of manifests',
  builder: (yargs) =>
    yargs
      .command(gitopsRunCommand)
      .command(gitopsServeCommand)
      .demandCommand(1, 'Say what to do: run or serve.')
      .strict(),
  handler: () => undefined,
};
