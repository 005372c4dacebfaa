import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Argv } from 'yargs';
import type { Context } from '../../context.ts';
import { describeError } from '../../errors.ts';
import { type Audit, fileAudit } from '../../k8s/gitops/audit.ts';
import { type Bot, createBot } from '../../k8s/gitops/bot.ts';
import { type GitopsConfig, readGitops } from '../../k8s/gitops/config.ts';
import { createEngine } from '../../k8s/gitops/engine.ts';
import { readToken } from '../../k8s/gitops/git/settings.ts';
import type { BotOptions } from '../../k8s/gitops/handling.ts';
import { kustomizeCheck } from '../../k8s/gitops/kustomize.ts';
import { createGitopsMetrics, type GitopsMetrics } from '../../k8s/gitops/metrics.ts';
import { githubPullRequests } from '../../k8s/gitops/pull-request.ts';
import { tagCheck } from '../../k8s/gitops/registry.ts';
import { replicasOf } from '../../k8s/gitops/replicas.ts';
import { fileState, memoryState, noState } from '../../k8s/gitops/state.ts';
import { type CommonArgs, placeOptions } from '../run.ts';
import { openNamedCluster } from './cluster.ts';

export interface GitopsArgs extends CommonArgs {
  readonly repos: string;
  readonly kubeconfig?: string | undefined;
}

export function gitopsOptions<T>(yargs: Argv<T>) {
  return placeOptions(yargs)
    .option('repos', {
      alias: 'k',
      type: 'string',
      default: 'config/gitops.yaml',
      describe: 'YAML file of repositories and rules; those of major-tom are read as they are',
    })
    .option('kubeconfig', {
      type: 'string',
      describe: 'How clusters are reached, for info (default: KUBECONFIG, the pod, or ~/.kube/config)',
    });
}

export interface OpenedBot {
  readonly bot: Bot;
  readonly metrics: GitopsMetrics;
  readonly config: GitopsConfig;
}

/** The bot, with a clone of its own that goes when the command ends. `stays`: it takes more than one command. */
export async function openBot(
  context: Context,
  args: GitopsArgs,
  { stays }: { readonly stays: boolean },
): Promise<OpenedBot> {
  const { log, sleep, random, nowMs } = context;
  const config = await readGitops(args.repos);
  const { engine, metrics } = await openEngine(context, config);
  const { stateFolder, auditFile } = config;
  const memory = stays ? memoryState : noState;
  const state = stateFolder === undefined ? memory() : fileState({ folder: stateFolder, sleep, nowMs });
  if (stays && stateFolder === undefined)
    log.warn('stateFolder is not set: a restart forgets freezes and what waits');
  const audit: Audit =
    auditFile === undefined
      ? async ({ request: { id, person, text }, ...entry }) =>
          log.info({ requestId: id, by: person.id, name: person.name, text, ...entry }, 'audit')
      : fileAudit(auditFile, nowMs);
  const parts = {
    ...(await pullRequests(context, config)),
    ...replicas(context, config, args),
    ...tags(context, config),
  };
  const bot = metrics.watched(createBot({ config, engine, state, audit, nowMs, random, ...parts }));
  return { bot, config, metrics };
}

async function openEngine({ log, signal, sleep, random, onClose }: Context, config: GitopsConfig) {
  const { git: place, commit } = config;
  const folder = await mkdtemp(join(tmpdir(), 'samovar-gitops-'));
  onClose(() => rm(folder, { recursive: true, force: true }));
  const said = (message: string) => log.info(message);
  const metrics: GitopsMetrics = createGitopsMetrics(() => performance.now(), {
    queue: () => ({ repository: place.url, waiting: engine.waiting }),
  });
  const engine = createEngine({
    ...{ place, commit, folder, signal, sleep, random, log: said },
    check: kustomizeCheck({ how: config.check, signal, log: said }),
    onGit: metrics.git,
    onRetry: metrics.pushRetried,
  });
  return { engine, metrics };
}

export function newRequestId(): string {
  return randomBytes(8).toString('hex');
}

async function pullRequests(
  { signal, log }: Context,
  { pullRequests: settings }: GitopsConfig,
): Promise<Pick<BotOptions, 'pullRequest'>> {
  if (settings?.by !== 'github' || settings.tokenPath === undefined) return {};
  const token = await readToken(settings.tokenPath);
  return {
    pullRequest: githubPullRequests({ settings, token, signal, log: (message) => log.warn(message) }),
  };
}

function tags({ signal }: Context, { registries }: GitopsConfig): Pick<BotOptions, 'tagCheck'> {
  return Object.keys(registries).length === 0 ? {} : { tagCheck: tagCheck({ registries, signal }) };
}

function replicas(
  context: Context,
  { clusters }: GitopsConfig,
  { kubeconfig }: GitopsArgs,
): Pick<BotOptions, 'replicas'> {
  if (Object.keys(clusters).length === 0) return {};
  const opened = new Map<string, ReturnType<typeof openNamedCluster>>();
  const open = (name: string | undefined) => {
    const key = name ?? '';
    const cluster = opened.get(key) ?? openNamedCluster(context, { kubeconfig, 'kube-context': name });
    opened.set(key, cluster);
    // What could not be read may be there next time.
    cluster.catch(() => opened.delete(key));
    return cluster;
  };
  return {
    replicas: async (name, { stage }) => {
      const place = clusters[stage];
      if (place === undefined) return undefined;
      const cluster = await open(place.context).catch(describeError);
      if (typeof cluster === 'string') return cluster;
      const namespace = place.namespace ?? cluster.namespace ?? 'default';
      return replicasOf(cluster, name, { namespace, signal: context.signal });
    },
  };
}
