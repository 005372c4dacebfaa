import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as timer } from 'node:timers/promises';
import { parse } from 'yaml';
import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import type { ConnectedCluster } from '../../k8s/client-node.ts';
import { whileLeading } from '../../k8s/lease.ts';
import { stepText } from '../../k8s/supervisor/act.ts';
import type { Report } from '../../k8s/supervisor/contract.ts';
import type { Overlay } from '../../k8s/supervisor/overlay.ts';
import { createReconciler, type ReconcileOptions } from '../../k8s/supervisor/reconcile.ts';
import { reportLine, reportText } from '../../k8s/supervisor/report-text.ts';
import { type SupervisorLog, startSupervisor } from '../../k8s/supervisor/supervisor.ts';
import { intervalMs } from '../intervals.ts';
import { type CommonArgs, placeOptions, print, withContext } from '../run.ts';
import { openNamedCluster } from './cluster.ts';
import { repoListReader } from './repo-list.ts';
import { type SupervisorArgs, supervisorOptions } from './supervisor-options.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 86_400_000;

type Args = CommonArgs & SupervisorArgs;

export const supervisorCommand: CommandModule<object, Args> = {
  command: 'supervisor',
  describe:
    'Keep one worker for each repository of a list: Deployments and Services, in place of maintner-sprvsr',
  builder: (yargs) =>
    supervisorOptions(placeOptions(yargs))
      .example(
        '$0 k8s supervisor --repos gs://settings/public_repos.json --image IMAGE --dry-run',
        'the plan',
      )
      .example('$0 k8s supervisor --repos config/repos.yaml --image IMAGE', 'until it is stopped'),
  handler: (args) =>
    withContext(args, (context) => supervise(context, args), { mutationLog: true, graceful: true }),
};

async function supervise(context: Context, args: Args): Promise<number> {
  const cluster = await openNamedCluster(context, args);
  const options = await reconcileOptions(context, args, cluster);
  if (args['dry-run'] || args.once) {
    const report = await createReconciler(options).pass(context.signal, { dryRun: args['dry-run'] });
    await print(context, args.json ? JSON.stringify(report) : reportText(report));
    return report.outcome === 'done' ? 0 : 1;
  }
  await keepUp(context, args, options);
  return 0;
}

async function keepUp(context: Context, args: Args, options: ReconcileOptions): Promise<void> {
  const { nowMs, random } = context;
  const log = logOf(context);
  const { url, done } = await startSupervisor({
    ...options,
    log,
    sleep: untilAborted,
    signal: context.stopping,
    address: args.http,
    everyMs: intervalMs(args.every, '--every', SECOND_MS),
    lead: (work, signal) =>
      whileLeading(
        {
          ...{ cluster: options.cluster, nowMs, steadyMs: () => performance.now(), random, signal },
          sleep: untilAborted,
          name: 'samovar-supervisor',
          namespace: options.namespace,
          identity: `${hostname()}-${process.pid}`,
          onRetry: (error) =>
            context.log.warn({ reason: describeError(error) }, 'the Lease could not be had'),
        },
        (term) => work(term.signal),
      ),
  });
  context.log.info({ url, cluster: options.cluster.where, namespace: options.namespace }, 'supervising');
  await done;
}

/** Not the context's, which waits no more once the process is told to end: the Lease is given back after that. */
async function untilAborted(ms: number, signal?: AbortSignal): Promise<void> {
  await timer(ms, undefined, signal && { signal }).catch(() => undefined);
}

async function reconcileOptions(
  context: Context,
  args: Args,
  cluster: ConnectedCluster,
): Promise<ReconcileOptions> {
  assertArgs(args);
  const readList = repoListReader(context, args.repos);
  const { nowMs, sleep, random } = context;
  return {
    ...{ cluster, readList, nowMs, sleep, random },
    namespace: args.namespace ?? cluster.namespace ?? 'default',
    image: args.image,
    logs: logsOf(args.logs ?? context.settings.mutationLog.logs),
    tokenSecret: args['github-secret'],
    tokenKeys: args['github-key'],
    replayMs: args['replay-minutes'] * MINUTE_MS,
    ...(args['service-account'] !== undefined && { serviceAccount: args['service-account'] }),
    ...(args.template !== undefined && { overlay: await readOverlay(args.template) }),
    ...(args.pack.length > 0 && { packing: { patterns: args.pack, count: args.packs } }),
    limits: {
      graceMs: args['grace-minutes'] * MINUTE_MS,
      share: args['surplus-share'],
      spacingMs: args['spacing-minutes'] * MINUTE_MS,
      emptyAllowed: args['allow-empty'],
    },
  };
}

/** Each of these could empty the fleet, or ask the API server without end. */
function assertArgs(args: Args): void {
  const within = (name: keyof Args & string, min: number, max: number) => {
    const value = Number(args[name]);
    if (!(value >= min && value <= max))
      throw new SamovarError('config', `--${name} ${value} is not from ${min} to ${max}`, {
        remedy: `Give a number from ${min} to ${max}, or leave --${name} out.`,
      });
  };
  const everyMs = intervalMs(args.every, '--every', SECOND_MS);
  if (everyMs < SECOND_MS || everyMs > DAY_MS)
    throw new SamovarError('config', `--every ${args.every} is not between 1s and 1d`, {
      remedy: 'Leave it out, or give another: --every 60s',
    });
  within('packs', 1, 1_000);
  within('replay-minutes', 1, 10_000);
  within('grace-minutes', 0, 1_000_000);
  within('spacing-minutes', 0, 1_000_000);
  within('surplus-share', 0.001, 1);
  if (args['github-key'].length === 0)
    throw new SamovarError('config', '--github-key has no name after it', {
      remedy: 'Name at least one key of the Secret.',
    });
}

function logsOf(place: string): string {
  if (!place.startsWith('file:')) return place;
  throw new SamovarError(
    'config',
    `workers cannot keep logs at ${place}: each has a disk of its own, which ends with it`,
    {
      remedy: 'Name a bucket with --logs gs://BUCKET/PREFIX.',
    },
  );
}

async function readOverlay(file: string): Promise<Overlay> {
  const value: unknown = parse(await readFile(file, 'utf8'));
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Overlay;
  throw new SamovarError('config', `${file} is no part of a pod template`, {
    subject: file,
    remedy: 'Write it as in a Deployment below spec.template: metadata and spec.',
  });
}

/** Steps are logged as they are taken; a pass only when it differs from the one before. */
function logOf({ log }: Context): SupervisorLog {
  let last = '';
  return {
    report: (report: Report) => {
      const line = reportLine(report);
      if (line !== last) log[report.outcome === 'done' ? 'info' : 'warn']({ ...briefly(report) }, line);
      last = line;
    },
    step: (step, failure) => {
      if (failure === undefined) log.info(stepText(step));
      else log.warn({ reason: describeError(failure) }, `${stepText(step)}: failed`);
    },
    watchFailed: (error) => log.warn({ reason: describeError(error) }, 'a watch failed: it begins again'),
    leads: (leads) => log.info(leads ? 'leading' : 'leading no longer'),
  };
}

function briefly({ failed, list }: Report) {
  return { ...(failed.length > 0 && { failed: failed.slice(0, 5) }), ...(list !== undefined && { list }) };
}
