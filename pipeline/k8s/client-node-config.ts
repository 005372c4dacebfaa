import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { describeError, SamovarError } from '../errors.ts';

export interface ConfigOptions {
  /** Paths of kubeconfig files, as the variable KUBECONFIG joins them. Undefined: the pod's own service account, else ~/.kube/config. */
  readonly kubeconfig?: string;
  /** Of the kubeconfig; default: its current one. */
  readonly context?: string;
  /** Before the paths of a pod's service account; for tests. */
  readonly podRoot?: string;
}

const POD_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const REMEDY = 'Give a kubeconfig by --kubeconfig or KUBECONFIG, or run in a pod that has a service account.';

type Make = () => KubeConfig;

/** How to reach a cluster and as whom. Throws `config`. */
export async function loadKubeConfig({
  kubeconfig,
  context,
  podRoot = '',
}: ConfigOptions): Promise<KubeConfig> {
  // The package takes a second to load, which other commands need not wait for.
  const sdk = await import('@kubernetes/client-node');
  const make = () => new sdk.KubeConfig();
  const config = kubeconfig ? readFiles(kubeconfig, make) : findConfig(podRoot, make);
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getContextObject(config.getCurrentContext()) === null)
    throw wrong(`the kubeconfig has no context ${JSON.stringify(config.getCurrentContext() ?? '')}`, {
      remedy: `It has: ${
        config
          .getContexts()
          .map(({ name }) => name)
          .join(', ') || 'none'
      }.`,
    });
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw wrong('the context of the kubeconfig names a cluster that is not in it');
  if (!/^https?:\/\/[^/]/.test(cluster.server) || cluster.server.includes('undefined'))
    throw wrong(`the address of the cluster is ${JSON.stringify(cluster.server)}`);
  return config;
}

function findConfig(podRoot: string, make: Make): KubeConfig {
  if (existsSync(join('/', podRoot, POD_ACCOUNT, 'token'))) {
    const config = make();
    config.loadFromCluster(podRoot);
    return config;
  }
  const home = join(homedir(), '.kube', 'config');
  if (existsSync(home)) return readFiles(home, make);
  throw wrong('there is neither a service account of a pod nor a kubeconfig');
}

function readFiles(paths: string, make: Make): KubeConfig {
  const merged = make();
  // As kubectl does: the first file that has a name wins.
  for (const path of paths.split(delimiter).filter((each) => each !== '')) {
    const config = readOne(path, make);
    merged.currentContext ??= config.currentContext;
    for (const each of config.clusters) if (merged.getCluster(each.name) === null) merged.addCluster(each);
    for (const each of config.users) if (merged.getUser(each.name) === null) merged.addUser(each);
    for (const each of config.contexts)
      if (merged.getContextObject(each.name) === null) merged.addContext(each);
  }
  return merged;
}

function readOne(path: string, make: Make): KubeConfig {
  try {
    const config = make();
    config.loadFromFile(path);
    return withTokenFiles(config, path);
  } catch (cause) {
    throw wrong(`cannot read the kubeconfig ${path}: ${describeError(cause)}`, { subject: path, cause });
  }
}

interface Users {
  readonly users?: readonly { readonly name: string; readonly user?: { readonly tokenFile?: string } }[];
}

/** The package knows `tokenFile`, which kubectl writes, only as another's name, and then reads it once. */
function withTokenFiles(config: KubeConfig, path: string): KubeConfig {
  const { users = [] } = parse(readFileSync(path, 'utf8')) as Users;
  for (const { name, user } of users) {
    if (typeof user?.tokenFile !== 'string') continue;
    const tokenFile = resolve(dirname(path), user.tokenFile);
    config.users = config.users.map((each) =>
      each.name === name ? { ...each, authProvider: { name: 'tokenFile', config: { tokenFile } } } : each,
    );
  }
  return config;
}

function wrong(
  message: string,
  details: { readonly subject?: string; readonly remedy?: string; readonly cause?: unknown } = {},
): SamovarError {
  return new SamovarError('config', `cannot use the Kubernetes cluster: ${message}`, {
    remedy: REMEDY,
    ...details,
  });
}
