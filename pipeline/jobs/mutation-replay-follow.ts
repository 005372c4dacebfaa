import type { LogPosition } from '../mutation-log/contract.ts';
import type { Follower } from '../mutation-log/follow.ts';
import type { CorpusRepo } from '../store/corpus-types.ts';
import type { Store } from '../store/open.ts';
import { type ReplayOptions, replayLog } from './mutation-replay.ts';

/** Between two looks at a server that always has something new. */
const PAUSE_MS = 1_000;

export interface FollowJob {
  readonly store: Pick<Store, 'transaction'>;
  readonly repo: CorpusRepo;
  readonly follower: Follower;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export interface FollowJobOptions extends ReplayOptions {
  /** Ends when what the server had at the beginning is replayed. */
  readonly once?: boolean;
  /** Told after each replay that brought something, and after the first one. */
  readonly onReplayed?: (replayed: FollowResult) => void;
}

export interface FollowResult {
  /** Since the following began. */
  readonly records: number;
  /** Headers included. */
  readonly bytes: number;
  readonly position: LogPosition | undefined;
}

/**
 * Keeps a repository of the corpus at the end of another server's log, until the signal: that is its ordinary end. Throws `conflict`
 * when the server's history split, or is not what the corpus was made from; `rebuild` then forgets both and begins anew.
 */
export async function followLog(job: FollowJob, options: FollowJobOptions = {}): Promise<FollowResult> {
  const state = { records: 0, bytes: 0 };
  try {
    await follow(job, options, state);
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
  }
  return { ...state, position: job.repo.position() };
}

async function follow(
  { follower, repo, store, sleep }: FollowJob,
  options: FollowJobOptions,
  state: { records: number; bytes: number },
): Promise<void> {
  const { once = false, rebuild = false, signal } = options;
  if (rebuild) await follower.clear();
  await follower.update({ wait: false, signal });
  const replay = { store, repo, source: follower.source };
  for (let first = true; ; first = false) {
    const { records, bytes, position } = await replayLog(replay, { ...options, rebuild: rebuild && first });
    state.records += records;
    state.bytes += bytes;
    if (first || records > 0) options.onReplayed?.({ ...state, position });
    if (once) return;
    do await sleep(PAUSE_MS, signal);
    while (!(await follower.update({ wait: true, signal })));
  }
}
