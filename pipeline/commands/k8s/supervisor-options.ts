import type { Argv } from 'yargs';
import { type ClusterArgs, clusterOptions } from './cluster.ts';

export interface SupervisorArgs extends ClusterArgs {
  readonly repos?: string | undefined;
  readonly image: string;
  readonly logs?: string | undefined;
  readonly namespace?: string | undefined;
  readonly http: string;
  readonly every: string;
  readonly 'github-secret': string;
  readonly 'github-key': readonly string[];
  readonly 'service-account'?: string | undefined;
  readonly template?: string | undefined;
  readonly pack: readonly string[];
  readonly packs: number;
  readonly 'replay-minutes': number;
  readonly 'grace-minutes': number;
  readonly 'surplus-share': number;
  readonly 'spacing-minutes': number;
  readonly 'allow-empty': boolean;
  readonly once: boolean;
  readonly 'dry-run': boolean;
}

export function supervisorOptions<T>(yargs: Argv<T>) {
  return clusterOptions(removalOptions(workerOptions(yargs)))
    .option('repos', { type: 'string', describe: 'File or bucket URL of repositories (SAMOVAR_REPOS)' })
    .option('namespace', {
      type: 'string',
      describe: "Of the fleet (default: the pod's own, or the context's)",
    })
    .option('http', {
      type: 'string',
      default: '6343',
      describe: 'HOST:PORT or PORT of /update, /healthz, /readyz and /metrics',
    })
    .option('every', {
      type: 'string',
      default: '60s',
      describe: 'Time between two looks at everything: 30s, 5m; seconds where no unit is written',
    })
    .option('once', { type: 'boolean', default: false, describe: 'One look, without the Lease, then end' })
    .option('dry-run', { type: 'boolean', default: false, describe: 'Say what would be done, do nothing' });
}

function workerOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('image', { type: 'string', demandOption: true, describe: 'Of the workers' })
    .option('logs', {
      type: 'string',
      describe: 'Where logs are: gs://BUCKET/PREFIX (SAMOVAR_MUTATION_LOGS)',
    })
    .option('github-secret', {
      type: 'string',
      default: 'github-token',
      describe: 'Secret with tokens for GitHub',
    })
    .option('github-key', {
      type: 'string',
      array: true,
      default: ['token'],
      describe: 'Keys of that Secret: repositories are spread over them',
    })
    .option('service-account', { type: 'string', describe: 'Of the workers, for the bucket' })
    .option('template', {
      type: 'string',
      describe: "YAML file: a part of a pod template, over the supervisor's own (null takes away)",
    })
    .option('pack', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'Repositories that share workers: OWNER/NAME with * for any text',
    })
    .option('packs', { type: 'number', default: 4, describe: 'How many workers those share' })
    .option('replay-minutes', {
      type: 'number',
      default: 60,
      describe: 'A worker that does not listen by then is started again',
    });
}

function removalOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('grace-minutes', {
      type: 'number',
      default: 60,
      describe: 'How long a worker must be in no list before it is removed',
    })
    .option('surplus-share', {
      type: 'number',
      default: 0.1,
      describe: 'Share of the fleet that may be removed, or be down for a change, at once',
    })
    .option('spacing-minutes', { type: 'number', default: 10, describe: 'Between two removals' })
    .option('allow-empty', {
      type: 'boolean',
      default: false,
      describe: 'A list without repositories is no mistake: remove the fleet',
    });
}
