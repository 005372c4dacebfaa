import { performance } from 'node:perf_hooks';
import type { CommandModule } from 'yargs';
import { type Context, othersVariable } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import { fleetUpdater } from '../../k8s/router/fleet-update.ts';
import { startRouter } from '../../k8s/router/router.ts';
import type { Tracing } from '../../k8s/router/trace.ts';
import { type CommonArgs, placeOptions, withContext } from '../run.ts';
import { repoListReader } from './repo-list.ts';

const SECOND_MS = 1_000;
/** The supervisor answers when its pass is over. */
const UPDATE_MS = 120_000;
const TRACES_MS = 5_000;
const SPANS_MAX = 4_096;
const SAY_AGAIN_MS = 60_000;

type Args = CommonArgs & {
  readonly repos?: string | undefined;
  readonly grpc: string;
  readonly http: string;
  readonly supervisor: string;
  readonly worker: string;
  readonly workerAt?: readonly string[] | undefined;
  readonly reload: number;
  readonly timeout: number;
};

export const routerCommand: CommandModule<object, Args> = {
  command: 'router',
  describe: 'Lead each request to the worker of its repository: gRPC and JSON, in place of maintner-rtr',
  builder: (yargs) =>
    placeOptions(yargs)
      .option('repos', { type: 'string', describe: 'File or bucket URL of repositories (SAMOVAR_REPOS)' })
      .option('grpc', {
        type: 'string',
        default: '6343',
        describe: 'HOST:PORT or PORT of drghs.v1.IssueService',
      })
      .option('http', {
        type: 'string',
        default: '8080',
        describe: 'HOST:PORT or PORT of the JSON form, /healthz, /readyz and /metrics',
      })
      .option('supervisor', {
        type: 'string',
        default: 'http://maintner-sprvsr',
        describe: 'URL of the supervisor, which an update asks',
      })
      .option('worker', {
        type: 'string',
        default: '{service}:80',
        describe: 'HOST:PORT of a worker, with {service} for the name of its Service',
      })
      .option('worker-at', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'OWNER/NAME=HOST:PORT of a worker that is no Service; for each one more',
      })
      .option('reload', { type: 'number', default: 60, describe: 'Seconds between two looks at the list' })
      .option('timeout', { type: 'number', default: 60, describe: 'Seconds for one call, at most' })
      .example('$0 k8s router --repos gs://settings/public_repos.json --grpc 0.0.0.0:6343', 'for everyone')
      .example(
        "$0 k8s router --repos list.json --worker '{service}.fleet.svc:80'",
        'workers in another namespace',
      )
      .epilogue(
        'A key that clients must give, and that workers are given: SAMOVAR_API_KEY. Traces go to OTEL_EXPORTER_OTLP_ENDPOINT.',
      ),
  handler: (args) =>
    withContext(args, (context) => route(context, args), { mutationLog: true, graceful: true }),
};

async function route(context: Context, args: Args): Promise<number> {
  const { nowMs, random, sleep, stopping, log } = context;
  const apiKey = context.secret('api_key');
  const tracing = await openTracing(context);
  const { done, ...addresses } = await startRouter({
    ...{ nowMs, random, sleep, signal: stopping, monotonicMs: () => performance.now() },
    addresses: { grpc: args.grpc, http: args.http },
    readList: repoListReader(context, args.repos),
    reloadMs: args.reload * SECOND_MS,
    callMs: args.timeout * SECOND_MS,
    workerAddress: workerAddress(args.worker, args.workerAt ?? []),
    updateFleet: fleetUpdater(updateUrl(args.supervisor), UPDATE_MS),
    ...(apiKey !== undefined && { apiKey }),
    ...(tracing !== undefined && { tracing }),
    log: {
      failed: (what, error, trace) =>
        log.warn({ reason: describeError(error), ...(trace !== undefined && { trace }) }, `${what} failed`),
      list: (repositories) => log.info({ repositories }, 'the list of repositories was read'),
    },
  });
  log.info(addresses, 'routing');
  await done;
  return 0;
}

function workerAddress(
  template: string,
  given: readonly string[],
): (service: string, full: string) => string {
  const elsewhere = new Map(given.map(placeOf));
  if (/^[\w.{}-]*\{service\}[\w.-]*:\d{1,5}$/.test(template))
    return (service, full) => elsewhere.get(full) ?? template.replace('{service}', service);
  throw new SamovarError(
    'config',
    `--worker ${JSON.stringify(template)} is no HOST:PORT with {service} in it`,
  );
}

function placeOf(text: string): readonly [full: string, address: string] {
  const [, full, address] = /^([^\s=/]+\/[^\s=/]+)=((?:[\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5})$/.exec(text) ?? [];
  if (full !== undefined && address !== undefined) return [full, address];
  throw new SamovarError('config', `--worker-at ${JSON.stringify(text)} is no OWNER/NAME=HOST:PORT`);
}

/** Only where OpenTelemetry's variables name a receiver: nobody else pays for its packages. */
async function openTracing({ log, onClose, nowMs }: Context): Promise<Tracing | undefined> {
  const base = othersVariable('OTEL_EXPORTER_OTLP_ENDPOINT')?.replace(/\/*$/, '/v1/traces');
  const url = othersVariable('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? base;
  if (url === undefined || othersVariable('OTEL_SDK_DISABLED') === 'true') return undefined;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new SamovarError('config', 'OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL');
  const { startTracing } = await import('../../k8s/router/tracing.ts');
  let saidMs = Number.NEGATIVE_INFINITY;
  const tracing = startTracing({
    ...{ url, timeoutMs: TRACES_MS, spansMax: SPANS_MAX },
    serviceName: othersVariable('OTEL_SERVICE_NAME') ?? 'samovar-router',
    onFailure: (error) => {
      if (nowMs() - saidMs < SAY_AGAIN_MS) return;
      saidMs = nowMs();
      log.warn({ reason: describeError(error) }, 'traces could not be sent: those that waited are lost');
    },
  });
  onClose(() => tracing.close());
  return tracing;
}

function updateUrl(supervisor: string): string {
  const text = /^https?:\/\//.test(supervisor) ? supervisor : `http://${supervisor}`;
  if (URL.canParse(text)) return new URL('/update', text).href;
  throw new SamovarError('config', `--supervisor ${JSON.stringify(supervisor)} is no URL`);
}
