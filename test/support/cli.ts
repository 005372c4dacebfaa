import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** scripts/test has just built dist/; anybody else tests the sources as they are. */
const ENTRY =
  process.env.SAMOVAR_TEST_BUILT === undefined
    ? ['--import', import.meta.resolve('tsx'), resolve(ROOT, 'pipeline/cli.ts')]
    : [resolve(ROOT, 'dist/cli.js')];

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** The folder it runs in: its data/ and config/ are there. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Gets the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

/** Runs the command as a user would, in a process of its own, without any setting of this machine's. */
export function cli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return new Promise((done, fail) => {
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: options.cwd,
      METADATA_SERVER_DETECTION: 'none',
      ...options.env,
    };
    const child = spawn(process.execPath, [...ENTRY, ...args], {
      cwd: options.cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(text, child);
    });
    child.on('error', fail);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
    options.onStart?.(child);
  });
}
