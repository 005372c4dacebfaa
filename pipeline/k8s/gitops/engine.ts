import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, isRetryable, SamovarError } from '../../errors.ts';
import { type Clone, type CloneOptions, openClone } from './git/clone.ts';
import { push } from './git/push.ts';
import { createQueue } from './queue.ts';

/**
 * Changes to the repository of manifests. One at a time, each on what the branch holds at that moment: an edit is a function of the
 * files, and is made anew where somebody else pushed first.
 */
export interface Engine {
  /** Looks at what the branch holds now. */
  read<T>(look: (tree: Tree) => Promise<T>): Promise<T>;
  /**
   * Throws what `plan` throws; `refused` where the server says no; `conflict` where every try lost the race; else as git.
   * After a push whose answer was lost, the branch tells whether it arrived: it is never made twice.
   */
  change(plan: (tree: Tree) => Promise<Plan>, how?: PushHow): Promise<Changed>;
  readonly waiting: number;
}

export interface Tree extends Pick<Clone, 'history' | 'show' | 'folder'> {
  readonly head: string;
  /** Undefined where there is no such file. */
  file(path: string): Promise<string | undefined>;
}

export interface FileEdit {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

export interface Plan {
  readonly files: readonly FileEdit[];
  readonly message: string;
  /** `Name <address>` */
  readonly author: string;
}

export interface PushHow {
  /** One of the change's own, that nobody else pushes to. Undefined: the branch itself. */
  readonly branch?: string;
  readonly options?: readonly string[];
}

export interface Changed {
  /** Undefined: the files are as they should be already, nothing was committed. */
  readonly commit?: string;
  readonly plan: Plan;
  /** How often it was made, races included. */
  readonly tries: number;
}

export interface EngineOptions extends CloneOptions {
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly log: (message: string) => void;
  /** Looks at the edited files before they are committed; throws to stop it. */
  readonly check?: (folder: string, files: readonly FileEdit[]) => Promise<void>;
  readonly triesMax?: number;
  readonly waitingMax?: number;
  /** Another push came first; or the server could not be reached, or gave no answer. */
  readonly onRetry?: (why: 'lost' | 'failed') => void;
}

const TRIES_MAX = 30;
const WAITING_MAX = 500;
const DELAY_MS = 50;
const DELAY_MS_MAX = 1_500;

export function createEngine(options: EngineOptions): Engine {
  const queue = createQueue(options.waitingMax ?? WAITING_MAX);
  let clone: Clone | undefined;
  const fresh = async (): Promise<{ readonly clone: Clone; readonly head: string }> => {
    const opened = clone ?? (await openClone(options));
    clone = opened;
    try {
      return { clone: opened, head: await opened.refresh() };
    } catch (error) {
      if (!(error instanceof SamovarError) || error.code !== 'storage') throw error;
      options.log(`the clone is made anew: ${describeError(error)}`);
      await rm(options.folder, { recursive: true, force: true });
      clone = await openClone(options);
      return { clone, head: await clone.refresh() };
    }
  };
  return {
    read: (look) => queue.run(async () => look(treeOf(await fresh()))),
    change: (plan, how = {}) => queue.run(() => attempts(plan, how, fresh, options)),
    get waiting() {
      return queue.waiting;
    },
  };
}

function treeOf({ clone, head }: { readonly clone: Clone; readonly head: string }): Tree {
  const { folder, history, show } = clone;
  return {
    head,
    folder,
    history,
    show,
    file: (path) =>
      readFile(join(folder, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(error.code ?? '')) return undefined;
        throw error;
      }),
  };
}

async function attempts(
  plan: (tree: Tree) => Promise<Plan>,
  how: PushHow,
  fresh: () => Promise<{ readonly clone: Clone; readonly head: string }>,
  { place, sleep, random, signal, check, log, onRetry, triesMax = TRIES_MAX }: EngineOptions,
): Promise<Changed> {
  // Any of them may have arrived, and later than the next was made; even one that seems to have lost: HTTP clients send again by
  // themselves what had no answer, and the second time the branch has moved.
  const unsure: { readonly commit: string; readonly plan: Plan }[] = [];
  let seen: unknown;
  for (let tries = 1; tries <= triesMax; tries += 1) {
    if (tries > 1) await sleep(Math.min(DELAY_MS * 2 ** tries, DELAY_MS_MAX) * random(), signal);
    try {
      const now = await fresh();
      for (const one of unsure) if (await now.clone.contains(one.commit)) return { ...one, tries };
      const made = await plan(treeOf(now));
      const commit = await commitPlan(now.clone, made, check);
      if (commit === undefined) return { plan: made, tries };
      unsure.push({ commit, plan: made });
      const pushed = await push(how.branch ?? place.branch, how, now.clone.options);
      if (pushed === 'pushed') return { commit, plan: made, tries };
      onRetry?.('lost');
      log('somebody else pushed first: the change is made again on what is there now');
    } catch (error) {
      if (!isRetryable(error)) throw error;
      seen = error;
      onRetry?.('failed');
      log(`tried again: ${describeError(error)}`);
    }
  }
  if (seen !== undefined) throw seen;
  throw new SamovarError('conflict', `somebody else pushed first ${triesMax} times in a row`, {
    subject: place.branch,
    remedy: 'Ask again when less is going on there.',
  });
}

async function commitPlan(
  clone: Clone,
  { files, message, author }: Plan,
  check: EngineOptions['check'],
): Promise<string | undefined> {
  const changed = files.filter(({ before, after }) => before !== after);
  if (changed.length === 0) return undefined;
  for (const { path, after } of changed) await writeFile(join(clone.folder, path), after);
  await check?.(clone.folder, changed);
  return clone.commit(
    changed.map(({ path }) => path),
    message,
    author,
  );
}
