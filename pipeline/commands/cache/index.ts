import type { Argv } from 'yargs';
import { clearCommand } from './clear.ts';
import { debugCommand } from './debug.ts';
import { demoCommand } from './demo.ts';
import { gcCommand } from './gc.ts';
import { getCommand } from './get.ts';
import { jobsCommand, runsCommand } from './jobs.ts';
import { loadCommand } from './load.ts';
import { migrateCommand } from './migrate.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { refreshCommand } from './refresh.ts';
import { runCommand, schedulerCommand, serveCommand, workerCommand } from './roles.ts';
import { providersCommand, statusCommand } from './status.ts';
import { warmCommand } from './warm.ts';

/** Every sub-command of `samovar cache`, in the order of its help. */
export function cacheCommands(yargs: Argv): Argv {
  return yargs
    .command(runCommand)
    .command(workerCommand)
    .command(schedulerCommand)
    .command(serveCommand)
    .command(statusCommand)
    .command(providersCommand)
    .command(getCommand)
    .command(refreshCommand)
    .command(warmCommand)
    .command(clearCommand)
    .command(gcCommand)
    .command(pauseCommand)
    .command(resumeCommand)
    .command(jobsCommand)
    .command(runsCommand)
    .command(loadCommand)
    .command(migrateCommand)
    .command(debugCommand)
    .command(demoCommand);
}
