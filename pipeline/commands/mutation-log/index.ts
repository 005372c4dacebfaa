import type { Argv } from 'yargs';
import { copyCommand } from './copy.ts';
import { demoCommand } from './demo.ts';
import { diskCommand } from './disk.ts';
import { exportCommand } from './export.ts';
import { followCommand } from './follow.ts';
import { loadCommand } from './load.ts';
import { migrateCommand } from './migrate.ts';
import { queryCommand } from './query.ts';
import { repairCommand } from './repair.ts';
import { replayCommand } from './replay.ts';
import { resetCommand } from './reset.ts';
import { serveCommand } from './serve.ts';
import { sloCommand } from './slo.ts';
import { statsCommand } from './stats.ts';
import { syncCommand } from './sync.ts';
import { verifyCommand } from './verify.ts';
import { webhookCommand } from './webhook.ts';

/** Every sub-command of `samovar mutation-log`, in the order of its help. */
export function mutationLogCommands(yargs: Argv): Argv {
  return yargs
    .command(syncCommand)
    .command(webhookCommand)
    .command(serveCommand)
    .command(loadCommand)
    .command(queryCommand)
    .command(sloCommand)
    .command(statsCommand)
    .command(exportCommand)
    .command(diskCommand)
    .command(replayCommand)
    .command(followCommand)
    .command(verifyCommand)
    .command(repairCommand)
    .command(copyCommand)
    .command(migrateCommand)
    .command(resetCommand)
    .command(demoCommand);
}
