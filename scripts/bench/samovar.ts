import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Command } from './measure.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CLI: string = join(ROOT, 'dist/cli.js');

/** Tests of the benches, which are about no figure, may run what is not built. */
const fromSources = () => process.env.SAMOVAR_BENCH_SOURCES !== undefined;

/** Where a module of pipeline/ is, named without its ending: what is built is what runs in production. */
export function moduleUrl(name: string): string {
  return pathToFileURL(join(ROOT, fromSources() ? `pipeline/${name}.ts` : `dist/${name}.js`)).href;
}

function entry(): readonly string[] {
  return fromSources() ? ['--import', 'tsx', join(ROOT, 'pipeline/cli.ts')] : [CLI];
}

/** Our side of a comparison: the built command line, as a user would run it. */
export interface Samovar {
  makeDb(options: {
    readonly db: string;
    readonly endpoint: string;
    readonly threads: number;
    /** Default true. */
    readonly junit?: boolean;
    readonly stderr?: string;
  }): Command;
  makeJson(options: {
    readonly db: string;
    /** NDJSON of stdout, or with `packed` the .json.gz that is asked for. */
    readonly out: string;
    readonly packed?: boolean;
    readonly ledger: string;
    readonly days?: number;
    readonly stderr?: string;
  }): Command;
}

/** What keeps ours from running; empty when nothing does. */
export function samovarProblems(): readonly string[] {
  return fromSources() || existsSync(CLI) ? [] : [`${CLI} is missing: run npm run build.`];
}

export function samovar(bucketsFile: string): Samovar {
  const run = (
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    files: Pick<Command, 'stdout' | 'stderr'>,
  ): Command => ({
    command: process.execPath,
    args: [...entry(), ...args],
    cwd: ROOT,
    // As runner.sh and the image have it.
    env: { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', ...env },
    ...files,
  });
  return {
    makeDb: ({ db, endpoint, threads, junit = true, stderr }) =>
      run(
        [
          ...['make-db', '--buckets', bucketsFile, '--threads', String(threads), '--db', db],
          ...(junit ? ['--junit'] : []),
        ],
        { STORAGE_EMULATOR_HOST: endpoint },
        { ...(stderr !== undefined && { stderr }) },
      ),
    makeJson: ({ db, out, packed = false, ledger, days, stderr }) =>
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
          ...(packed ? ['--out', out] : []),
        ],
        {},
        {
          ...(!packed && { stdout: out }),
          ...(stderr !== undefined && { stderr }),
        },
      ),
  };
}
