import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import { openCluster } from '../../k8s/client-node.ts';
import type { IdlerReport, Policy } from '../../k8s/idler/contract.ts';
import { type IdlerOptions, idlerLoop, idlerPass } from '../../k8s/idler/idler.ts';
import { activeHosts } from '../../k8s/idler/requests.ts';
import { maySleep } from '../../k8s/idler/schedule.ts';
import type { Hands } from '../../k8s/idling/change.ts';
import { type CommonArgs, placeOptions, print, withContext } from '../run.ts';
import { type IdlerArgs, idlerOptions } from './idler-options.ts';

const MINUTE_MS = 60_000;
const CPU_PERCENT = 10;

type Args = CommonArgs & IdlerArgs;

export const idlerCommand: CommandModule<object, Args> = {
  command: 'idler',
  describe: 'Send apps that nobody uses to sleep, by hours, CPU or requests; visitors wake them (unidler)',
  builder: (yargs) =>
    idlerOptions(placeOptions(yargs))
      .example('$0 k8s idler --dry-run', 'what uses no more than 10 % of its CPU')
      .example(
        "$0 k8s idler --schedule '*/15 * * * *' --sleep-at '0 20 * * *' --wake-at '0 7 * * 1-5' --timezone Europe/London",
        'nights and weekends',
      ),
  handler: (args) => withContext(args, (context) => run(context, args)),
};

async function run(context: Context, args: Args): Promise<number> {
  const options = optionsOf(context, args);
  const { nowMs, random, sleep, signal, log, settings } = context;
  const cluster = await openCluster({
    ...(args.kubeconfig !== undefined && { kubeconfig: args.kubeconfig }),
    ...(args['kube-context'] !== undefined && { context: args['kube-context'] }),
    timeoutMs: settings.requestTimeoutMs,
  });
  context.onClose(() => cluster.close());
  const hands: Hands = { cluster, nowMs, random, sleep, signal };
  if (args.schedule === undefined) {
    const report = await idlerPass(options, hands);
    await print(context, args.json ? JSON.stringify(report) : reportText(report));
    return report.failed.length === 0 ? 0 : 1;
  }
  log.info({ cluster: cluster.where, schedule: args.schedule }, 'idling by a schedule');
  const { schedule, timezone } = args;
  const onReport = (report: IdlerReport) => {
    const { idled, failed, kept } = report;
    log[failed.length === 0 ? 'info' : 'warn']({ idled, failed, kept: kept.length }, 'looked at all apps');
  };
  const onFailure = (error: unknown) =>
    log.warn({ reason: describeError(error) }, 'the apps could not be looked at');
  await idlerLoop(options, { schedule, timezone, onReport, onFailure }, hands);
  return 0;
}

function optionsOf({ signal, settings, nowMs }: Context, args: Args): IdlerOptions {
  const { prometheus, 'quiet-minutes': quietMinutes } = args;
  const quietMs = quietMinutes === undefined ? undefined : quietMinutes * MINUTE_MS;
  if (prometheus !== undefined && quietMs === undefined)
    throw new SamovarError('config', '--prometheus is of no use without --quiet-minutes');
  checkHours(args, nowMs());
  const timeoutMs = settings.requestTimeoutMs;
  const query = args['requests-query'];
  return {
    selector: args.selector,
    policy: policyOf(args, quietMs),
    redirect: { externalName: args['external-name'], port: args['unidler-port'] },
    dryRun: args['dry-run'],
    ...(prometheus !== undefined &&
      quietMs !== undefined && {
        activeHosts: () => activeHosts({ url: prometheus, query, quietMs, timeoutMs, signal }),
      }),
  };
}

/** Before anything is looked at: a wrong pattern is no hour of any app. */
function checkHours({ timezone, 'sleep-at': sleepAt, 'wake-at': wakeAt }: Args, nowMs: number): void {
  if (sleepAt !== undefined) maySleep({ sleepAt, wakeAt, timezone }, nowMs);
  else if (wakeAt !== undefined)
    throw new SamovarError('config', '--wake-at is of no use without --sleep-at');
}

function policyOf(args: Args, quietMs: number | undefined): Policy {
  const { timezone, 'sleep-at': sleepAt, 'wake-at': wakeAt } = args;
  const isRuled = quietMs !== undefined || sleepAt !== undefined;
  const cpuPercentMax = args['cpu-percent'] ?? (isRuled ? undefined : CPU_PERCENT);
  return {
    ...(cpuPercentMax !== undefined && { cpuPercentMax }),
    ...(quietMs !== undefined && { quietMs }),
    ...(sleepAt !== undefined && { sleepAt }),
    ...(wakeAt !== undefined && { wakeAt }),
    ...(timezone !== undefined && { timezone }),
    awakeMsMin: args['awake-minutes'] * MINUTE_MS,
  };
}

function reportText({ dryRun, idled, kept, failed }: IdlerReport): string {
  const line = (word: string) => (each: IdlerReport['idled'][number]) => `${word} ${each.app}: ${each.why}`;
  const lines = [
    ...idled.map(line(dryRun ? 'would idle' : 'idled')),
    ...kept.map(line('left')),
    ...failed.map(line('failed')),
  ];
  return lines.length === 0 ? 'nothing may be idled' : lines.join('\n');
}
