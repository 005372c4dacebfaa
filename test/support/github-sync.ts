import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { openGithub } from '../../pipeline/collect/sources/github/client.ts';
import { replayLog } from '../../pipeline/jobs/mutation-replay.ts';
import { type RepoSynced, syncRepo } from '../../pipeline/jobs/mutation-sync.ts';
import type { SyncContext } from '../../pipeline/jobs/mutation-sync-state.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import type { LogWriter } from '../../pipeline/mutation-log/contract.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { openStore, type Store } from '../../pipeline/store/open.ts';
import { leftByDead } from './dead-writer.ts';
import { type GithubServer, type GithubServerOptions, startGithub } from './github-server.ts';
import { corpusView, type RepoView } from './github-state.ts';

/** A fake GitHub and one who follows it: real client, real database, real log in a folder that is a bucket. */
export interface Following {
  readonly server: GithubServer;
  /** Time since the beginning goes by GitHub's clock, plus this. */
  skewMs: number;
  /** One turn of o/r, with everything opened anew, as a process does that was just started. */
  turn: (over?: Partial<SyncContext>, change?: ChangeContext) => Promise<RepoSynced>;
  /** What the database knows. */
  known(repo?: string): RepoView;
  condition(): { readonly state: string; readonly renamedTo?: string };
  /** What the log in the bucket adds up to, in a database of its own. */
  replayed(): Promise<RepoView>;
  records(): Promise<number>;
  /** Milliseconds that were waited for GitHub. */
  waitedMs: number;
}

/** Puts something between the turn and what it works with. */
export type ChangeContext = (context: SyncContext) => SyncContext;

export interface FollowingOptions extends GithubServerOptions {
  readonly followerTokens?: readonly string[];
  readonly timeoutMs?: number;
}

let counter = 0;

export async function follow(folder: string, options: FollowingOptions = {}): Promise<Following> {
  counter += 1;
  const home = join(folder, `following-${counter}`);
  const server = await startGithub(options);
  onTestFinished(() => server.close());
  const following: Following = {
    ...{ server, skewMs: 0, waitedMs: 0 },
    turn: (over, change) => turn({ following, home, options }, over, change),
    known: (repo = 'o/r') => withStore(home, (store) => corpusView(repoIn(store, repo))),
    condition: () => withStore(home, (store) => repoIn(store, 'o/r').condition()),
    replayed: () => replayed(home),
    records: async () => {
      let records = 0;
      for await (const _ of openBucketLog(bucketIn(home), 'o/r/').read()) records += 1;
      return records;
    },
  };
  return following;
}

const bucketIn = (home: string) =>
  openBucket(`file:${join(home, 'logs')}`, { timeoutMs: 10_000, connections: 2 });

function withStore<T>(home: string, work: (store: Store) => T): T {
  const store = openStore(join(home, 'corpus.db'), { nowMs: () => 0 });
  try {
    return work(store);
  } finally {
    store.close();
  }
}

function repoIn(store: Store, fullName: string) {
  const [owner = '', name = ''] = fullName.split('/');
  const repo = store.corpus.find(owner, name);
  if (repo === undefined) throw new Error(`the corpus has no ${fullName}`);
  return repo;
}

interface Home {
  readonly following: Following;
  readonly home: string;
  readonly options: FollowingOptions;
}

async function turn(
  { following, home, options }: Home,
  over: Partial<SyncContext> = {},
  change: ChangeContext = (context) => context,
): Promise<RepoSynced> {
  const { server } = following;
  const nowMs = () => server.world.nowMs + following.skewMs;
  const sleep = async (ms: number) => {
    following.waitedMs += ms;
    server.world.nowMs += ms;
  };
  const github = await openGithub({
    ...{ endpoint: server.endpoint, tokens: options.followerTokens ?? ['one'], nowMs, sleep, retryBaseMs: 1 },
    timeoutMs: options.timeoutMs ?? 10_000,
  });
  const store = openStore(join(home, 'corpus.db'), { nowMs });
  try {
    const context: SyncContext = {
      ...{ store, github, nowMs, overlapMs: 120_000, flushMs: 60_000, deletionGraceMs: 1_800_000 },
      reconcileMs: 86_400_000,
      openWriter: () => {
        leftByDead(join(home, 'wal'));
        return openWriter(home, nowMs);
      },
      ...over,
    };
    return await syncRepo(change(context), { owner: 'o', name: 'r' });
  } finally {
    store.close();
  }
}

export function openWriter(home: string, nowMs: () => number): Promise<LogWriter> {
  return openLogWriter({ bucket: bucketIn(home), prefix: 'o/r/', folder: join(home, 'wal'), nowMs });
}

async function replayed(home: string): Promise<RepoView> {
  const store = openStore(':memory:', { nowMs: () => 0 });
  try {
    const repo = store.transaction(() => store.corpus.repo('o', 'r'));
    await replayLog({ store, repo, source: openBucketLog(bucketIn(home), 'o/r/') });
    return corpusView(repo);
  } finally {
    store.close();
  }
}
