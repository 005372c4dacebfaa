#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { COMMANDS } from './commands/index.ts';
import { describeError, SamovarError } from './errors.ts';
import { safeText } from './show/text.ts';

const EXIT_FAILED = 1;
const EXIT_CONFIG = 2;
const LINGER_MS = 2_000;

/** What went wrong, why, and what to do about it. Stack traces only for bugs. */
function tell(error: unknown): number {
  const ours = error instanceof SamovarError;
  const lines = [`samovar: ${describeError(error).split('\n').map(safeText).join('\n')}`];
  const remedy = ours ? error.remedy : systemRemedy(error);
  if (remedy !== undefined) lines.push(remedy);
  else if (!ours && error instanceof Error && error.stack !== undefined) {
    lines.push(error.stack, 'This is a bug in Samovar: please report it with the lines above.');
  }
  process.stderr.write(`${lines.join('\n')}\n`);
  return ours && error.code === 'config' ? EXIT_CONFIG : EXIT_FAILED;
}

/** What the operating system refuses is nobody's bug. */
function systemRemedy(error: unknown): string | undefined {
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  if (typeof code !== 'string' || typeof syscall !== 'string') return undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return 'Free disk space, then run it again: it goes on where it stopped.';
  return 'Check that the file or folder exists and that this user may read and write it, then run it again.';
}

async function main(): Promise<void> {
  const parser = yargs(hideBin(process.argv))
    .command([...COMMANDS])
    .scriptName('samovar')
    .usage(
      '$0 COMMAND\n\nCollects the results of CI builds from storage buckets and feeds them to BigQuery or DuckDB.',
    )
    .demandCommand(1, 'Say what to do: see the commands above.')
    .strict()
    .recommendCommands()
    .completion('completion', 'Print a completion script for bash or zsh')
    .epilogue(
      'Exit status: 0 done, 1 failed, 2 change your configuration or flags, 130/143 stopped by a signal.',
    )
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .help()
    .alias('h', 'help')
    .version()
    .exitProcess(false)
    .fail((message, error, instance) => {
      if (error) throw error;
      instance.showHelp('error');
      throw new SamovarError('config', message);
    });
  await parser.parseAsync();
}

// A reader that closed the pipe (`| head`) is no reason for a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exitCode = EXIT_FAILED;
});

try {
  await main();
} catch (error) {
  process.exitCode = tell(error);
}
// All is done and written. A library that keeps a connection to a server which does not answer must not keep the process.
setTimeout(() => process.exit(), LINGER_MS).unref();
