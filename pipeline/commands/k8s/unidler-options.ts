import type { Argv } from 'yargs';
import { type ClusterArgs, clusterOptions } from './cluster.ts';

export interface UnidlerArgs extends ClusterArgs {
  readonly http?: string | undefined;
  readonly monitor?: string | undefined;
  readonly webhook?: string | undefined;
  readonly 'key-label'?: string | undefined;
  readonly 'external-name': string;
  readonly 'deadline-minutes': number;
  readonly 'hold-seconds': number;
  readonly 'wake-on-get': boolean;
  readonly 'page-status': number;
  readonly brand: string;
  readonly template?: string | undefined;
}

export function unidlerOptions<T>(yargs: Argv<T>) {
  return (
    clusterOptions(pageOptions(yargs))
      // UNIDLE_KEY_LABEL, as the original has it; and every other option so. Not `UNIDLE`: UNIDLER_PORT is what Kubernetes tells
      // pods of a Service named unidler.
      .env('UNIDLE_')
      .option('http', { type: 'string', describe: ':PORT, PORT, or HOST:PORT (PORT; default :8080)' })
      .option('monitor', {
        type: 'string',
        describe: ':PORT or HOST:PORT of /metrics, apart from the pages (default: nowhere)',
      })
      .option('webhook', {
        type: 'string',
        describe: 'URL that is told of each wake, started, ready or failed (UNIDLE_WEBHOOK keeps it from ps)',
      })
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
  );
}

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
