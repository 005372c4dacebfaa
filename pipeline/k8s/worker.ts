import { SamovarError } from '../errors.ts';
import type { Deployment, DeploymentCall, Deployments } from './contract.ts';

/** What is to be known to start a worker again as it was. */
export interface DeploymentState {
  readonly name: string;
  readonly replicas: number;
}

/** The worker of one repository, as a Deployment that has the labels `owner` and `repository`. */
export function deploymentWorker(
  deployments: Deployments,
  { owner, name }: { readonly owner: string; readonly name: string },
  call: DeploymentCall = {},
) {
  const find = async (): Promise<Deployment> => {
    const found = await deployments.find({ owner, repository: name }, call);
    const [one, other] = found;
    if (one !== undefined && other === undefined) return one;
    throw notOne(deployments, `${owner}/${name}`, found);
  };
  return {
    look: async () => {
      const { namespace, name: deployment, replicas, ready } = await find();
      return {
        text: `Deployment ${namespace}/${deployment}: ${replicas} wanted, ${ready} ready`,
        state: { name: deployment, replicas } satisfies DeploymentState,
      };
    },
    stop: async () => deployments.scale(await find(), 0, call),
    isStopped: async () => {
      const found = await find();
      return found.replicas === 0 && (await deployments.pods(found, call)) === 0;
    },
    // One that was stopped already, by hand, is wanted again: the runbook's step is "scale to 1".
    start: async ({ replicas }: DeploymentState) =>
      deployments.scale(await find(), Math.max(1, replicas), call),
    isStarted: async () => (await find()).ready > 0,
  };
}

function notOne({ where }: Deployments, repository: string, found: readonly Deployment[]): SamovarError {
  const seen = found.length === 0 ? 'none' : found.map(({ name }) => name).join(', ');
  return new SamovarError(
    found.length === 0 ? 'missing' : 'conflict',
    `there is not one Deployment of ${repository} in ${where}, but ${seen}`,
    {
      subject: repository,
      remedy:
        'It is found by its labels owner= and repository=. For a worker on this machine use --no-kubernetes; another namespace is named by --namespace.',
    },
  );
}
