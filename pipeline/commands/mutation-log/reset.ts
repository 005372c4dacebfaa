import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import type { BucketPlace } from '../../jobs/mutation-copy-hold.ts';
import { placeOfTemplate, type RepoName } from '../../jobs/mutation-copy-names.ts';
import { planReset, type ResetContext, resetLog } from '../../jobs/mutation-reset.ts';
import { localWorker, type ResetWorker } from '../../jobs/mutation-reset-worker.ts';
import { deploymentWorker } from '../../k8s/worker.ts';
import { openLogWriter } from '../../mutation-log/writer.ts';
import { planText, resetText, stepText } from '../../show/mutation-tools-reset.ts';
import { type ClusterArgs, clusterOptions, openNamedCluster } from '../k8s/cluster.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { buckets } from './copy.ts';
import { repoOf } from './log-place.ts';
import { counted } from './tools-repos.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

type Args = CommonArgs &
  ClusterArgs & {
    readonly repo: string;
    readonly log?: string | undefined;
    readonly undo?: string | undefined;
    readonly yes: boolean;
    readonly 'dry-run': boolean;
    readonly kubernetes: boolean;
    readonly namespace?: string | undefined;
    readonly 'wait-fetch': boolean;
    readonly 'wait-minutes': number;
    readonly 'poll-seconds': number;
  };

export const resetCommand: CommandModule<object, Args> = {
  command: 'reset <repo>',
  describe: 'Make a mutation log anew: stop its worker, archive and delete the log, fetch all of it again',
  builder: (yargs) =>
    clusterOptions(commonOptions(yargs))
      .positional('repo', { type: 'string', demandOption: true, describe: 'OWNER/REPO' })
      .option('log', {
        type: 'string',
        describe:
          'Where logs are, with {owner} and {repo} or {hash} (default: mutation_logs of the settings)',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Do it; else only say what would be done' })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only show what would be done, as without --yes',
      })
      .option('undo', {
        type: 'string',
        describe: 'Bring back what a reset archived: the latest, or that of TIME as it is told',
      })
      .option('kubernetes', {
        type: 'boolean',
        default: true,
        describe:
          'The worker is a Deployment with the labels owner and repository; --no-kubernetes: a sync with this database',
      })
      .option('namespace', {
        type: 'string',
        describe: "Of the Deployment (default: the context's, or the pod's own)",
      })
      .option('wait-fetch', {
        type: 'boolean',
        default: true,
        describe: 'Wait until all is fetched again; --no-wait-fetch: end when the worker runs',
      })
      .option('wait-minutes', { type: 'number', default: 120, describe: 'For one step, at most' })
      .option('poll-seconds', { type: 'number', default: 5, describe: 'Between two looks' })
      .example('$0 mutation-log reset golang/go', 'what would be done')
      .example('$0 mutation-log reset golang/go --yes', 'do it; again after a stop, to go on')
      .example('$0 mutation-log reset golang/go --undo --yes', 'the log as it was'),
  handler: (args) =>
    withContext(args, (context) => reset(context, { ...args, yes: args.yes && !args['dry-run'] }), {
      mutationLog: true,
    }),
};

async function reset(context: Context, args: Args): Promise<number> {
  const repo = repoOf(args.repo);
  const template = args.log ?? `${context.settings.mutationLog.logs}/{owner}/{repo}/`;
  const place = buckets(context)(placeOfTemplate(template, repo));
  const request = args.undo === undefined ? {} : { undo: args.undo };
  const around = {
    repo,
    place,
    nowMs: context.nowMs,
    signal: context.signal,
    pollMs: args['poll-seconds'] * SECOND_MS,
    timeoutMs: args['wait-minutes'] * MINUTE_MS,
    // As long as a worker may keep what it has to itself, and a little more.
    settledMs: context.settings.mutationLog.flushMs + context.settings.mutationLog.syncMs,
    waitFetch: args['wait-fetch'],
    worker: args.kubernetes
      ? await kubernetesWorker(context, args, repo)
      : thisMachine(context, repo, place, args.yes),
    sleep: context.sleep,
  };
  if (!args.yes) {
    const plan = await planReset(around, request);
    await print(context, args.json ? JSON.stringify({ dryRun: true, ...plan }) : planText(plan));
    return 0;
  }
  const done = await shown(context, around, (watched) => resetLog(watched, request));
  await print(context, args.json ? JSON.stringify(done) : resetText(done));
  return 0;
}

/** Each step is a line; waiting is told and is no reason to think that nothing goes on. */
function shown<T>(
  context: Context,
  around: ResetContext,
  work: (context: ResetContext) => Promise<T>,
): Promise<T> {
  const { owner, name } = around.repo;
  return counted(context, { label: `reset ${owner}/${name}`, unit: 'steps' }, (counting, task) => {
    const told = (text: string) => {
      counting.details = text;
      task.step(text);
    };
    return work({
      ...around,
      sleep: async (ms, signal) => {
        task.step('waiting');
        await context.sleep(ms, signal);
      },
      onWait: told,
      onStep: (step) => {
        told(stepText(step));
        if (step.state !== 'running') counting.done += 1;
        context.log.info(stepText(step));
      },
    });
  });
}

async function kubernetesWorker(context: Context, args: Args, repo: RepoName): Promise<ResetWorker> {
  const cluster = await openNamedCluster(context, args);
  const namespace = args.namespace ?? cluster.namespace ?? 'default';
  return deploymentWorker({ cluster, namespace, repo, signal: context.signal });
}

/** The database is not held: a sync may run with it, and is told by it to pass over the repository. */
function thisMachine(context: Context, repo: RepoName, place: BucketPlace, writes: boolean): ResetWorker {
  const folder = join(context.settings.mutationLog.walDir, repo.owner, repo.name);
  return localWorker({
    store: context.openStore({ dryRun: !writes }),
    repo,
    openWriter: async () =>
      existsSync(folder)
        ? openLogWriter({ ...place, folder, nowMs: context.nowMs, signal: context.signal })
        : undefined,
    discard: () => rm(folder, { recursive: true, force: true }),
  });
}
