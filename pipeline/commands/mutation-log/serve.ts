import { performance } from 'node:perf_hooks';
import pLimit from 'p-limit';
import type { CommandModule } from 'yargs';
import type { Bucket } from '../../backends/bucket/contract.ts';
import { parseRoot } from '../../backends/bucket/index.ts';
import { listAll } from '../../backends/bucket/list-all.ts';
import type { Context } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import { type ReplayProgress, replayLog } from '../../jobs/mutation-replay.ts';
import { createMetrics } from '../../monitor/metrics.ts';
import { openBucketLog } from '../../mutation-log/bucket-log.ts';
import type { LogSource } from '../../mutation-log/contract.ts';
import { openLogWriter } from '../../mutation-log/writer.ts';
import { encodeMutation } from '../../records/mutation/codec.ts';
import { keepUp, type ReplayOnce } from '../../serve/keep-up.ts';
import type { Served, ServedLog, ServedRepo } from '../../serve/served.ts';
import { bucketServedLog } from '../../serve/served-log.ts';
import { startServer } from '../../serve/server.ts';
import type { CorpusRepo } from '../../store/corpus-types.ts';
import type { Store } from '../../store/open.ts';
import { type CommonArgs, commonOptions, withContext } from '../run.ts';

const SECOND_MS = 1_000;
const REPLAYS_AT_ONCE = 2;
const REQUESTS_IN_FLIGHT = 8;
/** Small transactions: requests are answered between two of them. */
const REPLAY_BATCH_BYTES = 512 * 1024;

type Args = CommonArgs & {
  readonly repositories?: readonly string[] | undefined;
  readonly grpc?: string | undefined;
  readonly http?: string | undefined;
  readonly internal?: string | undefined;
  readonly every: number;
  readonly 'read-only': boolean;
  readonly redirect: boolean;
};

export const serveCommand: CommandModule<object, Args> = {
  command: 'serve [repositories..]',
  describe: 'Serve issues of repositories over gRPC and JSON, and their logs to followers',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repositories', {
        type: 'string',
        array: true,
        describe: 'OWNER/REPO; default: every log there is',
      })
      .option('grpc', {
        type: 'string',
        describe: 'HOST:PORT or PORT of drghs.v1.IssueService (default 6343)',
      })
      .option('http', {
        type: 'string',
        describe: 'HOST:PORT or PORT of the JSON form, /logs, /readyz, /metrics (default 8080)',
      })
      .option('internal', {
        type: 'string',
        describe: 'HOST:PORT or PORT of TombstoneIssues; it writes to logs that nobody else writes to',
      })
      .option('every', { type: 'number', default: 10, describe: 'Seconds between two looks for new records' })
      .option('read-only', {
        type: 'boolean',
        default: false,
        describe: 'Replay nothing: another process keeps the database up to date',
      })
      .option('redirect', {
        type: 'boolean',
        default: true,
        describe:
          "Send followers to the bucket's own address for frozen segments; --no-redirect: serve them here",
      })
      .example('$0 mutation-log serve', 'every repository that has a log')
      .example(
        '$0 mutation-log serve golang/go --grpc 0.0.0.0:80 --http 0.0.0.0:8080',
        'one repository, for everyone',
      ),
  handler: (args) =>
    withContext(args, (context) => serve(context, args), { mutationLog: true, graceful: true }),
};

async function serve(context: Context, args: Args): Promise<number> {
  if (args['read-only'] && args.internal !== undefined)
    throw new SamovarError('config', '--internal writes, and --read-only forbids it', {
      remedy: 'Leave one of them out.',
    });
  assertNames(args.repositories ?? []);
  const { bucketUrl, prefix } = parseRoot(context.settings.mutationLog.logs);
  const bucket = context.openBucket(bucketUrl, { requestsInFlight: REQUESTS_IN_FLIGHT });
  const store = args['read-only'] ? context.openStore() : await context.holdStore('mutation-log serve');
  const place: Place = { context, store, bucket, prefix, args, turn: pLimit(REPLAYS_AT_ONCE) };
  const { served, done } = args['read-only'] ? readOnly(place) : await following(place);
  const { close, ...addresses } = await startServer(serverOptions(context, args, served));
  context.log.info({ ...addresses, repositories: served.repos().length }, 'serving');
  await Promise.all([stopped(context.stopping).then(close), done]);
  return 0;
}

