import yargs, { type Argv, type CommandModule } from 'yargs';
import { backfillCommand } from '../../../pipeline/commands/backfill.ts';
import { bqLoadCommand } from '../../../pipeline/commands/bq-load.ts';
import { cacheCommand } from '../../../pipeline/commands/cache.ts';
import { k8sCommand } from '../../../pipeline/commands/k8s.ts';
import { ledgerCommand } from '../../../pipeline/commands/ledger.ts';
import { monitorCommand } from '../../../pipeline/commands/monitor.ts';
import { mutationLogCommand } from '../../../pipeline/commands/mutation-log.ts';
import { streamCommand } from '../../../pipeline/commands/stream.ts';
import { updateCommand } from '../../../pipeline/commands/update.ts';

export type Options = Readonly<Record<string, unknown>>;

/** Thrown when all was understood, before anything is done. */
class Understood extends Error {
  constructor(readonly argv: Options) {
    super('understood');
  }
}

/** Why the command line of `samovar` does not take these; undefined: it does. Nothing is run. */
export async function refusal(args: readonly string[]): Promise<string | undefined> {
  const found = await understood(args);
  return typeof found === 'string' ? found : undefined;
}

/** What the command line makes of these, or why it does not take them. */
export async function understood(args: readonly string[]): Promise<Options | string> {
  const parser = commands(yargs([...args]))
    .scriptName('samovar')
    .demandCommand(1)
    .strict()
    .exitProcess(false)
    .middleware((argv) => {
      throw new Understood(argv);
    })
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  try {
    await parser.parseAsync();
    return 'it did nothing';
  } catch (error) {
    return error instanceof Understood ? error.argv : String(error);
  }
}

function commands(root: Argv): Argv {
  const add = <T>(command: CommandModule<object, T>) => void root.command(command);
  add(updateCommand);
  add(streamCommand);
  add(ledgerCommand);
  add(backfillCommand);
  add(bqLoadCommand);
  add(monitorCommand);
  add(mutationLogCommand);
  add(cacheCommand);
  add(k8sCommand);
  return root;
}
