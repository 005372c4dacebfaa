import type { Argv } from 'yargs';
import { type Context, type ContextOptions, exitCodeOf, loadContext } from '../context.ts';
import { COMMON_GROUP, OWN_GROUP } from './catalog.ts';

/** Options that every command takes: where things are. Each can also be set in config/samovar.yaml or the environment. */
export interface CommonArgs {
  readonly db?: string | undefined;
  readonly buckets?: string | undefined;
  readonly 'tables-file'?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly config?: string | undefined;
  readonly 'log-level'?: string | undefined;
  readonly wait?: number | undefined;
  readonly json?: boolean | undefined;
}

export function commonOptions<T>(yargs: Argv<T>) {
  return placeOptions(yargs).option('wait', {
    type: 'number',
    group: COMMON_GROUP,
    describe: 'Seconds to wait for a database that another process holds (default 5)',
  });
}

/** As `commonOptions`, for a database that nobody holds. */
export function placeOptions<T>(yargs: Argv<T>) {
  return yargs
    .group([], OWN_GROUP)
    .option('db', {
      type: 'string',
      group: COMMON_GROUP,
      describe: 'SQLite database (KETTLE_DB, SAMOVAR_DB)',
    })
    .option('buckets', { type: 'string', group: COMMON_GROUP, describe: 'YAML file of bucket roots' })
    .option('tables-file', { type: 'string', group: COMMON_GROUP, describe: 'YAML file of tables' })
    .option('warehouse', {
      type: 'string',
      group: COMMON_GROUP,
      describe: 'bigquery:PROJECT:DATASET or duckdb:FILE (SAMOVAR_WAREHOUSE)',
    })
    .option('config', {
      type: 'string',
      group: COMMON_GROUP,
      describe: 'Settings file; default config/samovar.yaml if it is there',
    })
    .option('log-level', {
      type: 'string',
      group: COMMON_GROUP,
      choices: ['debug', 'info', 'warn', 'error', 'silent'],
      describe: 'Logs on stderr',
    })
    .option('json', {
      type: 'boolean',
      group: COMMON_GROUP,
      describe: 'Print the result as JSON, and nothing else, on stdout',
    });
}

/**
 * Runs a command's work with a context and closes everything afterwards, whatever happened. The work gives the exit code; a run
 * that a signal ended exits as the shell expects.
 */
export async function withContext(
  args: CommonArgs,
  work: (context: Context) => Promise<number>,
  options: ContextOptions = {},
): Promise<void> {
  const context = await loadContext(args, options);
  const { stopping } = context;
  try {
    const code = await work(context);
    process.exitCode = stopping.aborted ? exitCodeOf(stopping.reason) : code;
  } finally {
    await context.close();
  }
}

/** Writes to stdout, waiting where the reader is slow. */
export function print(context: Context, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    context.stdout.write(`${text}\n`, (error) => (error ? reject(error) : resolve()));
  });
}
