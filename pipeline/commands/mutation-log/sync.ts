import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { parseRoot } from '../../backends/bucket/index.ts';
import { type Github, openGithub } from '../../collect/sources/github/client.ts';
import { loadRepos } from '../../config/repos.ts';
import { shippedFile } from '../../config/shipped.ts';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import type { RepoToSync } from '../../jobs/mutation-sync.ts';
import { type RepoResult, syncAll } from '../../jobs/mutation-sync-loop.ts';
import type { SyncContext, SyncStep } from '../../jobs/mutation-sync-state.ts';
import type { Task } from '../../monitor/contract.ts';
import { openLogWriter } from '../../mutation-log/writer.ts';
import { syncText } from '../../show/mutation-sync.ts';
import { startProgress } from '../../show/progress.ts';
import { intervalMs } from '../intervals.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { repoOf } from './log-place.ts';
import { createRoundLoader } from './sync-load.ts';
import { startSyncMonitor } from './sync-monitor.ts';

const REQUESTS_IN_FLIGHT = 8;
const HOUR_MS = 3_600_000;
const SLEEP_MS = 30_000;

type Args = CommonArgs & {
  readonly repositories?: readonly string[] | undefined;
  readonly repos?: string | undefined;
  readonly once: boolean;
  readonly every?: string | undefined;
  readonly threads: number;
  readonly 'deletions-hours': number;
  readonly load: boolean;
  readonly monitor?: string | undefined;
  readonly 'dry-run': boolean;
};

export const syncCommand: CommandModule<object, Args> = {
  command: 'sync [repositories..]',
  describe: 'Follow repositories on GitHub: what changed goes into their mutation logs',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repositories', {
        type: 'string',
        array: true,
        describe: 'OWNER/REPO; default: those of the file of repositories',
      })
      .option('repos', { type: 'string', describe: 'File or bucket URL of repositories (SAMOVAR_REPOS)' })
      .option('once', { type: 'boolean', default: false, describe: 'One turn of each, then end' })
      .option('every', {
        type: 'string',
        describe: 'Time between two turns: 30s, 5m; minutes where no unit is written (default 5m)',
      })
      .option('threads', { type: 'number', default: 4, describe: 'Repositories at once' })
      .option('deletions-hours', {
        type: 'number',
        default: 24,
        describe: 'Hours between two whole listings, which find what was deleted or transferred',
      })
      .option('load', {
        type: 'boolean',
        default: false,
        describe: 'After each round, bring what is new into the warehouse',
      })
      .option('monitor', {
        type: 'string',
        describe: 'HOST:PORT or PORT of /healthz, /readyz and /metrics while it runs (monitor_address)',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Ask GitHub, say how much would be written, write nothing',
      })
      .example('$0 mutation-log sync kubernetes/test-infra --once --dry-run', 'how much is there to do')
      .example(
        'SAMOVAR_GITHUB_TOKENS=… $0 mutation-log sync --repos config/repos.yaml',
        'until it is stopped',
      )
      .epilogue(
        'Tokens: SAMOVAR_GITHUB_TOKENS or GITHUB_TOKEN, several with commas between them, or github_token_file.',
      ),
  handler: (args) =>
    withContext(args, (context) => sync(context, args), { mutationLog: true, graceful: true }),
};

async function sync(context: Context, args: Args): Promise<number> {
  const repos = await wanted(context, args);
  const task = context.progress.stage('mutation-log sync').task('repositories');
  const sleep = watchedSleep(context, task);
  const github = await connect(context, sleep);
  const dryRun = args['dry-run'];
  const once = args.once || dryRun;
  const store = dryRun ? context.openStore({ dryRun }) : await context.holdStore('mutation-log sync');
  const load = args.load && !dryRun ? await createRoundLoader(context, store) : undefined;
  await startSyncMonitor(context, store, args['tables-file']);
  let loaded = true;
  const startedMs = context.nowMs();
  const { steps, end } = shown(context, github, task);
  const results = await syncAll(syncContext(context, args, { github, store, onStep: steps }), repos, {
    threads: args.threads,
    sleep,
    stopping: context.stopping,
    onResult: (result) => tell(context, result, once),
    onRound: async () => {
      loaded = (await load?.()) ?? true;
    },
    ...(!once && {
      everyMs:
        args.every === undefined
          ? context.settings.mutationLog.syncMs
          : intervalMs(args.every, '--every', 60_000),
    }),
  }).finally(end);
  const summary = {
    repositories: results,
    requests: github.requests(),
    quotas: github.quotas(),
    dryRun,
    seconds: (context.nowMs() - startedMs) / 1000,
  };
  await print(context, args.json ? JSON.stringify(summary) : syncText(summary));
  return loaded && results.every((result) => !('failure' in result)) ? 0 : 1;
}

