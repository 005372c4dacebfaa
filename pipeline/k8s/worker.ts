import { SamovarError } from '../errors.ts';
import { type Cluster, KINDS, type KubeObject } from './cluster.ts';
import { deploymentName, fullName, labelsOf } from './supervisor/names.ts';

/** What is to be known to start a worker again as it was. */
export interface DeploymentState {
  readonly name: string;
  readonly replicas: number;
}

export interface DeploymentWorkerOptions {
  readonly cluster: Pick<Cluster, 'where' | 'get' | 'list' | 'setScale'>;
  readonly namespace: string;
  readonly repo: { readonly owner: string; readonly name: string };
  readonly signal?: AbortSignal;
}

interface Found {
  readonly name: string;
  readonly replicas: number;
  readonly ready: number;
  /** By which its pods are found: `app=mtr-d-0`. */
  readonly selector: string;
}

/** The worker of one repository, as a Deployment that has the labels `owner` and `repository`, or the name that a supervisor gives. */
export function deploymentWorker(options: DeploymentWorkerOptions) {
  const { cluster, namespace, signal } = options;
  const call = signal === undefined ? {} : { signal };
  const find = async (): Promise<Found> => {
    const found = await deploymentsOf(options);
    const [one, other] = found;
    if (one !== undefined && other === undefined) return readDeployment(one);
    throw notOne(options, found);
  };
  const scale = async (replicas: number) => {
    const { name } = await find();
    await cluster.setScale(KINDS.deployment, { name, namespace }, replicas, call);
  };
  return {
    look: async () => {
      const { name, replicas, ready } = await find();
      return {
        text: `Deployment ${namespace}/${name}: ${replicas} wanted, ${ready} ready`,
        state: { name, replicas } satisfies DeploymentState,
      };
    },
    stop: () => scale(0),
    // Pods that are ending still write.
    isStopped: async () => {
      const { replicas, selector } = await find();
      if (replicas > 0) return false;
      return (await cluster.list(KINDS.pod, { namespace, labels: selector, ...call })).items.length === 0;
    },
    // One that was stopped already, by hand, is wanted again: the runbook's step is "scale to 1".
    start: ({ replicas }: DeploymentState) => scale(Math.max(1, replicas)),
    isStarted: async () => (await find()).ready > 0,
  };
}

/** By labels; where these cannot hold the names (`.github`), by the name that a supervisor made of them. */
async function deploymentsOf({ cluster, namespace, repo, signal }: DeploymentWorkerOptions) {
  const call = signal === undefined ? {} : { signal };
  const labels = Object.entries(labelsOf({ owner: repo.owner, repository: repo.name }));
  if (labels.length === 2) {
    const selector = labels.map(([key, value]) => `${key}=${value}`).join(',');
    return (await cluster.list(KINDS.deployment, { namespace, labels: selector, ...call })).items;
  }
  const name = deploymentName(fullName(repo));
  const found = await cluster.get(KINDS.deployment, { name, namespace }, call);
  return found === undefined ? [] : [found];
}

interface Spec {
  readonly replicas?: number;
  readonly selector?: {
    readonly matchLabels?: Readonly<Record<string, string>>;
    readonly matchExpressions?: readonly unknown[];
  };
}

function readDeployment({ metadata, spec, status }: KubeObject): Found {
  const { name, namespace } = metadata;
  const { replicas = 1, selector = {} } = (spec ?? {}) as Spec;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const labels = Object.entries(matchLabels);
  if (labels.length === 0 || matchExpressions.length > 0)
    throw new SamovarError(
      'refused',
      `the Deployment ${namespace}/${name} does not select its pods by labels alone`,
      { subject: `${namespace}/${name}`, remedy: 'Stop it by hand, and reset with --no-kubernetes.' },
    );
  const { readyReplicas = 0 } = (status ?? {}) as { readonly readyReplicas?: number };
  const text = labels.map(([key, value]) => `${key}=${value}`).join(',');
  return { name, replicas, ready: readyReplicas, selector: text };
}

function notOne(
  { cluster, namespace, repo }: DeploymentWorkerOptions,
  found: readonly KubeObject[],
): SamovarError {
  const seen = found.length === 0 ? 'none' : found.map(({ metadata }) => metadata.name).join(', ');
  return new SamovarError(
    found.length === 0 ? 'missing' : 'conflict',
    `there is not one Deployment of ${fullName(repo)} in the namespace ${namespace} of ${cluster.where}, but ${seen}`,
    {
      subject: fullName(repo),
      remedy:
        'It is found by its labels owner= and repository=; one that several repositories share is never stopped. For a worker on this machine use --no-kubernetes; another namespace is named by --namespace.',
    },
  );
}
