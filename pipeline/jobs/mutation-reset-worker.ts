import type { LogWriter } from '../mutation-log/contract.ts';
import type { Store } from '../store/open.ts';
import type { RepoName } from './mutation-copy-names.ts';
import type { WorkerState } from './mutation-reset-state.ts';

/** Whoever follows a repository and writes its log: a Deployment, or a sync on this machine. All of it may be called again. */
export interface ResetWorker {
  /** What it is, and what is to be known to start it again. */
  look(): Promise<{ readonly text: string; readonly state: WorkerState }>;
  stop(): Promise<void>;
  isStopped(): Promise<boolean>;
  /** Brings into the bucket what it has written and not uploaded. Nobody holds the log. */
  settle?(): Promise<void>;
  /** Forgets what it knows beside the log, which is gone. */
  forget?(): Promise<void>;
  start(state: WorkerState): Promise<void>;
  isStarted(): Promise<boolean>;
  /** True when all of the repository was asked for anew. Without it: when the log no longer grows. */
  isFetched?(): Promise<boolean>;
}

export interface LocalWorker {
  readonly store: Pick<Store, 'transaction' | 'github' | 'corpus'>;
  readonly repo: RepoName;
  /** Opens the log as the sync does; undefined: this machine has written nothing that is not uploaded. */
  readonly openWriter: () => Promise<LogWriter | undefined>;
  /** Removes what the writer keeps on this disk. */
  readonly discard: () => Promise<void>;
}

const REASON = 'its log is being reset';

/** `samovar mutation-log sync` with this machine's database, whether it runs or not: it passes over what is paused. */
export function localWorker({ store, repo, openWriter, discard }: LocalWorker): ResetWorker {
  const { github, corpus } = store;
  const known = () => store.transaction(() => corpus.repo(repo.owner, repo.name));
  const pause = (reason: string | undefined) => {
    const { id } = known();
    store.transaction(() => github.setPaused(id, reason));
  };
  return {
    look: async () => ({
      text: 'the sync with this database passes over the repository',
      state: { name: 'sync', replicas: 1 },
    }),
    stop: async () => pause(REASON),
    // A turn that is under way holds the log until it is over.
    isStopped: async () => true,
    settle: async () => {
      const writer = await openWriter();
      await writer?.close();
    },
    forget: async () => {
      const found = known();
      store.transaction(() => {
        found.clear();
        github.forget(found.id);
        github.setPaused(found.id, REASON);
      });
      await discard();
    },
    start: async () => pause(undefined),
    isStarted: async () => true,
    isFetched: async () => github.sync(known().id).syncedAt !== undefined,
  };
}
