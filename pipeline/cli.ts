#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { COMMANDS } from './commands/index.ts';
import { withTodaysNames } from './commands/old-names.ts';
import { assertValues, commandWords, misunderstood } from './commands/words.ts';
import { ownVersion } from './config/shipped.ts';
import { SamovarError } from './errors.ts';
import { decideColours, paint } from './show/colour.ts';
import { failureOf, failureText } from './show/failure.ts';

const EXIT_FAILED = 1;
const EXIT_CONFIG = 2;
const LINGER_MS = 2_000;

const args = withTodaysNames(hideBin(process.argv));
decideColours(process.env, process);

/** What came to nothing, why, and what to do about it. Stack traces only for bugs. */
function tell(error: unknown): number {
  process.stderr.write(`${failureText(failureOf(error, commandWords(args)), paint('stderr'))}\n`);
  return error instanceof SamovarError && error.code === 'config' ? EXIT_CONFIG : EXIT_FAILED;
}

/** What yargs knows at the place where it failed. */
interface Known {
  getOptions(): { readonly key: object; readonly hiddenOptions: readonly string[] };
  getGroups(): Readonly<Record<string, readonly string[]>>;
  getInternalMethods(): {
    getCommandInstance(): { getCommands(): readonly string[] };
    getContext(): { readonly commands: readonly string[] };
    getUsageInstance(): { cacheHelpMessage(): void };
  };
}

function knownTo(parser: unknown) {
  const known = parser as Known;
  const { key, hiddenOptions } = known.getOptions();
  const { getCommandInstance, getContext } = known.getInternalMethods();
  return {
    flags: Object.keys(key).filter((name) => !hiddenOptions.includes(name)),
    commands: getCommandInstance().getCommands(),
    places: known.getGroups()['Positionals:'] ?? [],
    within: [...getContext().commands],
  };
}

async function main(): Promise<void> {
  const parser = yargs(args)
    .command([...COMMANDS])
    .scriptName('samovar')
    .usage(
      '$0 COMMAND\n\nCollects the results of CI builds from storage buckets and feeds them to BigQuery or DuckDB.',
    )
    .demandCommand(1, 'Say what to do: see the commands above.')
    .strict()
    .check((argv, options) => {
      assertValues(argv, options as unknown as Parameters<typeof assertValues>[1]);
      return true;
    })
    .epilogue(
      [
        'Exit status: 0 done; 1 failed, or found what it was to look for; 2 change your configuration or flags;',
        '130/143 stopped by SIGINT/SIGTERM. Errors say what came to nothing, why, and what to do now.',
        'All commands and flags: docs/cli.md. A first walk: docs/tour.md.',
      ].join('\n'),
    )
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .help()
    .alias('h', 'help')
    .version(ownVersion())
    .exitProcess(false)
    .fail((message, error, usage) => {
      if (error) throw error;
      // Whoever names no command wants to see them; whoever mistypes a flag is not helped by a page of them.
      if (message.startsWith('Say ')) usage.showHelp('error');
      throw misunderstood(message, args, knownTo(parser));
    });
  // For each command that has begun yargs draws its help, should it fail: an eighth of a start, for a text that is not shown here.
  (parser as unknown as Known).getInternalMethods().getUsageInstance().cacheHelpMessage = () => undefined;
  await parser.parseAsync();
}

// A reader that closed the pipe (`| head`) is no reason for a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exitCode = EXIT_FAILED;
});

try {
  if (args[0] === '--complete')
    await (await import('./commands/completion.ts')).answerCompletion(args.slice(1));
  else await main();
} catch (error) {
  process.exitCode = tell(error);
}
// All is done and written. A library that keeps a connection to a server which does not answer must not keep the process.
setTimeout(() => process.exit(), LINGER_MS).unref();
