import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import { type BotSecrets, readBotSecrets } from '../../k8s/gitops/config.ts';
import type { GitopsMetrics } from '../../k8s/gitops/metrics.ts';
import { gitopsPages, metricsPages } from '../../k8s/gitops/pages.ts';
import type { ReceiveOptions } from '../../k8s/gitops/slack/receive.ts';
import { runSocket } from '../../k8s/gitops/slack/socket.ts';
import { listenHttp } from '../../k8s/listen.ts';
import { startHttp } from '../../serve/http.ts';
import { withContext } from '../run.ts';
import { type GitopsArgs, gitopsOptions, newRequestId, openBot } from './gitops-open.ts';

type Args = GitopsArgs & {
  readonly secrets: string;
  readonly http: string;
  readonly monitor?: string | undefined;
};

/** A server's answer must come before its own limit of silence. */
const API_WAIT_MS = 60_000;
const METRICS_LIMITS = { connectionsMax: 50, silenceMs: 30_000 };

export const gitopsServeCommand: CommandModule<object, Args> = {
  command: 'serve',
  describe: 'Take commands from Slack and from CI',
  builder: (yargs) =>
    gitopsOptions(yargs)
      .option('secrets', {
        alias: 'c',
        type: 'string',
        default: 'config/gitops-bot.yaml',
        describe: 'YAML file of tokens; that of major-tom is read as it is',
      })
      .option('http', {
        type: 'string',
        default: '8091',
        describe: 'HOST:PORT, or PORT for this machine only; behind something that speaks TLS',
      })
      .option('monitor', {
        type: 'string',
        describe: 'HOST:PORT, or PORT, of /metrics and /healthz: apart from what others reach',
      })
      .example('$0 k8s gitops serve --http 8091 --monitor 9091', 'until it is stopped')
      .epilogue(
        'slackSigningSecret opens /slack/commands and /slack/interactions, slackAppToken opens Socket Mode, apiTokens open /v1/commands.',
      ),
  handler: (args) => withContext(args, (context) => serve(context, args), { graceful: true }),
};

async function serve(context: Context, args: Args): Promise<number> {
  const { log, stopping } = context;
  const secrets = await readBotSecrets(args.secrets);
  const { slackSigningSecret, slackAppToken, apiTokens = [] } = secrets;
  if (slackSigningSecret === undefined && slackAppToken === undefined && apiTokens.length === 0)
    throw new SamovarError('config', `${args.secrets} has no secret by which anybody could ask the bot`, {
      remedy: 'Set slackSigningSecret, slackAppToken or apiTokens there.',
    });
  const { bot, metrics } = await openBot(context, args, { stays: true });
  const works = new Set<Promise<void>>();
  const receive = receiving(context, secrets, {
    bot,
    onWork: (work) => {
      works.add(work);
      void work.finally(() => works.delete(work));
    },
  });
  const { nowMs } = context;
  const { refused: onRefused } = metrics;
  const app = gitopsPages({ ...receive, secrets, nowMs, waitMs: API_WAIT_MS, onRefused });
  const metricsAt = args.monitor;
  if (metricsAt !== undefined) await serveMetrics(context, metricsAt, metrics);
  const server = await startHttp({ address: args.http, fetch: app.fetch });
  context.onClose(async () => {
    await server.close();
    // What was begun is finished, as far as the grace time goes.
    await Promise.allSettled(works);
  });
  log.info({ url: server.url }, 'taking commands');
  if (slackAppToken !== undefined) await listenBySocket(context, slackAppToken, receive);
  await untilStopped(stopping);
  return 0;
}

async function serveMetrics(
  { onClose, log }: Context,
  address: string,
  metrics: Pick<GitopsMetrics, 'render'>,
): Promise<void> {
  const { url, close } = await listenHttp(address, metricsPages(metrics).fetch, METRICS_LIMITS);
  onClose(close);
  log.info({ url }, 'serving metrics');
}

function receiving(
  { log, signal }: Context,
  { slackBotToken, slackTeams }: BotSecrets,
  parts: Pick<ReceiveOptions, 'bot' | 'onWork'>,
): ReceiveOptions {
  return {
    ...parts,
    newId: newRequestId,
    teams: slackTeams,
    botToken: slackBotToken,
    signal,
    log: (message) => log.warn(message),
  };
}

/** Returns when the bot is told to end. */
function listenBySocket(
  { sleep, random, log, stopping }: Context,
  appToken: string,
  receive: ReceiveOptions,
) {
  const onReady = () => log.info('Slack said hello');
  return runSocket({ ...receive, appToken, sleep, random, onReady, signal: stopping });
}

function untilStopped(stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.aborted) return resolve();
    stopping.addEventListener('abort', () => resolve(), { once: true });
  });
}
