import type { Argv } from 'yargs';
import { type Context, loadContext } from '../context.ts';

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
  return yargs
    .option('db', { type: 'string', describe: 'SQLite database (KETTLE_DB, SAMOVAR_DB)' })
    .option('buckets', { type: 'string', describe: 'YAML file of bucket roots' })
    .option('tables-file', { type: 'string', describe: 'YAML file of tables' })
    .option('warehouse', {
      type: 'string',
      describe: 'bigquery:PROJECT:DATASET or duckdb:FILE (SAMOVAR_WAREHOUSE)',
    })
    .option('config', {
      type: 'string',
      describe: 'Settings file; default config/samovar.yaml if it is there',
    })
    .option('log-level', {
      type: 'string',
      choices: ['debug', 'info', 'warn', 'error', 'silent'],
      describe: 'Logs on stderr',
    })
    .option('wait', {
      type: 'number',
      describe: 'Seconds to wait for a database that another process holds (default 5)',
    })
    .option('json', { type: 'boolean', describe: 'Print the result as JSON' });
}

/** Exit code of a run that a signal ended. */
const SIGNAL_EXIT: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Runs a command's work with a context and closes everything afterwards, whatever happened. The work gives the exit code; a run
 * that a signal ended exits as the shell expects.
 */
export async function withContext(
  args: CommonArgs,
  work: (context: Context) => Promise<number>,
): Promise<void> {
  const context = await loadContext(args);
  try {
    const code = await work(context);
    const signal = context.signal.aborted ? String(context.signal.reason) : '';
    process.exitCode = SIGNAL_EXIT[signal] ?? code;
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
