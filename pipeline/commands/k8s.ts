import type { CommandModule } from 'yargs';
import { k8sCommands } from './k8s/index.ts';

/** The fleet's helpers on Kubernetes: one file per sub-command in k8s/. */
export const k8sCommand: CommandModule<object, object> = {
  command: 'k8s',
  describe: 'Helpers on Kubernetes: a fleet of mutation logs, apps that sleep and wake, releases by chat',
  builder: (yargs) => k8sCommands(yargs).demandCommand(1, 'Say what to do: see the commands above.').strict(),
  handler: () => undefined,
};
