import type { Argv } from 'yargs';
import { REQUESTS_QUERY } from '../../k8s/idler/requests.ts';
import { type ClusterArgs, clusterOptions } from './cluster.ts';

export interface IdlerArgs extends ClusterArgs {
  readonly selector?: string | undefined;
  readonly schedule?: string | undefined;
  readonly timezone?: string | undefined;
  readonly 'cpu-percent'?: number | undefined;
  readonly 'quiet-minutes'?: number | undefined;
  readonly 'sleep-at'?: string | undefined;
  readonly 'wake-at'?: string | undefined;
  readonly 'awake-minutes': number;
  readonly prometheus?: string | undefined;
  readonly 'requests-query': string;
  readonly monitor?: string | undefined;
  readonly 'external-name': string;
  readonly 'unidler-port': number;
  readonly 'dry-run': boolean;
}

export function idlerOptions<T>(yargs: Argv<T>) {
  return clusterOptions(ruleOptions(yargs))
    .option('selector', {
      type: 'string',
      describe:
        'Of Deployments and StatefulSets that may be idled, in all namespaces (LABEL_SELECTOR; default mojanalytics.xyz/idleable=true)',
    })
    .option('schedule', {
      type: 'string',
      describe: 'Cron pattern: when to look, until it is stopped (default: once, now)',
    })
    .option('timezone', {
      type: 'string',
      describe: 'Of all patterns: Europe/London (default: this machine)',
    })
    .option('monitor', {
      type: 'string',
      describe: ':PORT or HOST:PORT of /metrics and /healthz, with --schedule (default: nowhere)',
    })
    .option('external-name', {
      type: 'string',
      default: 'unidler.default.svc.cluster.local',
      describe: "The unidler's Service, to which idled apps' Services lead",
    })
    .option('unidler-port', { type: 'number', default: 80, describe: 'Of that Service' })
    .option('dry-run', {
      type: 'boolean',
      default: false,
      describe: 'Say what would sleep, and touch nothing',
    });
}

/** All that are given must agree. */
function ruleOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('cpu-percent', {
      type: 'number',
      describe:
        'May sleep while it uses no more of its CPU limits (CPU_ACTIVITY_THRESHOLD; 10 where no other rule is given)',
    })
    .option('quiet-minutes', { type: 'number', describe: 'May sleep after so long without a request' })
    .option('sleep-at', { type: 'string', describe: 'Cron pattern: may sleep from then on ...' })
    .option('wake-at', { type: 'string', describe: '... until then' })
    .option('awake-minutes', {
      type: 'number',
      default: 15,
      describe: 'Stays awake at least, once it was made or woken',
    })
    .option('prometheus', { type: 'string', describe: 'URL of a server that counts requests' })
    .option('requests-query', {
      type: 'string',
      default: REQUESTS_QUERY,
      describe: 'Its query: a count per label host over {window}',
    });
}
