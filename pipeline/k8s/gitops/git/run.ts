import { simpleGit } from 'simple-git';
import { SamovarError } from '../../../errors.ts';

const TIMEOUT_MS = 120_000;

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitOptions {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Called as git begins; what it gives, as git ends: with the exit code, or undefined. */
  readonly onGit?: ((command: string) => (code: number | undefined) => void) | undefined;
}

/**
 * Runs git, whatever it exits with. simple-git starts it: it keeps GIT_* variables of the environment away, and refuses arguments that
 * would make git run something else. Throws `aborted`, `timeout`, or `config` where there is no git.
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  const { folder, signal, timeoutMs = TIMEOUT_MS } = options;
  const late = AbortSignal.timeout(timeoutMs);
  let result: GitResult = { code: -1, stdout: '', stderr: '' };
  const git = simpleGit({
    baseDir: folder,
    abort: AbortSignal.any([signal, late]),
    errors: (error, { exitCode, stdOut, stdErr }) => {
      result = { code: exitCode, stdout: textOf(stdOut), stderr: textOf(stdErr) };
      // An exit code is the caller's to judge; anything else (no git, ended) is not.
      return exitCode > 0 ? undefined : error;
    },
  });
  const ended = options.onGit?.(args[0] ?? '');
  try {
    await git.raw([...args]);
    ended?.(Math.max(result.code, 0));
  } catch (cause) {
    ended?.(undefined);
    throw failure(cause, args[0] ?? '', signal, late);
  }
  return result;
}

/** As `runGit`, and gives stdout. Throws also where git exits with an error: `network` where it could not reach the other side, `denied`, `storage`. */
export async function git(args: readonly string[], options: GitOptions): Promise<string> {
  const result = await runGit(args, options);
  if (result.code === 0) return result.stdout;
  throw gitError(`git ${args[0] ?? ''} failed`, result);
}

const DENIED =
  /authentication failed|permission denied|access denied|could not read (username|password)|host key verification failed|HTTP (401|403)|returned error: 40[13]/i;
const NETWORK =
  /could not resolve|failed to connect|couldn't connect|connection (refused|reset|timed out|closed)|timed out|early EOF|hung up|RPC failed|returned error: 5\d\d|TLS|SSL/i;

/** What git said, as an error of ours. */
export function gitError(what: string, { code, stdout, stderr }: GitResult): SamovarError {
  // Of all that was said: ssh warns at length before it says no.
  const all = `${stdout}\n${stderr}`;
  const said = lastLines(all);
  const details = { remedy: 'See what git says above.' };
  if (DENIED.test(all))
    return new SamovarError('denied', `${what}: the git server refuses the bot: ${said}`, {
      remedy: 'Check the key or token of the bot, and what it may do there.',
    });
  if (/Could not read from remote|unable to access/i.test(all) || NETWORK.test(all))
    return new SamovarError('network', `${what}: the git server cannot be reached: ${said}`, details);
  return new SamovarError('storage', `${what} (exit ${code}): ${said}`, details);
}

const LINES_MAX = 8;
const CHARS_MAX = 1_000;

function lastLines(text: string): string {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => /[^@\s]/.test(line) && !line.startsWith('hint:'));
  return withoutPasswords(lines.slice(-LINES_MAX).join('; ')).slice(0, CHARS_MAX);
}

function withoutPasswords(text: string): string {
  return text.replace(/\/\/[^/@\s]+@/g, '//');
}

function failure(cause: unknown, command: string, signal: AbortSignal, late: AbortSignal): SamovarError {
  if (signal.aborted) return new SamovarError('aborted', `git ${command} was told to end`, { cause });
  if (late.aborted)
    return new SamovarError('timeout', `git ${command} took too long`, {
      remedy: 'Check that the git server answers.',
      cause,
    });
  return new SamovarError('config', `git ${command} could not be run`, {
    remedy: 'Install git, 2.30 or later, where Samovar runs.',
    cause,
  });
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat([...chunks]).toString('utf8');
}
