import { readFile } from 'node:fs/promises';
import type { Argv, CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import { openCluster } from '../../k8s/client-node.ts';
import { startUnidler, type UnidlerOptions } from '../../k8s/unidler/unidler.ts';
import { type CommonArgs, placeOptions, withContext } from '../run.ts';

const SECOND_MS = 1_000;

interface Args extends CommonArgs {
  readonly listen: string;
  readonly 'key-label'?: string | undefined;
  readonly 'external-name': string;
  readonly 'deadline-minutes': number;
  readonly 'hold-seconds': number;
  readonly 'wake-on-get': boolean;
  readonly 'page-status': number;
  readonly brand: string;
  readonly template?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly 'kube-context'?: string | undefined;
}

export const unidlerCommand: CommandModule<object, Args> = {
  command: 'unidler',
  describe: "Wake idled apps: the page, and its events, that their hosts lead to; in go-unidler's place",
  builder: (yargs) =>
    pageOptions(placeOptions(yargs))
      // UNIDLE_KEY_LABEL, as the original has it; and every other option so.
      .env('UNIDLE')
      .option('listen', { type: 'string', default: ':8080', describe: ':PORT, PORT, or HOST:PORT' })
      .option('key-label', {
        type: 'string',
        describe:
          "Label of Ingresses, Deployments and Services to look for first, before the charts' (UNIDLE_KEY_LABEL)",
      })
      .option('external-name', {
        type: 'string',
        default: 'unidler.default.svc.cluster.local',
        describe: "This unidler's own name, by which redirected Services are known",
      })
      .option('kubeconfig', {
        type: 'string',
        describe: "File (default: the pod's account, or ~/.kube/config)",
      })
      .option('kube-context', { type: 'string', describe: 'Of the kubeconfig (default: its current one)' })
      .example('$0 k8s unidler', 'in a pod: port 8080, /healthz for probes')
      .example('$0 k8s unidler --listen 127.0.0.1:8080 --kubeconfig FILE', 'from outside of the cluster'),
  handler: (args) => withContext(args, (context) => serve(context, args)),
};

function pageOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('deadline-minutes', {
      type: 'number',
      default: 10,
      describe: 'An app that is not ready by then has failed, and the page says why',
    })
    .option('hold-seconds', {
      type: 'number',
      default: 0,
      describe: "Programs' requests wake their app and wait so long for it (0: they get 503 at once)",
    })
    .option('wake-on-get', {
      type: 'boolean',
      default: false,
      describe: 'A look at /events/ wakes, as with go-unidler: crawlers do so too',
    })
    .option('page-status', {
      type: 'number',
      choices: [200, 503],
      default: 200,
      describe: 'HTTP status of the page',
    })
    .option('brand', { type: 'string', default: 'Apps', describe: 'What users know the place by' })
    .option('template', { type: 'string', describe: 'HTML file with {{head}} and {{content}}' });
}

async function serve(context: Context, args: Args): Promise<number> {
  const { nowMs, random, sleep, signal, log, settings } = context;
  const cluster = await openCluster({
    ...(args.kubeconfig !== undefined && { kubeconfig: args.kubeconfig }),
    ...(args['kube-context'] !== undefined && { context: args['kube-context'] }),
    timeoutMs: settings.requestTimeoutMs,
  });
  context.onClose(() => cluster.close());
  const unidler = await startUnidler(await optionsOf(context, args), {
    cluster,
    nowMs,
    random,
    sleep,
    signal,
  });
  context.onClose(() => unidler.close());
  log.info({ url: unidler.url, cluster: cluster.where }, 'waking idled apps');
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  return 0;
}

async function optionsOf({ log }: Context, args: Args): Promise<UnidlerOptions> {
  if (!(args['deadline-minutes'] > 0)) throw new SamovarError('config', '--deadline-minutes is more than 0');
  return {
    address: args.listen,
    externalName: args['external-name'],
    ...(args['key-label'] !== undefined && { keyLabel: args['key-label'] }),
    deadlineMs: args['deadline-minutes'] * 60 * SECOND_MS,
    tickMs: 10 * SECOND_MS,
    holdMs: args['hold-seconds'] * SECOND_MS,
    wakeOnGet: args['wake-on-get'],
    pageStatus: args['page-status'] === 503 ? 503 : 200,
    brand: args.brand,
    ...(args.template !== undefined && { template: await readFile(args.template, 'utf8') }),
    onEnd: (outcome, ms) => log.info({ outcome, ms }, 'a wake has ended'),
    log: (message, details) => log.warn(details, message),
  };
}
