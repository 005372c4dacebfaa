import { performance } from 'node:perf_hooks';
import type { CommandModule } from 'yargs';
import { parseRoot } from '../../backends/bucket/index.ts';
import type { Context } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import { createMetrics } from '../../monitor/metrics.ts';
import { encodeMutation } from '../../records/mutation/codec.ts';
import type { Served } from '../../serve/served.ts';
import { startServer } from '../../serve/server.ts';
import type { Store } from '../../store/open.ts';
import { intervalMs } from '../intervals.ts';
import { type CommonArgs, commonOptions, withContext } from '../run.ts';
import { lagReader, lagValues } from './lag.ts';
import { repoOf } from './log-place.ts';
import { following, readOnly, type ServePlace } from './serve-logs.ts';

const SECOND_MS = 1_000;
const REQUESTS_IN_FLIGHT = 8;

type Args = CommonArgs & {
  readonly repositories?: readonly string[] | undefined;
  readonly grpc?: string | undefined;
  readonly http?: string | undefined;
  readonly internal?: string | undefined;
  readonly every: string;
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
      .option('every', {
        type: 'string',
        default: '10s',
        describe: 'Time between two looks for new records: 10s, 1m; seconds where no unit is written',
      })
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
  for (const name of args.repositories ?? []) repoOf(name);
  const { bucketUrl, prefix } = parseRoot(context.settings.mutationLog.logs);
  const bucket = context.openBucket(bucketUrl, { requestsInFlight: REQUESTS_IN_FLIGHT });
  const store = args['read-only'] ? context.openStore() : await held(context);
  const place: ServePlace = {
    ...{ context, store, bucket, prefix, repositories: args.repositories ?? [], redirect: args.redirect },
    everyMs: intervalMs(args.every, '--every', SECOND_MS),
    writes: args.internal !== undefined,
  };
  const { served, done } = args['read-only'] ? readOnly(place) : await following(place);
  const lagsOf = await lagReader(context, store, args['tables-file']);
  const metrics = createMetrics(context.progress);
  metrics.onScrape(() => lagValues(lagsOf(served.repos().map(({ repo }) => repo))));
  const { close, ...addresses } = await startServer({ ...serverOptions(context, args, served), metrics });
  context.log.info({ ...addresses, repositories: served.repos().length }, 'serving');
  await Promise.all([stopped(context.stopping).then(close), done]);
  return 0;
}

async function held(context: Context): Promise<Store> {
  try {
    return await context.holdStore('mutation-log serve');
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'conflict') throw error;
    throw new SamovarError('conflict', error.message, {
      subject: context.settings.db,
      remedy:
        'Serve what that process keeps with --read-only, or give this one a database of its own with --db.',
      cause: error.cause,
    });
  }
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
    nowMs,
    monotonicMs: () => performance.now(),
    log: (message: string, error: unknown) => context.log.warn({ reason: describeError(error) }, message),
    // The key is a secret that all servers of one kind share: tokens of one are read by the others.
    ...(apiKey !== undefined && { apiKey, tokenSecret: apiKey }),
  };
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
