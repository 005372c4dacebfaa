import type { CommandModule } from 'yargs';
import { type Context, othersVariable } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import type { IdlerReport, Policy } from '../../k8s/idler/contract.ts';
import { type IdlerOptions, idlerLoop, idlerPass } from '../../k8s/idler/idler.ts';
import { createIdlerMetrics, type IdlerMetrics } from '../../k8s/idler/metrics.ts';
import { activeHosts } from '../../k8s/idler/requests.ts';
import { maySleep } from '../../k8s/idler/schedule.ts';
import type { Hands } from '../../k8s/idling/change.ts';
import { createKubeEvents } from '../../k8s/idling/kube-events.ts';
import { IDLEABLE_SELECTOR } from '../../k8s/idling/marks.ts';
import { listenMetrics } from '../../k8s/idling/metrics-page.ts';
import { type CommonArgs, placeOptions, print, withContext } from '../run.ts';
import { openNamedCluster } from './cluster.ts';
import { type IdlerArgs, idlerOptions } from './idler-options.ts';

const MINUTE_MS = 60_000;
const CPU_PERCENT = 10;
/** An Event is no reason to wait for long. */
const EVENT_MS = 5_000;

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
  handler: (args) =>
    withContext({ ...args, 'log-level': args['log-level'] ?? originalsLogLevel() }, (context) =>
      run(context, args),
    ),
};

/** LOG_LEVEL as Python knows it, unless our own variable says something. */
function originalsLogLevel(): string | undefined {
  if (othersVariable('SAMOVAR_LOG_LEVEL') !== undefined) return undefined;
  const levels: Readonly<Record<string, string>> = {
    ...{ debug: 'debug', info: 'info', warning: 'warn', warn: 'warn' },
    ...{ error: 'error', critical: 'error', fatal: 'error' },
  };
  return levels[othersVariable('LOG_LEVEL')?.toLowerCase() ?? ''];
}

async function run(context: Context, args: Args): Promise<number> {
  const { nowMs, random, sleep, signal, log } = context;
  const options = optionsOf(context, args);
  const cluster = await openNamedCluster(context, args);
  const metrics = createIdlerMetrics();
  const hands: Hands = { cluster, nowMs, random, sleep, signal, onRetry: metrics.retried };
  const noting = { ...options, onIdled: noteIdled(context, hands) };
  if (args.schedule === undefined) {
    const report = await idlerPass(noting, hands);
    await print(context, args.json ? JSON.stringify(report) : reportText(report));
    return report.failed.length === 0 ? 0 : 1;
  }
  await serveMetrics(context, args, metrics);
  log.info({ cluster: cluster.where, schedule: args.schedule }, 'idling by a schedule');
  const { schedule, timezone } = args;
  const onReport = (report: IdlerReport) => {
    metrics.report(report);
    const { mended, idled, failed, kept } = report;
    log[failed.length === 0 ? 'info' : 'warn'](
      { mended, idled, failed, kept: kept.length },
      'looked at all apps',
    );
  };
  const onFailure = (error: unknown) => {
    metrics.failed();
    log.warn({ reason: describeError(error) }, 'the apps could not be looked at');
  };
  await idlerLoop(noting, { schedule, timezone, onReport, onFailure }, hands);
  return 0;
}

function noteIdled({ log }: Context, hands: Hands): IdlerOptions['onIdled'] {
  const events = createKubeEvents(
    {
      component: 'samovar-idler',
      timeoutMs: EVENT_MS,
      log: (message, details) => log.warn(details, message),
    },
    hands,
  );
  return ({ workloads }, why) =>
    events.note(workloads, { reason: 'Idled', message: `Sent to sleep: ${why}.` });
}

async function serveMetrics(
  { log, onClose }: Context,
  { monitor: address }: Args,
  metrics: IdlerMetrics,
): Promise<void> {
  if (address === undefined) return;
  const { url, close } = await listenMetrics(address, metrics.render);
  onClose(close);
  log.info({ url: `${url}/metrics` }, 'metrics');
}

function optionsOf({ signal, settings, nowMs }: Context, args: Args): IdlerOptions {
  const { prometheus, 'quiet-minutes': quietMinutes } = args;
  const quietMs = quietMinutes === undefined ? undefined : quietMinutes * MINUTE_MS;
  if (prometheus !== undefined && quietMs === undefined)
    throw new SamovarError('config', '--prometheus is of no use without --quiet-minutes', {
      remedy: 'Say how long is quiet: --quiet-minutes 60',
    });
  if (args.monitor !== undefined && args.schedule === undefined)
    throw new SamovarError('config', '--monitor is of no use without --schedule', {
      remedy: 'Give --schedule, or take the figures of one look from --json.',
    });
  checkHours(args, nowMs());
  const timeoutMs = settings.requestTimeoutMs;
  const query = args['requests-query'];
  return {
    selector: args.selector ?? othersVariable('LABEL_SELECTOR') ?? IDLEABLE_SELECTOR,
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
    throw new SamovarError('config', '--wake-at is of no use without --sleep-at', {
      remedy: 'Say when apps may sleep: --sleep-at "0 20 * * *"',
    });
}

function policyOf(args: Args, quietMs: number | undefined): Policy {
  const { timezone, 'sleep-at': sleepAt, 'wake-at': wakeAt } = args;
  const isRuled = quietMs !== undefined || sleepAt !== undefined;
  const cpuPercentMax = args['cpu-percent'] ?? originalsThreshold() ?? (isRuled ? undefined : CPU_PERCENT);
  return {
    ...(cpuPercentMax !== undefined && { cpuPercentMax }),
    ...(quietMs !== undefined && { quietMs }),
    ...(sleepAt !== undefined && { sleepAt }),
    ...(wakeAt !== undefined && { wakeAt }),
    ...(timezone !== undefined && { timezone }),
    awakeMsMin: args['awake-minutes'] * MINUTE_MS,
  };
}

function originalsThreshold(): number | undefined {
  const text = othersVariable('CPU_ACTIVITY_THRESHOLD');
  if (text === undefined) return undefined;
  if (/^\s*\d{1,6}(\.\d{1,6})?\s*$/.test(text)) return Number(text);
  throw new SamovarError('config', `CPU_ACTIVITY_THRESHOLD ${JSON.stringify(text)} is no percentage`, {
    remedy: 'Write a number, for instance 10, or give --cpu-percent.',
  });
}

function reportText({ dryRun, mended, idled, kept, failed }: IdlerReport): string {
  const line = (word: string) => (each: IdlerReport['idled'][number]) => `${word} ${each.app}: ${each.why}`;
  const lines = [
    ...mended.map(
      (each) => `${dryRun ? 'would mend' : 'mended'} ${each}: it is awake, and was marked as asleep`,
    ),
    ...idled.map(line(dryRun ? 'would idle' : 'idled')),
    ...kept.map(line('left')),
    ...failed.map(line('failed')),
  ];
  return lines.length === 0 ? 'nothing may be idled' : lines.join('\n');
}
