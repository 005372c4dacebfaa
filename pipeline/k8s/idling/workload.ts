import { KINDS, type Kind, type KubeObject } from '../cluster.ts';
import { change, type Hands, listIfAllowed, nameOf, persist } from './change.ts';
import { countAt, type Fields, listAt, textAt, textsAt, valueAt } from './fields.ts';
import { idledOf, markIdled, markWoken, orderOf } from './marks.ts';

/** A Deployment or a StatefulSet. */
export interface Workload {
  readonly kind: Kind;
  readonly object: KubeObject;
}

/** StatefulSets only where they may be read: an original's role has Deployments alone. */
export async function listWorkloads(
  options: { readonly namespace?: string; readonly labels?: string },
  hands: Hands,
): Promise<readonly Workload[]> {
  const { cluster, signal } = hands;
  const deployments = (await cluster.list(KINDS.deployment, { ...options, signal })).items;
  const sets = await listIfAllowed(KINDS.statefulSet, options, hands);
  return [
    ...deployments.map((object) => ({ kind: KINDS.deployment, object })),
    ...sets.map((object) => ({ kind: KINDS.statefulSet, object })),
  ];
}

/** `Deployment shop/web`. */
export function inWords({ kind, object }: Workload): string {
  return `${kind.kind} ${object.metadata.namespace}/${object.metadata.name}`;
}

/** In the order in which they are woken; those of one stage together. */
export function stagesOf(workloads: readonly Workload[]): readonly (readonly Workload[])[] {
  const stages = new Map<number, Workload[]>();
  for (const workload of workloads) {
    const order = orderOf(workload.object);
    stages.set(order, [...(stages.get(order) ?? []), workload]);
  }
  return [...stages].sort(([a], [b]) => a - b).map(([, stage]) => stage);
}

/** As `kubectl -l` takes it. */
export function podSelector({ object }: Workload): string {
  const labels = textsAt(object, 'spec', 'selector', 'matchLabels');
  const expressions = listAt(object, 'spec', 'selector', 'matchExpressions');
  return [
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    ...expressions.map(expressionText),
  ].join(',');
}

function expressionText({ key, operator, values }: Fields): string {
  if (operator === 'Exists') return String(key);
  if (operator === 'DoesNotExist') return `!${key}`;
  const list = Array.isArray(values) ? values.join(',') : '';
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${list})`;
}

/** True when a Service with this selector sends to its pods. */
export function isSelected({ object }: Workload, selector: Fields | undefined): boolean {
  if (selector === undefined) return false;
  const labels = textsAt(object, 'spec', 'template', 'metadata', 'labels');
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

export function replicasOf(object: KubeObject): number {
  return typeof valueAt(object, 'spec', 'replicas') === 'number' ? countAt(object, 'spec', 'replicas') : 1;
}

/** The least that an autoscaler would keep; 0 where there is none for it. */
export function minimumOf({ kind, object }: Workload, autoscalers: readonly KubeObject[]): number {
  const own = autoscalers.find(
    (scaler) =>
      scaler.metadata.namespace === object.metadata.namespace &&
      textAt(scaler, 'spec', 'scaleTargetRef', 'kind') === kind.kind &&
      textAt(scaler, 'spec', 'scaleTargetRef', 'name') === object.metadata.name,
  );
  return own === undefined ? 0 : countAt(own, 'spec', 'minReplicas') || 1;
}

/** Scales it up again; nothing where it is up already, whoever did it. Gives it as it is then. */
export async function scaleUp(workload: Workload, minimum: number, hands: Hands): Promise<KubeObject> {
  const { kind } = workload;
  const name = nameOf(workload.object);
  const wanted = (object: KubeObject) => Math.max(idledOf(object)?.replicas ?? 1, minimum);
  if (kind.kind === 'Deployment')
    return change(
      kind,
      name,
      (object) => (replicasOf(object) > 0 ? undefined : { spec: { replicas: wanted(object) } }),
      hands,
    );
  const object = await change(kind, name, () => undefined, hands);
  if (replicasOf(object) === 0)
    await hands.cluster.setScale(kind, name, wanted(object), { signal: hands.signal });
  return change(kind, name, () => undefined, hands);
}

/** Scales it to 0 and marks it. `stays` is asked of its newest version: undefined, or why it is to be left alone. */
export async function scaleDown(
  workload: Workload,
  stays: (object: KubeObject) => string | undefined,
  hands: Hands,
): Promise<string | undefined> {
  const { kind } = workload;
  const name = nameOf(workload.object);
  const isDeployment = kind.kind === 'Deployment';
  let why: string | undefined;
  await change(
    kind,
    name,
    (object) => {
      why = stays(object);
      if (why !== undefined || replicasOf(object) === 0) return undefined;
      const metadata = markIdled(replicasOf(object), hands.nowMs());
      return { metadata, ...(isDeployment && { spec: { replicas: 0 } }) };
    },
    hands,
  );
  if (why === undefined && !isDeployment) await scaleOrUnmark(workload, hands);
  return why;
}

/** One that is marked and runs would be taken for idled by everybody. */
async function scaleOrUnmark(workload: Workload, hands: Hands): Promise<void> {
  const { cluster, signal } = hands;
  try {
    await persist(() => cluster.setScale(workload.kind, nameOf(workload.object), 0, { signal }), hands, true);
  } catch (error) {
    await unmark(workload, hands);
    throw error;
  }
}

/** Takes the marks off. */
export async function unmark(workload: Workload, hands: Hands): Promise<void> {
  const patchOf = (object: KubeObject) =>
    idledOf(object) === undefined ? undefined : { metadata: markWoken(hands.nowMs()) };
  await change(workload.kind, nameOf(workload.object), patchOf, hands);
}
