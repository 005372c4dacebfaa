import { describeError, SamovarError } from '../../errors.ts';
import { type Cluster, KINDS, type KubeObject } from '../cluster.ts';
import type { Subject } from './command.ts';
import type { CodeBase } from './config.ts';
import { servicesOf } from './layout.ts';

/** Pods of a service, now: as wanted, as ready, and the bounds of its autoscaler where it has one. */
export interface Running {
  readonly wanted: number;
  readonly ready: number;
  readonly bounds?: { readonly min: number; readonly max: number };
}

/** Undefined: no cluster is configured for the stage. Text: why they are not known. */
export type ReplicaReader = (name: string, of: Subject) => Promise<Running | string | undefined>;

interface Place {
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/**
 * Reads a Deployment of this name, else the only one labelled `app.kubernetes.io/name` or `app` so, and its autoscaler. Needs get and
 * list of deployments, list of horizontalpodautoscalers. What cannot be read is said: what the files hold is worth telling without it.
 */
export async function replicasOf(
  cluster: Pick<Cluster, 'get' | 'list'>,
  name: string,
  place: Place,
): Promise<Running | string> {
  try {
    const found = await findDeployment(cluster, name, place);
    if (found === undefined) return `there is no Deployment ${name} in the namespace ${place.namespace}`;
    const { spec, status } = found as {
      readonly spec?: { readonly replicas?: unknown };
      readonly status?: { readonly readyReplicas?: unknown };
    };
    const bounds = await boundsOf(cluster, found.metadata.name, place);
    return {
      wanted: countOf(spec?.replicas, 1),
      ready: countOf(status?.readyReplicas, 0),
      ...(bounds === undefined ? {} : { bounds }),
    };
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'aborted') throw error;
    return describeError(error);
  }
}

async function findDeployment(cluster: Pick<Cluster, 'get' | 'list'>, name: string, place: Place) {
  const { namespace, signal } = place;
  const found = await cluster.get(KINDS.deployment, { name, namespace }, { signal });
  if (found !== undefined) return found;
  for (const key of ['app.kubernetes.io/name', 'app']) {
    const labels = `${key}=${name}`;
    const { items } = await cluster.list(KINDS.deployment, { namespace, labels, signal });
    if (items.length === 1) return items[0];
  }
  return undefined;
}

interface Autoscaler extends KubeObject {
  readonly spec?: {
    readonly minReplicas?: unknown;
    readonly maxReplicas?: unknown;
    readonly scaleTargetRef?: { readonly kind?: unknown; readonly name?: unknown };
  };
}

async function boundsOf(cluster: Pick<Cluster, 'list'>, name: string, { namespace, signal }: Place) {
  const { items } = await cluster.list(KINDS.autoscaler, { namespace, signal });
  const spec = (items as readonly Autoscaler[]).find(({ spec: one }) => {
    return one?.scaleTargetRef?.kind === 'Deployment' && one.scaleTargetRef.name === name;
  })?.spec;
  if (spec === undefined) return undefined;
  return { min: countOf(spec.minReplicas, 1), max: countOf(spec.maxReplicas, 1) };
}

/** Of one service, or of each service of what was asked about. */
export async function replicaLines(
  read: ReplicaReader | undefined,
  base: CodeBase,
  of: Subject,
): Promise<readonly string[]> {
  if (read === undefined) return [];
  const those = servicesOf(base).filter(
    ({ project, service }) =>
      (of.service === undefined || of.service === service) &&
      (of.project === undefined || project === undefined || of.project === project),
  );
  const lines: string[] = [];
  for (const { full } of those) {
    const found = await read(full, of);
    if (found !== undefined)
      lines.push(`\tReplicas${those.length > 1 ? ` of ${full}` : ''}: ${runningText(found)}`);
  }
  return lines;
}

function runningText(found: Running | string): string {
  if (typeof found === 'string') return `unknown, ${found}`;
  const { wanted, ready, bounds } = found;
  const scaled = bounds === undefined ? '' : `, autoscaler from ${bounds.min} to ${bounds.max}`;
  return `${ready} ready of ${wanted} wanted${scaled}`;
}

function countOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
