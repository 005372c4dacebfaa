import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitTexts, GitPlace } from '../config.ts';
import { type GitOptions, git, gitError, runGit } from './run.ts';
import { gitSettings, remoteUrl } from './settings.ts';

/** A shallow clone that is kept warm: made once, then only what is new is fetched. One user at a time. */
export interface Clone {
  readonly folder: string;
  /** Makes the folder what the branch holds now, and gives its commit. */
  refresh(): Promise<string>;
  /** Commits the files. Undefined: they are as they were, and nothing is committed. */
  commit(paths: readonly string[], message: string, author: string): Promise<string | undefined>;
  /** Of the last refresh: the commit is in the branch. */
  contains(commit: string): Promise<boolean>;
  /** Fetches history, until at least this many commits of the paths are there, or all. */
  history(paths: readonly string[], count: number): Promise<readonly LogEntry[]>;
  /** A file as it was; undefined where it was not there. */
  show(commit: string, path: string): Promise<string | undefined>;
  readonly options: GitOptions;
}

export interface LogEntry {
  readonly commit: string;
  /** Seconds since 1970. */
  readonly atSeconds: number;
  readonly author: string;
  readonly subject: string;
}

export interface CloneOptions {
  readonly place: GitPlace;
  readonly commit: Pick<CommitTexts, 'name' | 'email'>;
  /** Made where it is not there; what else is in it goes. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onGit?: GitOptions['onGit'];
}

const DEEPEN = 200;
const SEPARATOR = '\u001f';

export async function openClone({ place, commit, folder, signal, onGit }: CloneOptions): Promise<Clone> {
  const options: GitOptions = { folder, signal, onGit };
  const { branch } = place;
  const remote = `refs/remotes/origin/${branch}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await prepare(folder, await gitSettings({ ...place, url: remoteUrl(place) }, commit), options);
  let isNew = (await runGit(['rev-parse', '--verify', '--quiet', remote], options)).code !== 0;
  // What a process that was killed has left there.
  await git(['clean', '-ffdxq'], options);
  const isShallow = async () =>
    (await git(['rev-parse', '--is-shallow-repository'], options)).trim() === 'true';
  const head = async () => (await git(['rev-parse', 'HEAD'], options)).trim();
  const fetch = (...how: string[]) => git(['fetch', '--quiet', '--no-tags', ...how, 'origin'], options);
  return {
    folder,
    options,
    refresh: async () => {
      await fetch(...(isNew ? ['--depth=1'] : []));
      isNew = false;
      await git(['checkout', '--quiet', '--force', '--detach', remote], options);
      return head();
    },
    commit: async (paths, message, author) => {
      const args = ['commit', `--author=${author}`, `--message=${message}`, '--only', '--', ...paths];
      const result = await runGit(args, options);
      if (result.code === 0) return head();
      // What git keeps in another form (ends of lines) may be the same there though the files differ.
      if ((await runGit(['diff', '--quiet', 'HEAD'], options)).code === 0) return undefined;
      throw gitError('the change could not be committed', result);
    },
    contains: async (sha) => (await runGit(['merge-base', '--is-ancestor', sha, remote], options)).code === 0,
    history: async (paths, count) => {
      for (const how of ['', `--deepen=${DEEPEN}`, '--unshallow']) {
        if (how !== '') await fetch(how);
        // The oldest commit of a shallow clone seems to have made every file: one more is asked for, and not shown.
        const entries = await log(paths, count + 1, options);
        if (entries.length > count || !(await isShallow())) return entries.slice(0, count);
      }
      return log(paths, count, options);
    },
    show: async (sha, path) => {
      const result = await runGit(['show', `${sha}:${path}`], options);
      return result.code === 0 ? result.stdout : undefined;
    },
  };
}

/** What a process that was killed has left behind (locks, half a commit) must not be in the way. */
async function prepare(folder: string, settings: string, options: GitOptions): Promise<void> {
  const inside = join(folder, '.git');
  const before = await readdir(inside).catch(() => undefined);
  if (before === undefined) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await git(['init', '--quiet'], options);
  }
  for (const name of before ?? []) if (name.endsWith('.lock')) await rm(join(inside, name), { force: true });
  await writeFile(join(inside, 'config'), settings, { mode: 0o600 });
}

async function log(
  paths: readonly string[],
  count: number,
  options: GitOptions,
): Promise<readonly LogEntry[]> {
  const format = `--format=${['%H', '%ct', '%an', '%s'].join('%x1f')}`;
  const text = await git(['log', `--max-count=${count}`, format, 'HEAD', '--', ...paths], options);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [commit = '', at = '', author = '', subject = ''] = line.split(SEPARATOR);
      return { commit, atSeconds: Number(at), author, subject };
    });
}