function serverOptions(context: Context, { grpc = '6343', http = '8080', internal }: Args, served: Served) {
  const { progress, nowMs } = context;
  const apiKey = context.secret('api_key');
  return {
    served,
    addresses: { grpc, http, ...(internal !== undefined && { internal }) },
    encodeTombstone: (owner: string, repo: string, number: number) =>
      encodeMutation({ githubIssue: { owner, repo, number, notExist: true } }),
    progress,
    metrics: createMetrics(progress),
    nowMs,
    monotonicMs: () => performance.now(),
    log: (message: string, error: unknown) => context.log.warn({ reason: describeError(error) }, message),
    // The key is a secret that all servers of one kind share: tokens of one are read by the others.
    ...(apiKey !== undefined && { apiKey, tokenSecret: apiKey }),
  };
}

interface Place {
  readonly context: Context;
  readonly store: Store;
  readonly bucket: Bucket;
  /** Of all logs; ends with a slash. */
  readonly prefix: string;
  readonly args: Args;
  readonly turn: ReturnType<typeof pLimit>;
}

interface Running {
  readonly served: Served;
  /** When nothing is replayed any more. */
  readonly done: Promise<unknown>;
}

/** What another process keeps, as it is at each moment. */
function readOnly({ store, bucket, prefix, args }: Place): Running {
  const state = () => ({ ready: true, detail: 'kept by another process' });
  const { redirect, repositories: repos = [] } = args;
  const named = ({ owner, name }: CorpusRepo) => repos.length === 0 || repos.includes(`${owner}/${name}`);
  const logs = new Map<number, ServedLog>();
  const one = (repo: CorpusRepo): ServedRepo => {
    const log = logs.get(repo.id) ?? bucketServedLog(bucket, logPrefix(prefix, repo), { redirect });
    logs.set(repo.id, log);
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
async function following(place: Place): Promise<Running> {
  const names = await namesOf(place);
  const running = names.map((full) => followRepo(place, full));
  const byName = new Map(running.map(({ served }, at) => [names[at], served]));
  const served: Served = {
    repos: () => [...byName.values()],
    find: (owner, name) => byName.get(`${owner}/${name}`),
    logins: place.store.corpus,
  };
  return { served, done: Promise.all(running.map(({ done }) => done)) };
}

function followRepo(place: Place, full: string) {
  const { context, store, bucket, args } = place;
  const [owner = '', name = ''] = full.split('/');
  const repo = store.corpus.repo(owner, name);
  const prefix = logPrefix(place.prefix, repo);
  const replay = replayer(place, repo, openBucketLog(bucket, prefix));
  const kept = keepUp({
    replay,
    pollMs: args.every * SECOND_MS,
    sleep: context.sleep,
    signal: context.stopping,
    log: (message, error) => context.log.warn({ repository: full, reason: describeError(error) }, message),
  });
  const write = async (payloads: readonly Uint8Array[]) => {
    await writeRecords(place, prefix, full, payloads);
    await replay({ rebuild: false, onProgress: () => undefined });
  };
  const served: ServedRepo = {
    repo,
    log: bucketServedLog(bucket, prefix, { redirect: args.redirect }),
    state: kept.state,
    ...(args.internal !== undefined && { write }),
  };
  return { served, done: kept.done };
}

/** Looks at the log's segments, and reads it when they are others than after the last replay. */
function replayer({ context, store, turn }: Place, repo: CorpusRepo, source: LogSource): ReplayOnce {
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
  { context, bucket }: Place,
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

function assertNames(repos: readonly string[]): void {
  for (const repo of repos) {
    if (/^[.:\w-]+\/[.:\w-]+$/.test(repo)) continue;
    throw new SamovarError('config', `${JSON.stringify(repo)} is not OWNER/REPO`, { subject: repo });
  }
}

/** Those that were named; else those that have a log, or are in the database. */
async function namesOf({ args, store, bucket, prefix, context }: Place): Promise<readonly string[]> {
  const { repositories: repos = [] } = args;
  if (repos.length > 0) return [...new Set(repos)].sort();
  const known = store.corpus.repos().map(({ owner, name }) => `${owner}/${name}`);
  const owners = await foldersOf(bucket, prefix, context.signal);
  const logs = (await Promise.all(owners.map((owner) => foldersOf(bucket, owner, context.signal)))).flat();
  const names = [...new Set([...known, ...logs.map((folder) => folder.slice(prefix.length, -1))])].sort();
  if (names.length > 0) return names;
  throw new SamovarError('config', `there is no log below ${bucket.url}/${prefix}`, {
    remedy: 'Name repositories (OWNER/REPO), or run `samovar mutation-log sync` first.',
  });
}

async function foldersOf(bucket: Bucket, prefix: string, signal: AbortSignal): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const page of listAll(bucket, prefix, { delimited: true, signal }))
      found.push(...page.prefixes);
    return found;
  } catch (error) {
    // A folder that nobody has made yet.
    if (error instanceof SamovarError && error.code === 'missing') return [];
    throw error;
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
