import type { Argv } from 'yargs';
import { REQUESTS_QUERY } from '../../k8s/idler/requests.ts';
import { IDLEABLE_SELECTOR } from '../../k8s/idling/marks.ts';

export interface IdlerArgs {
  readonly selector: string;
  readonly schedule?: string | undefined;
  readonly timezone?: string | undefined;
  readonly 'cpu-percent'?: number | undefined;
  readonly 'quiet-minutes'?: number | undefined;
  readonly 'sleep-at'?: string | undefined;
  readonly 'wake-at'?: string | undefined;
  readonly 'awake-minutes': number;
  readonly prometheus?: string | undefined;
  readonly 'requests-query': string;
  readonly 'external-name': string;
  readonly 'unidler-port': number;
  readonly 'dry-run': boolean;
  readonly kubeconfig?: string | undefined;
  readonly 'kube-context'?: string | undefined;
}

export function idlerOptions<T>(yargs: Argv<T>) {
  return ruleOptions(yargs)
    .option('selector', {
      type: 'string',
      default: IDLEABLE_SELECTOR,
      describe: 'Of Deployments and StatefulSets that may be idled, in all namespaces',
    })
    .option('schedule', {
      type: 'string',
      describe: 'Cron pattern: when to look, until it is stopped (default: once, now)',
    })
    .option('timezone', {
      type: 'string',
      describe: 'Of all patterns: Europe/London (default: this machine)',
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
    })
    .option('kubeconfig', {
      type: 'string',
      describe: "File (default: the pod's account, or ~/.kube/config)",
    })
    .option('kube-context', { type: 'string', describe: 'Of the kubeconfig (default: its current one)' });
}

/** All that are given must agree. */
function ruleOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('cpu-percent', {
      type: 'number',
      describe: 'May sleep while it uses no more of its CPU limits (10 where no other rule is given)',
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
