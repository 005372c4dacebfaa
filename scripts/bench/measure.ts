import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TIME = '/usr/bin/time';

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to this process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Where stdout goes; dropped when absent. */
  readonly stdout?: string;
  /** Where stderr goes; dropped when absent. */
  readonly stderr?: string;
}

export interface Measured {
  readonly exitCode: number;
  readonly wallS: number;
  /** User and system time of the process and of all it waited for; undefined without GNU time. */
  readonly cpuS: number | undefined;
  /** Peak resident memory of the largest process; undefined without GNU time. */
  readonly rssBytes: number | undefined;
}

/** Runs a command to its end. Uses GNU time, which asks the kernel (wait4) about the process and its children. */
export async function measure(run: Command): Promise<Measured> {
  const scratch = mkdtempSync(join(tmpdir(), 'samovar-time-'));
  const report = join(scratch, 'report');
  const files = [run.stdout, run.stderr].map((path) => (path === undefined ? 'ignore' : openSync(path, 'w')));
  const prefix = existsSync(TIME) ? [TIME, '-f', '%e %U %S %M', '-o', report] : [];
  const [command = '', ...args] = [...prefix, run.command, ...run.args];
  const started = performance.now();
  try {
    const child = spawn(command, args, {
      cwd: run.cwd,
      env: { ...process.env, ...run.env },
      stdio: ['ignore', ...files],
    });
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    const wallS = (performance.now() - started) / 1000;
    return { exitCode: exitCode ?? -1, wallS, ...usageOf(report) };
  } finally {
    for (const file of files) if (typeof file === 'number') closeSync(file);
    rmSync(scratch, { recursive: true });
  }
}

/** The report's last line; one before it tells of an exit code that was not 0. */
function usageOf(report: string): Pick<Measured, 'cpuS' | 'rssBytes'> {
  if (!existsSync(report)) return { cpuS: undefined, rssBytes: undefined };
  const [, user, system, kibibytes] =
    readFileSync(report, 'utf8').trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  if (user === undefined || system === undefined || kibibytes === undefined)
    return { cpuS: undefined, rssBytes: undefined };
  return { cpuS: user + system, rssBytes: kibibytes * 1024 };
}
