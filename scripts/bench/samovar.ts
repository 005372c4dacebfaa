import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from './measure.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CLI: string = join(ROOT, 'dist/cli.js');

/** Our side of a comparison: the built command line, as a user would run it. */
export interface Samovar {
  makeDb(options: {
    readonly db: string;
    readonly endpoint: string;
    readonly threads: number;
    readonly stderr?: string;
  }): Command;
  makeJson(options: {
    readonly db: string;
    readonly out: string;
    readonly ledger: string;
    readonly days?: number;
    readonly stderr?: string;
  }): Command;
}

/** What keeps ours from running; empty when nothing does. */
export function samovarProblems(): readonly string[] {
  return existsSync(CLI) ? [] : [`${CLI} is missing: run npm run build.`];
}

export function samovar(bucketsFile: string): Samovar {
  const run = (
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    files: Pick<Command, 'stdout' | 'stderr'>,
  ): Command => ({
    command: process.execPath,
    args: [CLI, ...args],
    cwd: ROOT,
    env,
    ...files,
  });
  return {
    makeDb: ({ db, endpoint, threads, stderr }) =>
      run(
        ['make-db', '--buckets', bucketsFile, '--junit', '--threads', String(threads), '--db', db],
        { STORAGE_EMULATOR_HOST: endpoint },
        { ...(stderr !== undefined && { stderr }) },
      ),
    makeJson: ({ db, out, ledger, days, stderr }) =>
      run(
        [
          'make-json',
          '--db',
          db,
          '--ledger',
          ledger,
          '--buckets',
          bucketsFile,
          ...(days === undefined ? [] : ['--days', String(days)]),
        ],
        {},
        {
          stdout: out,
          ...(stderr !== undefined && { stderr }),
        },
      ),
  };
}
