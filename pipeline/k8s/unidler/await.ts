import { SamovarError } from '../../errors.ts';
import { KINDS, type KubeObject } from '../cluster.ts';
import { isCode, nameOf } from '../idling/change.ts';
import { idledOf } from '../idling/marks.ts';
import { selectorOf } from '../idling/saved-service.ts';
import { inWords, isSelected, podSelector, replicasOf, type Workload } from '../idling/workload.ts';
import type { WakeContext } from './contract.ts';
import { failure } from './failing.ts';
import type { App } from './find.ts';
import { follow, type Waiting, type Watched } from './follow.ts';
import { hasReadyEndpoint, isAvailable, waitingFor } from './reasons.ts';

/** Until each workload of the stage has a pod that can answer. */
export function awaitStage(
  stage: readonly Workload[],
  { namespace }: App,
  deadlineMs: number,
  context: WakeContext,
): Promise<void> {
  const awaited = stage.filter(isInvolved);
  const look = async () => {
    for (const workload of awaited) {
      const waiting = await lookAt(workload, context);
      if (waiting !== undefined) return waiting;
    }
    return undefined;
  };
  const watched = awaited.flatMap((workload): readonly Watched[] => [
    { kind: workload.kind, namespace, fields: `metadata.name=${workload.object.metadata.name}` },
    { kind: KINDS.pod, namespace, labels: podSelector(workload) },
  ]);
  return awaiting(watched, look, deadlineMs, context);
}

/** Until a request would be answered: a Service that has its pods back is not yet one that sends to them. */
export function awaitEndpoints(app: App, deadlineMs: number, context: WakeContext): Promise<void> {
  const { namespace } = app;
  const behind = (service: KubeObject) =>
    app.workloads.filter((each) => isInvolved(each) && isSelected(each, selectorOf(service)));
  const fronts = app.services.filter((service) => behind(service).length > 0);
  const look = async () => {
    for (const service of fronts) {
      const waiting = await lookAtEndpoints(service, behind(service), context);
      if (waiting !== undefined) return waiting;
    }
    return undefined;
  };
  const watched = fronts.map((service) => ({
    kind: KINDS.endpointSlice,
    namespace,
    labels: slicesOf(service),
  }));
  return awaiting(watched, look, deadlineMs, context);
}

/** Somebody else's zero is not waited for. */
function isInvolved({ object }: Workload): boolean {
  return idledOf(object) !== undefined || replicasOf(object) > 0;
}

async function lookAt({ kind, object }: Workload, { hands }: WakeContext): Promise<Waiting | undefined> {
  const { cluster, signal } = hands;
  const now = await cluster.get(kind, nameOf(object), { signal });
  const workload = { kind, object: now ?? object };
  if (now === undefined) throw new SamovarError('missing', `${inWords(workload)} was deleted`);
  if (isAvailable(workload)) return undefined;
  const detail = inWords(workload);
  if (replicasOf(now) === 0) return { reason: 'somebody has sent it to sleep again', detail };
  return waitingFor(workload, (await podsOf(workload, hands)) ?? []);
}

function slicesOf({ metadata }: KubeObject): string {
  return `kubernetes.io/service-name=${metadata.name}`;
}

async function lookAtEndpoints(
  service: KubeObject,
  workloads: readonly Workload[],
  { hands }: WakeContext,
): Promise<Waiting | undefined> {
  const { cluster, signal } = hands;
  const { name, namespace = '' } = service.metadata;
  const slices = await allowed(() =>
    cluster.list(KINDS.endpointSlice, { namespace, labels: slicesOf(service), signal }),
  );
  // An original's role knows no slices: then the redirect has to do.
  if (slices === undefined) return undefined;
  const pods = await Promise.all(workloads.map((each) => podsOf(each, hands)));
  const seen = pods.every((each) => each !== undefined) ? pods.flat() : undefined;
  if (hasReadyEndpoint(slices.items, seen)) return undefined;
  return { reason: 'its address does not lead to it yet', detail: `Service ${namespace}/${name}` };
}

/** Undefined: they may not be seen. */
async function podsOf(workload: Workload, { cluster, signal }: WakeContext['hands']) {
  const namespace = workload.object.metadata.namespace ?? '';
  const labels = podSelector(workload);
  return (await allowed(() => cluster.list(KINDS.pod, { namespace, labels, signal })))?.items;
}

async function allowed<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isCode(error, 'denied')) return undefined;
    throw error;
  }
}

async function awaiting(
  watched: readonly Watched[],
  look: () => Promise<Waiting | undefined>,
  deadlineMs: number,
  { host, options, hands, say }: WakeContext,
): Promise<void> {
  const onReason = ({ reason, detail }: Waiting) => {
    say(`Waiting: ${reason}.`);
    options.log('an app is waited for', { host, reason, detail });
  };
  try {
    await follow({ watched, look, onReason, deadlineMs, tickMs: options.tickMs }, hands);
  } catch (error) {
    const text = 'Failed to wait for for your app to come back up.';
    const reason = isCode(error, 'timeout') ? (error as SamovarError).remedy : undefined;
    throw failure(reason === undefined ? text : `${text} At the end, ${reason}.`, error);
  }
}