/** Repositories of the command line, else of the file of repositories. */
async function wanted(context: Context, args: Args): Promise<readonly RepoToSync[]> {
  if (args.repositories !== undefined && args.repositories.length > 0) return args.repositories.map(repoOf);
  const place = args.repos ?? context.settings.mutationLog.reposFile ?? shippedFile('config/repos.yaml');
  const repos = await loadRepos(place, (url) => readObject(context, url));
  const followed = repos.filter(({ issues }) => issues);
  if (followed.length > 0) return followed;
  throw new SamovarError('config', `${place} has no repository to follow`, {
    subject: place,
    remedy: 'Name one on the command line, or in the file.',
  });
}

async function readObject(context: Context, url: string): Promise<string> {
  const slash = url.lastIndexOf('/');
  const { bucketUrl, prefix } = parseRoot(`${url.slice(0, slash)}/`);
  const bucket = context.openBucket(bucketUrl, { requestsInFlight: 1 });
  const found = await bucket.read(`${prefix}${url.slice(slash + 1)}`);
  if (typeof found === 'object') return Buffer.from(found.bytes).toString('utf8');
  throw new SamovarError('config', `there is no list of repositories at ${url}`, { subject: url });
}

async function connect(context: Context, sleep: Context['sleep']): Promise<Github> {
  const { githubEndpoint: endpoint, githubApp } = context.settings.mutationLog;
  const tokens = (context.secret('github_tokens') ?? '').split(/[\s,]+/).filter((token) => token !== '');
  return openGithub({
    endpoint,
    tokens,
    ...(githubApp && { app: { id: githubApp.id, privateKey: readFileSync(githubApp.keyFile, 'utf8') } }),
    timeoutMs: context.settings.requestTimeoutMs,
    nowMs: context.nowMs,
    random: context.random,
    sleep,
    onWait: (ms) =>
      context.log.warn(
        { minutes: Math.ceil(ms / 60_000) },
        'all tokens have used up their requests: waiting',
      ),
  });
}

function syncContext(
  context: Context,
  args: Args,
  given: Pick<SyncContext, 'github' | 'store'> & { readonly onStep: (step: SyncStep) => void },
): SyncContext {
  const { mutationLog } = context.settings;
  return {
    ...given,
    nowMs: context.nowMs,
    signal: context.signal,
    dryRun: args['dry-run'],
    overlapMs: mutationLog.overlapMs,
    flushMs: mutationLog.flushMs,
    deletionGraceMs: mutationLog.deletionGraceMs,
    reconcileMs: args['deletions-hours'] * HOUR_MS,
    warn: (message, details) => context.log.warn(details, message),
    openWriter: async (owner, name) => {
      const { bucketUrl, prefix } = parseRoot(`${mutationLog.logs}/${owner}/${name}/`);
      return openLogWriter({
        bucket: context.openBucket(bucketUrl, { requestsInFlight: REQUESTS_IN_FLIGHT }),
        prefix,
        folder: join(mutationLog.walDir, owner, name),
        nowMs: context.nowMs,
        signal: context.signal,
      });
    },
  };
}

/** Waiting for the next turn, or for GitHub's next hour, is not being stuck. */
function watchedSleep({ sleep }: Context, task: Task): Context['sleep'] {
  return async (ms, signal) => {
    for (let left = ms; left > 0 && signal?.aborted !== true; left -= SLEEP_MS) {
      task.step('waiting');
      await sleep(Math.min(left, SLEEP_MS), signal);
    }
  };
}

/** A line of what goes on, and the watchdog's view of it. */
function shown(context: Context, github: Github, task: Task) {
  let seen = 0;
  const current = new Map<string, SyncStep>();
  const steps = (step: SyncStep) => {
    current.set(step.repo, step);
    task.step(`${step.repo}: ${step.step}`);
  };
  const end = startProgress({
    label: 'syncing',
    unit: 'mutations',
    read: () => {
      const all = [...current.values()];
      const { sent } = github.requests();
      // Requests are progress too: a long listing takes many.
      if (sent > seen) task.step();
      seen = sent;
      const left = github.quotas().reduce((sum, { remaining }) => sum + remaining, 0);
      return {
        done: all.reduce((sum, { mutations }) => sum + mutations, 0),
        total: 0,
        details: `${sent} requests, ${left} left; ${all.map(({ repo, step }) => `${repo}: ${step}`).join(', ')}`,
      };
    },
    interactive: context.interactive,
    stderr: context.stderr,
    log: context.log,
    nowMs: context.nowMs,
  });
  return {
    steps,
    end: () => {
      end();
      task.end();
    },
  };
}

function tell(context: Context, result: RepoResult, once: boolean): void {
  if ('failure' in result)
    context.log.error({ repo: result.repo, reason: result.failure }, 'a repository could not be synced');
  else if (!once) context.log.info({ ...result }, `${result.repo} is up to date`);
}
