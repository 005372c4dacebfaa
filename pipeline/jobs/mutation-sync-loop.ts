import pLimit from 'p-limit';
import { describeError } from '../errors.ts';
import { type RepoSynced, type RepoToSync, syncRepo } from './mutation-sync.ts';
import type { SyncContext } from './mutation-sync-state.ts';

export interface RepoFailed {
  readonly repo: string;
  /** What could not be done, in words. */
  readonly failure: string;
}

export type RepoResult = RepoSynced | RepoFailed;

export interface SyncLoop {
  /** Repositories at once. */
  readonly threads: number;
  /** Each repository's turns, until the signal; default: one. */
  readonly everyMs?: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Ends the loop between two turns. */
  readonly stopping?: AbortSignal;
  readonly onResult?: (result: RepoResult) => void;
  /** After everybody's turn, before the next. */
  readonly onRound?: () => Promise<unknown>;
}

/** Everybody's turn, once or again and again. One repository's failure is told and leaves the others alone; gives the last turns' results. */
export async function syncAll(
  context: SyncContext,
  repos: readonly RepoToSync[],
  loop: SyncLoop,
): Promise<readonly RepoResult[]> {
  const limit = pLimit(loop.threads);
  const turn = (repo: RepoToSync) => limit(() => syncOne(context, repo, loop));
  if (loop.everyMs === undefined) {
    const results = await Promise.all(repos.map(turn));
    await loop.onRound?.();
    return results;
  }
  const last = new Map<string, RepoResult>();
  const ended = () => loop.stopping?.aborted === true || context.signal?.aborted === true;
  while (!ended()) {
    for (const result of await Promise.all(repos.map(turn))) last.set(result.repo, result);
    if (!ended()) await loop.onRound?.();
    await untilDue(context, { ...loop, dueMs: context.nowMs() + loop.everyMs, ended, repos, turn }, last);
  }
  return [...last.values()];
}

/** How often it is looked whether a webhook has woken somebody. */
const WAKE_LOOK_MS = 1000;
/** Between two turns of one repository, however often it is woken: each takes a few requests of a limited number. */
const WAKE_GAP_MS = 30_000;

interface Waiting extends SyncLoop {
  readonly dueMs: number;
  readonly ended: () => boolean;
  readonly repos: readonly RepoToSync[];
  readonly turn: (repo: RepoToSync) => Promise<RepoResult>;
}

/** Until everybody's next turn; those who are woken meanwhile have theirs before. */
async function untilDue(
  context: SyncContext,
  waiting: Waiting,
  last: Map<string, RepoResult>,
): Promise<void> {
  const { corpus, github } = context.store;
  const woken = new Set<number>();
  const turnedMs = new Map<number, number>();
  const beganMs = context.nowMs();
  const idOf = ({ owner, name }: RepoToSync) => corpus.find(owner, name)?.id ?? 0;
  const isReady = (id: number) =>
    woken.has(id) && context.nowMs() - (turnedMs.get(id) ?? beganMs) >= WAKE_GAP_MS;
  while (!waiting.ended() && context.nowMs() < waiting.dueMs) {
    await waiting.sleep(Math.min(WAKE_LOOK_MS, waiting.dueMs - context.nowMs()), waiting.stopping);
    for (const id of github.takeWakes()) woken.add(id);
    const ready = waiting.repos.filter((repo) => isReady(idOf(repo)));
    for (const repo of ready) woken.delete(idOf(repo));
    for (const result of await Promise.all(ready.map(waiting.turn))) last.set(result.repo, result);
    for (const repo of ready) turnedMs.set(idOf(repo), context.nowMs());
  }
}

async function syncOne(context: SyncContext, repo: RepoToSync, loop: SyncLoop): Promise<RepoResult> {
  const name = `${repo.owner}/${repo.name}`;
  if (loop.stopping?.aborted === true) return { repo: name, failure: 'stopped before its turn' };
  const result = await syncRepo(context, repo).catch(
    (error: unknown): RepoFailed => ({ repo: name, failure: describeError(error) }),
  );
  loop.onResult?.(result);
  return result;
}
