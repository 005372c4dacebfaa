import type { Argv } from 'yargs';
import { type Context, othersVariable } from '../../context.ts';
import { type ConnectedCluster, openCluster } from '../../k8s/client-node.ts';

export interface ClusterArgs {
  readonly kubeconfig?: string | undefined;
  readonly 'kube-context'?: string | undefined;
}

export function clusterOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('kubeconfig', {
      type: 'string',
      describe: "File (default: KUBECONFIG, the pod's account, or ~/.kube/config)",
    })
    .option('kube-context', { type: 'string', describe: 'Of the kubeconfig (default: its current one)' });
}

/** The cluster that flags and environment name, until the command ends. Throws `config`. */
export async function openNamedCluster(
  { settings, onClose }: Context,
  { kubeconfig = othersVariable('KUBECONFIG'), 'kube-context': context }: ClusterArgs,
): Promise<ConnectedCluster> {
  const cluster = await openCluster({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    timeoutMs: settings.requestTimeoutMs,
  });
  onClose(() => cluster.close());
  return cluster;
}
