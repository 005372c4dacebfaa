import { isRetryable } from '../../errors.ts';
import { type Cluster, KINDS } from '../cluster.ts';

/** Pods of a Deployment of this name: wanted and ready. Undefined where it is not there, or the cluster does not answer. */
export async function replicasOf(
  cluster: Pick<Cluster, 'get'>,
  name: string,
  { namespace, signal }: { readonly namespace: string; readonly signal: AbortSignal },
): Promise<{ readonly wanted: number; readonly ready: number } | undefined> {
  try {
    const found = await cluster.get(KINDS.deployment, { name, namespace }, { signal });
    if (found === undefined) return undefined;
    const { spec, status } = found as { spec?: { replicas?: unknown }; status?: { readyReplicas?: unknown } };
    return { wanted: countOf(spec?.replicas, 1), ready: countOf(status?.readyReplicas, 0) };
  } catch (error) {
    // What the files say is worth telling without it.
    if (isRetryable(error)) return undefined;
    throw error;
  }
}

function countOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
