import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { openCluster } from '../../../pipeline/k8s/client-node.ts';
import { KINDS, type Kind, type KubeObject } from '../../../pipeline/k8s/cluster.ts';
import type { Hands } from '../../../pipeline/k8s/idling/change.ts';
import { IDLED_AT, IDLED_LABEL, REPLICAS } from '../../../pipeline/k8s/idling/marks.ts';
import { type KubeApi, type KubeApiOptions, startKubeApi } from '../../support/kube-api.ts';

export const NS = 'shop';
export const NOW_MS = Date.parse('2026-11-20T22:00:00Z');

export interface World {
  readonly api: KubeApi;
  readonly hands: Hands;
  readonly clock: { ms: number };
  readonly stop: AbortController;
}

/** An API server, a way to it, and a clock that stands still until it is told. */
export async function world(options: KubeApiOptions = {}): Promise<World> {
  const clock = { ms: NOW_MS };
  const api = await startKubeApi({ namespaces: [NS], nowMs: () => clock.ms, ...options });
  const cluster = await openCluster({ kubeconfig: api.kubeconfig });
  const stop = new AbortController();
  onTestFinished(async () => {
    stop.abort();
    cluster.close();
    await api.close();
  });
  const hands: Hands = {
    cluster,
    nowMs: () => clock.ms,
    random: () => 0.5,
    // What waits for years in the code waits for an instant here, and lets others go on.
    sleep: (_ms, signal) => delay(5, undefined, signal ? { signal } : {}),
    signal: stop.signal,
  };
  return { api, hands, clock, stop };
}

export interface AppShape {
  readonly host?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly workload?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  readonly kind?: Kind;
  readonly service?: Readonly<Record<string, unknown>>;
  readonly resources?: object;
}

export const PORTS = [
  { name: 'web', port: 8080, targetPort: 'http' },
  { name: 'metrics', port: 9090, targetPort: 9091 },
];

/** A live app with an Ingress, a Service of two ports and a workload, all of one name. */
export function createApp({ api }: World, name: string, shape: AppShape = {}): void {
  const { host = `${name}.example.org`, labels = { host }, kind = KINDS.deployment } = shape;
  const app = { app: name };
  const metadata = { name, namespace: NS, labels: { ...app, ...labels } };
  const http = { paths: [{ path: '/', pathType: 'Prefix', backend: backend(name) }] };
  api.create(KINDS.ingress, { metadata, spec: { rules: [{ host, http }] } });
  const selector = { ...app, tier: 'front' };
  api.create(KINDS.service, { metadata, spec: { selector, ports: PORTS, ...shape.service } });
  createWorkload(api, name, { ...shape, kind, labels });
}

export function createWorkload(api: KubeApi, name: string, shape: AppShape = {}): void {
  const { labels = {}, kind = KINDS.deployment, annotations = {}, replicas = 2, workload = {} } = shape;
  const app = { app: name, tier: 'front' };
  const container = { name: 'app', image: 'registry.test/app:1', resources: shape.resources ?? {} };
  api.create(kind, {
    metadata: { name, namespace: NS, labels: { ...app, ...labels, ...workload }, annotations },
    spec: {
      replicas,
      ...(kind.kind === 'StatefulSet' && { serviceName: name }),
      selector: { matchLabels: app },
      template: { metadata: { labels: app }, spec: { containers: [container] } },
    },
  });
}

const backend = (name: string) => ({ service: { name, port: { name: 'web' } } });

/** As the original idler leaves a workload and its Service. */
export function idleAsOriginal({ api }: World, name: string, replicas = '2'): void {
  api.edit(KINDS.service, { name, namespace: NS }, (draft) => {
    const { spec } = draft as { spec: Record<string, unknown> };
    delete spec.selector;
    delete spec.clusterIP;
    delete spec.clusterIPs;
    Object.assign(spec, {
      type: 'ExternalName',
      externalName: 'unidler.default.svc.cluster.local',
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 80 }],
    });
  });
  api.edit(KINDS.deployment, { name, namespace: NS }, (draft) => {
    const { metadata, spec } = draft as unknown as Record<
      'metadata' | 'spec',
      Record<string, object | number>
    >;
    spec.replicas = 0;
    metadata.labels = { ...(metadata.labels as object), [IDLED_LABEL]: 'true' };
    metadata.annotations = {
      ...(metadata.annotations as object),
      [IDLED_AT]: '2018-02-07T11:44:20+00:00',
      [REPLICAS]: replicas,
    };
  });
}

/** What controllers and a kubelet do: a pod that runs, or waits for a reason; and the workload's status. */
export function runPods(
  { api }: World,
  name: string,
  { waiting, kind = KINDS.deployment }: { readonly waiting?: string; readonly kind?: Kind } = {},
): void {
  const pod = { name: `${name}-1`, namespace: NS };
  const labels = { app: name, tier: 'front' };
  if (api.get(KINDS.pod, pod) === undefined)
    api.create(KINDS.pod, {
      metadata: { ...pod, labels },
      spec: { containers: [{ name: 'app', image: 'registry.test/app:1' }] },
    });
  const state = waiting === undefined ? { running: {} } : { waiting: { reason: waiting, message: 'secret' } };
  const phase = waiting === undefined ? 'Running' : 'Pending';
  api.editStatus(KINDS.pod, pod, { phase, containerStatuses: [{ name: 'app', state }] });
  const generation = api.get(kind, { name, namespace: NS })?.metadata.generation ?? 0;
  const available = waiting === undefined ? 1 : 0;
  api.editStatus(
    kind,
    { name, namespace: NS },
    {
      ...{ observedGeneration: generation, replicas: 1, availableReplicas: available },
    },
  );
}

/** What the controller of endpoints does. */
export function setEndpoints({ api }: World, name: string, pods: readonly string[] = [`${name}-1`]): void {
  const slice = { name: `${name}-abc`, namespace: NS };
  if (api.get(KINDS.endpointSlice, slice) !== undefined) api.remove(KINDS.endpointSlice, slice);
  api.create(KINDS.endpointSlice, {
    metadata: { ...slice, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [],
    endpoints: pods.map((pod, at) => ({
      addresses: [`10.1.0.${at + 1}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name: pod, namespace: NS },
    })),
  });
}

/** Until it holds; a test that waits for what never comes ends by its own time. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(5);
}

export function specOf({ api }: World, kind: Kind, name: string): Record<string, unknown> {
  return (api.get(kind, { name, namespace: NS })?.spec ?? {}) as Record<string, unknown>;
}

export function metadataOf({ api }: World, kind: Kind, name: string): KubeObject['metadata'] {
  const object = api.get(kind, { name, namespace: NS });
  if (object === undefined) throw new Error(`there is no ${kind.kind} ${name}`);
  return object.metadata;
}
