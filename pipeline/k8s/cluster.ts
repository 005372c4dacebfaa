/**
 * A Kubernetes cluster, as the modules of this folder see it: eight calls over objects of any kind. One driver per way to a cluster;
 * client-node.ts is the one for use.
 *
 * Glossary: a *kind* is a type of objects with its path in the API; an object's *version* is its resourceVersion, by which a change of
 * somebody else is told; a *watch* tells what happens to objects from a version on; to *apply* is server-side apply: one's own fields
 * are set, others' are left alone.
 */

/** Where objects of a kind are in the API. */
export interface Kind {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower case, plural: `deployments`. */
  readonly plural: string;
  /** As `kind:` has it: `Deployment`. */
  readonly kind: string;
  readonly namespaced: boolean;
}

const kind = (group: string, version: string, plural: string, name: string, namespaced = true): Kind => ({
  group,
  version,
  plural,
  kind: name,
  namespaced,
});

export const KINDS = {
  deployment: kind('apps', 'v1', 'deployments', 'Deployment'),
  statefulSet: kind('apps', 'v1', 'statefulsets', 'StatefulSet'),
  service: kind('', 'v1', 'services', 'Service'),
  pod: kind('', 'v1', 'pods', 'Pod'),
  event: kind('', 'v1', 'events', 'Event'),
  configMap: kind('', 'v1', 'configmaps', 'ConfigMap'),
  secret: kind('', 'v1', 'secrets', 'Secret'),
  namespace: kind('', 'v1', 'namespaces', 'Namespace', false),
  ingress: kind('networking.k8s.io', 'v1', 'ingresses', 'Ingress'),
  endpointSlice: kind('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  autoscaler: kind('autoscaling', 'v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler'),
  lease: kind('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  podMetrics: kind('metrics.k8s.io', 'v1beta1', 'pods', 'PodMetrics'),
} as const;

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An object of the API: what every kind has; the rest is each kind's own. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface Name {
  readonly name: string;
  /** For namespaced kinds. */
  readonly namespace?: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ListOptions extends CallOptions {
  /** Undefined: of all namespaces. */
  readonly namespace?: string;
  /** `app=x,!idled`, as kubectl takes it. */
  readonly labels?: string;
  readonly fields?: string;
}

/**
 * merge: JSON merge patch, null removes. strategic: lists merge by their keys (ports by `port`). json: operations. All take a
 * `metadata.resourceVersion` (json: a test operation) to be refused when somebody was quicker.
 */
export type PatchKind = 'merge' | 'strategic' | 'json';

export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: 'added' | 'modified' | 'deleted' | 'bookmark';
  readonly object: T;
}

export interface WatchOptions extends ListOptions {
  /** Of a list: what happened after it. */
  readonly version: string;
}

/**
 * Throws SamovarError: `missing` (404), `conflict` (409: it exists, or somebody was quicker), `refused` (400, 422, others), `denied`
 * (401, 403), `throttled` (429), `unavailable` (5xx), `timeout`, `network`, `aborted`. Nothing is tried again here. Names are checked
 * before they become part of a path.
 */
export interface Cluster {
  /** In words: which cluster. */
  readonly where: string;
  /** Undefined: there is none. */
  get(kind: Kind, name: Name, options?: CallOptions): Promise<KubeObject | undefined>;
  /** All of them, page by page beneath; `version` is where a watch begins. */
  list(
    kind: Kind,
    options?: ListOptions,
  ): Promise<{ readonly items: readonly KubeObject[]; readonly version: string }>;
  /**
   * Ends without an error when the server ends it, which it does every few minutes: begin again from the last version seen. Throws
   * `conflict` when that version is too old (410): list anew.
   */
  watch(kind: Kind, options: WatchOptions): AsyncIterable<WatchEvent>;
  create(
    kind: Kind,
    object: KubeObject,
    options?: CallOptions & { readonly dryRun?: boolean },
  ): Promise<KubeObject>;
  patch(kind: Kind, name: Name, body: unknown, options: PatchOptions): Promise<KubeObject>;
  /** Server-side apply: creates or changes; fields of `manager` that are no longer named are removed. */
  apply(kind: Kind, object: KubeObject, options: ApplyOptions): Promise<KubeObject>;
  /** True when it was there. Its dependants go too, in the background. `version`: only in this version. */
  delete(kind: Kind, name: Name, options?: CallOptions & { readonly version?: string }): Promise<boolean>;
  /** The scale subresource: replicas wanted and there. */
  scale(
    kind: Kind,
    name: Name,
    options?: CallOptions,
  ): Promise<{ readonly wanted: number; readonly there: number }>;
  setScale(kind: Kind, name: Name, replicas: number, options?: CallOptions): Promise<void>;
  close(): void;
}

export interface PatchOptions extends CallOptions {
  readonly kind: PatchKind;
  readonly subresource?: 'status' | 'scale';
}

export interface ApplyOptions extends CallOptions {
  readonly manager: string;
  /** Takes fields over from other managers instead of being refused. */
  readonly force: boolean;
  readonly dryRun?: boolean;
}
