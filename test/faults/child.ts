import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Build } from './build.ts';

export interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** A child that has not ended by then is killed, and that is a failure. */
  readonly boundMs: number;
  /** Another account. */
  readonly uid?: number;
  readonly gid?: number;
  /** Goes before the command: what it is started by. */
  readonly wrap?: readonly string[];
  /** Takes the memory of the process so often; absent: never. */
  readonly sampleMs?: number;
}

export interface ChildRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Its last part. */
  readonly stderr: string;
  readonly ms: number;
  /** It had to be ended by the harness. */
  readonly late: boolean;
  /** Resident kibibytes, as sampled. */
  readonly rssKib: readonly number[];
}

export interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<ChildRun>;
}

const STDERR_KEPT = 20_000;

/** Starts the command in a process of its own, without any setting of this machine's. */
export function startChild(build: Build, args: readonly string[], options: ChildOptions): Child {
  const startedMs = Date.now();
  const { cwd, uid, gid, wrap = [] } = options;
  const [command = '', ...rest] = [...wrap, process.execPath, '--import', build.preload, build.cli, ...args];
  const child = spawn(command, rest, {
    cwd,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: cwd,
      METADATA_SERVER_DETECTION: 'none',
      SAMOVAR_LOG_LEVEL: 'warn',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let late = false;
  const rssKib: number[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  const bound = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, options.boundMs);
  const sampler =
    options.sampleMs === undefined
      ? undefined
      : setInterval(() => rssKib.push(...rssOf(child.pid)), options.sampleMs);
  const ended = new Promise<ChildRun>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearTimeout(bound);
      clearInterval(sampler);
      done({ code, signal, stdout, stderr, ms: Date.now() - startedMs, late, rssKib });
    });
  });
  return { process: child, ended };
}

/** Where the system tells it; nothing elsewhere. */
function rssOf(pid: number | undefined): readonly number[] {
  try {
    const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return found === undefined ? [] : [Number(found)];
  } catch {
    return [];
  }
}
