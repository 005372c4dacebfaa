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
}

/** Everybody's turn, once or again and again. One repository's failure is told and leaves the others alone; gives the last turns' results. */
export async function syncAll(
  context: SyncContext,
  repos: readonly RepoToSync[],
  loop: SyncLoop,
): Promise<readonly RepoResult[]> {
  const limit = pLimit(loop.threads);
  const turn = (repo: RepoToSync) => limit(() => syncOne(context, repo, loop));
  if (loop.everyMs === undefined) return Promise.all(repos.map(turn));
  const last = new Map<string, RepoResult>();
  while (loop.stopping?.aborted !== true && context.signal?.aborted !== true) {
    for (const result of await Promise.all(repos.map(turn))) last.set(result.repo, result);
    await loop.sleep(loop.everyMs, loop.stopping);
  }
  return [...last.values()];
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
