import pLimit from 'p-limit';
import type { Bucket } from '../../backends/bucket/contract.ts';
import type { Context } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import { type ReplayProgress, replayLog } from '../../jobs/mutation-replay.ts';
import { openBucketLog } from '../../mutation-log/bucket-log.ts';
import type { LogSource } from '../../mutation-log/contract.ts';
import { findLogs } from '../../mutation-log/discover.ts';
import { openLogWriter } from '../../mutation-log/writer.ts';
import { keepUp, type ReplayOnce } from '../../serve/keep-up.ts';
import type { Served, ServedLog, ServedRepo } from '../../serve/served.ts';
import { bucketServedLog } from '../../serve/served-log.ts';
import type { CorpusRepo } from '../../store/corpus-types.ts';
import type { Store } from '../../store/open.ts';

const REPLAYS_AT_ONCE = 2;
/** Small transactions: requests are answered between two of them. */
const REPLAY_BATCH_BYTES = 512 * 1024;

/** Where logs are, and what is to be served of them. */
export interface ServePlace {
  readonly context: Context;
  readonly store: Store;
  readonly bucket: Bucket;
  /** Of all logs; ends with a slash. */
  readonly prefix: string;
  /** `OWNER/REPO`; none: all there are. */
  readonly repositories: readonly string[];
  readonly redirect: boolean;
  /** Between two looks for new records. */
  readonly everyMs: number;
  /** TombstoneIssues may write. */
  readonly writes: boolean;
}

type Turn = ReturnType<typeof pLimit>;

export interface Running {
  readonly served: Served;
  /** When nothing is replayed any more. */
  readonly done: Promise<unknown>;
}

/** What another process keeps, as it is at each moment. */
export function readOnly({ store, bucket, prefix, redirect, repositories }: ServePlace): Running {
  const named = ({ owner, name }: CorpusRepo) =>
    repositories.length === 0 || repositories.includes(`${owner}/${name}`);
  const logs = new Map<number, ServedLog>();
  const one = (repo: CorpusRepo): ServedRepo => {
    const log = logs.get(repo.id) ?? bucketServedLog(bucket, logPrefix(prefix, repo), { redirect });
    logs.set(repo.id, log);
    const state = () =>
      repo.position() === undefined
        ? { ready: false, detail: 'nothing is replayed yet' }
        : { ready: true, detail: 'kept by another process' };
    return { repo, state, log };
  };
  const served: Served = {
    repos: () => store.corpus.repos().filter(named).map(one),
    find: (owner, name) => {
      const repo = store.corpus.find(owner, name);
      return repo && named(repo) ? one(repo) : undefined;
    },
    logins: store.corpus,
  };
  return { served, done: Promise.resolve() };
}

/** Replays each log in the background, again and again. */
export async function following(place: ServePlace): Promise<Running> {
  const names = await namesOf(place);
  const turn = pLimit(REPLAYS_AT_ONCE);
  const running = names.map((full) => followRepo(place, full, turn));
  const byName = new Map(running.map(({ served }, at) => [names[at], served]));
  const served: Served = {
    repos: () => [...byName.values()],
    find: (owner, name) => byName.get(`${owner}/${name}`),
    logins: place.store.corpus,
  };
  return { served, done: Promise.all(running.map(({ done }) => done)) };
}

function followRepo(place: ServePlace, full: string, turn: Turn) {
  const { context, store, bucket, redirect, everyMs } = place;
  const [owner = '', name = ''] = full.split('/');
  const repo = store.corpus.repo(owner, name);
  const prefix = logPrefix(place.prefix, repo);
  const replay = replayer(place, turn, { repo, source: openBucketLog(bucket, prefix) });
  const kept = keepUp({
    replay,
    pollMs: everyMs,
    sleep: context.sleep,
    signal: context.stopping,
    log: (message, error) => context.log.warn({ repository: full, reason: describeError(error) }, message),
  });
  // One at a time: the log's folder has one writer.
  const oneWrite = pLimit(1);
  const write = async (payloads: readonly Uint8Array[]) => {
    await oneWrite(() => writeRecords(place, prefix, full, payloads));
    await replay({ rebuild: false, onProgress: () => undefined });
  };
  const served: ServedRepo = {
    repo,
    log: bucketServedLog(bucket, prefix, { redirect }),
    state: kept.state,
    ...(place.writes && { write }),
  };
  return { served, done: kept.done };
}

/** Looks at the log's segments, and reads it when they are others than after the last replay. */
function replayer(
  { context, store }: ServePlace,
  turn: Turn,
  { repo, source }: { readonly repo: CorpusRepo; readonly source: LogSource },
): ReplayOnce {
  const stage = context.progress.stage('replay');
  const signal = context.stopping;
  let seen: string | undefined;
  return ({ rebuild, onProgress }) =>
    turn(async () => {
      const segments = JSON.stringify(await source.segments({ signal }));
      if (segments === seen && !rebuild) return;
      const task = stage.task(`${repo.owner}/${repo.name}`);
      try {
        const told = (progress: ReplayProgress) => {
          task.step();
          onProgress(progress);
        };
        const options = { rebuild, signal, batchBytes: REPLAY_BATCH_BYTES, onProgress: told };
        await replayLog({ store, repo, source }, options);
        seen = segments;
      } finally {
        task.end();
      }
    });
}

function logPrefix(prefix: string, { owner, name }: CorpusRepo): string {
  return `${prefix}${owner}/${name}/`;
}

/** Takes the log over for as long as it takes; refuses while another process has it. */
async function writeRecords(
  { context, bucket }: ServePlace,
  prefix: string,
  full: string,
  payloads: readonly Uint8Array[],
): Promise<void> {
  const folder = `${context.settings.mutationLog.walDir}/${full}`;
  const writer = await openLogWriter({ bucket, prefix, folder, nowMs: context.nowMs });
  try {
    await writer.append(payloads);
  } finally {
    await writer.close();
  }
}

/** Those that were named; else those that have a log, or are in the database. */
async function namesOf({
  repositories,
  store,
  bucket,
  prefix,
  context,
}: ServePlace): Promise<readonly string[]> {
  if (repositories.length > 0) return [...new Set(repositories)].sort();
  const known = store.corpus.repos().map(({ owner, name }) => `${owner}/${name}`);
  const logs = await findLogs(bucket, prefix, { signal: context.signal });
  const names = [...new Set([...known, ...logs])].sort();
  if (names.length > 0) return names;
  throw new SamovarError('config', `there is no log below ${bucket.url}/${prefix}`, {
    remedy: 'Name repositories (OWNER/REPO), or run `samovar mutation-log sync` first.',
  });
}
