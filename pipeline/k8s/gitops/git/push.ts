import { SamovarError } from '../../../errors.ts';
import type { PushHow } from '../engine.ts';
import { type GitOptions, type GitResult, gitError, runGit } from './run.ts';

export type Pushed = 'pushed' | 'lost';

/**
 * Reasons by which a server says that another push came first while it took this one. It reports them as a refusal, though they are a
 * lost race.
 */
const RACES = /incorrect old value provided|cannot lock ref|reference already exists|failed to update ref/i;

/**
 * Pushes HEAD to a branch. `lost`: somebody else was quicker, try again on what is there now. Throws `refused` where the server says
 * no (a hook, a protected branch): trying again would not help; else as `git`.
 */
export async function push(branch: string, how: PushHow, options: GitOptions): Promise<Pushed> {
  const asked = (how.options ?? []).map((option) => `--push-option=${option}`);
  // A branch of the change's own may be there from a try whose answer was lost.
  const force = how.branch === undefined ? '' : '+';
  const args = ['push', '--porcelain', ...asked, 'origin', `${force}HEAD:refs/heads/${branch}`];
  const result = await runGit(args, options);
  if (result.code === 0) return 'pushed';
  const line = refLine(result.stdout);
  if (line === undefined) throw gitError('the commit could not be pushed', result);
  if (/\[rejected\]/.test(line) || RACES.test(line)) return 'lost';
  throw new SamovarError('refused', `the git server refuses the commit: ${reasonOf(line)}${told(result)}`, {
    subject: branch,
    remedy: 'The branch may be protected: use pullRequests for this stage, or allow the bot to push.',
  });
}

/** `!\tHEAD:refs/heads/main\t[remote rejected] (pre-receive hook declined)` */
function refLine(stdout: string): string | undefined {
  return stdout.split('\n').find((line) => line.startsWith('!\t'));
}

function reasonOf(line: string): string {
  return line.split('\t').at(-1)?.trim() ?? '';
}

const TOLD_CHARS_MAX = 500;

/** What the server's hook wrote. */
function told({ stderr }: GitResult): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .filter((line) => line.startsWith('remote:'))
    .map((line) => line.slice('remote:'.length).trim())
    .filter((line) => line !== '');
  return lines.length === 0 ? '' : `: ${lines.join(' ').slice(0, TOLD_CHARS_MAX)}`;
}
