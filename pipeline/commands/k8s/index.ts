import type { Argv } from 'yargs';
import { gitopsCommand } from './gitops.ts';
import { idlerCommand } from './idler.ts';
import { routerCommand } from './router.ts';
import { supervisorCommand } from './supervisor.ts';
import { unidlerCommand } from './unidler.ts';

/** Every sub-command of `samovar k8s`, in the order of its help. */
export function k8sCommands(yargs: Argv): Argv {
  return yargs
    .command(supervisorCommand)
    .command(routerCommand)
    .command(idlerCommand)
    .command(unidlerCommand)
    .command(gitopsCommand);
}
