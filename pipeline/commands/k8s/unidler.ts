import { readFile } from 'node:fs/promises';
import type { CommandModule } from 'yargs';
import { type Context, othersVariable } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import { startUnidler, type UnidlerOptions } from '../../k8s/unidler/unidler.ts';
import { type CommonArgs, placeOptions, withContext } from '../run.ts';
import { openNamedCluster } from './cluster.ts';
import { type UnidlerArgs, unidlerOptions } from './unidler-options.ts';

const SECOND_MS = 1_000;

type Args = CommonArgs & UnidlerArgs;

export const unidlerCommand: CommandModule<object, Args> = {
  command: 'unidler',
  describe: "Wake idled apps: the page, and its events, that their hosts lead to; in go-unidler's place",
  builder: (yargs) =>
    unidlerOptions(placeOptions(yargs))
      .example('$0 k8s unidler', 'in a pod: port 8080, /healthz for probes')
      .example('$0 k8s unidler --http 127.0.0.1:8080 --kubeconfig FILE', 'from outside of the cluster'),
  handler: (args) => withContext(args, (context) => serve(context, args)),
};

async function serve(context: Context, args: Args): Promise<number> {
  const { nowMs, random, sleep, signal, log } = context;
  const options = await optionsOf(context, args);
  const cluster = await openNamedCluster(context, args);
  const unidler = await startUnidler(options, { cluster, nowMs, random, sleep, signal });
  context.onClose(() => unidler.close());
  const { url, metricsUrl } = unidler;
  log.info(
    { url, ...(metricsUrl !== undefined && { metrics: metricsUrl }), cluster: cluster.where },
    'waking idled apps',
  );
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  return 0;
}

async function optionsOf({ log }: Context, args: Args): Promise<UnidlerOptions> {
  if (!(args['deadline-minutes'] > 0))
    throw new SamovarError('config', '--deadline-minutes is not more than 0', {
      remedy: 'Give it minutes: 10.',
    });
  const { monitor: metricsAddress, webhook } = args;
  return {
    address: args.http ?? othersVariable('PORT') ?? ':8080',
    ...(metricsAddress !== undefined && { metricsAddress }),
    ...(webhook !== undefined && { webhook }),
    externalName: args['external-name'],
    ...(args['key-label'] !== undefined && { keyLabel: args['key-label'] }),
    deadlineMs: args['deadline-minutes'] * 60 * SECOND_MS,
    tickMs: 10 * SECOND_MS,
    holdMs: args['hold-seconds'] * SECOND_MS,
    wakeOnGet: args['wake-on-get'],
    pageStatus: args['page-status'] === 503 ? 503 : 200,
    brand: args.brand,
    ...(args.template !== undefined && { template: await readFile(args.template, 'utf8') }),
    onNews: ({ what, host, app, ms }) => log.info({ host, namespace: app?.namespace, ms }, `a wake: ${what}`),
    log: (message, details) => log.warn(details, message),
  };
}
