import { type ConfigOptions, loadKubeConfig } from './client-node-config.ts';
import {
  type Answer,
  type Connection,
  connect,
  type Limits,
  type Sending,
} from './client-node-connection.ts';
import { malformed, refusal } from './client-node-errors.ts';
import { apiVersionOf, isObject, isRecord, numberAt, withKind } from './client-node-json.ts';
import { inWords, pathOf, pathOfKind, type Query, withQuery } from './client-node-path.ts';
import { watch } from './client-node-watch.ts';
import type {
  ApplyOptions,
  CallOptions,
  Cluster,
  Kind,
  KubeObject,
  ListOptions,
  Name,
  PatchKind,
  PatchOptions,
} from './cluster.ts';

export interface ClusterOptions extends ConfigOptions, Partial<Limits> {
  /** Objects of one page of a list. */
  readonly pageSize?: number;
}

/** A cluster, and the namespace one is in: of the kubeconfig's context, or of the pod. */
export interface ConnectedCluster extends Cluster {
  readonly namespace: string | undefined;
}

const TIMEOUT_MS = 30_000;
const BODY_BYTES_MAX = 64 * 2 ** 20;
const PAGE_SIZE = 500;
/** Whose changes are that nobody applied. */
const MANAGER = 'samovar';

/** The client leaves out which patch it is, and servers then take it for one of JSON operations. */
const PATCH_TYPES: Readonly<Record<PatchKind | 'apply', string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML.
  apply: 'application/apply-patch+yaml',
};

/** Of a kubeconfig, of the pod this runs in, or of ~/.kube/config. Throws `config` when none of them says how; nothing is sent yet. */
export async function openCluster(options: ClusterOptions = {}): Promise<ConnectedCluster> {
  const { timeoutMs = TIMEOUT_MS, bodyBytesMax = BODY_BYTES_MAX, pageSize = PAGE_SIZE } = options;
  const config = await loadKubeConfig(options);
  const connection = connect(config, { timeoutMs, bodyBytesMax });
  const context = config.getContextObject(config.getCurrentContext());
  return {
    where: `the Kubernetes cluster ${config.getCurrentCluster()?.server}`,
    namespace: context?.namespace?.trim() || undefined,
    ...reads(connection, pageSize),
    ...writes(connection),
    watch: (kind, given) => watch(connection, kind, given),
    close: () => connection.close(),
  };
}

function reads(connection: Connection, pageSize: number): Pick<Cluster, 'get' | 'list' | 'scale'> {
  return {
    get: async (kind, name, { signal } = {}) => {
      const sending = {
        doing: `get ${inWords(kind, name)}`,
        method: 'GET',
        path: pathOf(kind, name),
        signal,
      } as const;
      const answer = await connection.send(sending);
      // Another 404 is that of a kind the server does not have, or of a proxy: not to be mistaken for this.
      if (answer.status === 404 && answer.said.details?.name === name.name) return undefined;
      return objectOf(kind, sending, answer);
    },
    list: (kind, options = {}) => listAll(connection, kind, options, pageSize),
    scale: async (kind, name, { signal } = {}) => {
      const doing = `get the scale of ${inWords(kind, name)}`;
      const sending = { doing, method: 'GET', path: pathOf(kind, name, 'scale'), signal } as const;
      const scale = succeeded(sending, await connection.send(sending));
      return { wanted: numberAt(scale, 'spec', 'replicas'), there: numberAt(scale, 'status', 'replicas') };
    },
  };
}

function writes(connection: Connection): Pick<Cluster, 'create' | 'patch' | 'apply' | 'delete' | 'setScale'> {
  const write = async (kind: Kind, sending: Sending) =>
    objectOf(kind, sending, await connection.send(sending));
  const patch = (kind: Kind, name: Name, body: unknown, { kind: way, subresource, signal }: PatchOptions) =>
    write(kind, {
      doing: `patch ${inWords(kind, name)}`,
      method: 'PATCH',
      path: withQuery(pathOf(kind, name, subresource), writing({})),
      body,
      contentType: PATCH_TYPES[way],
      signal,
    });
  return {
    patch,
    create: (kind, object, { dryRun, signal } = {}) => {
      const name = nameIn(object);
      const doing = `create ${inWords(kind, name)}`;
      // The name is checked, though it is only in the body.
      pathOf(kind, name);
      const path = withQuery(pathOfKind(kind, name.namespace), writing({ ...(dryRun && { dryRun: 'All' }) }));
      return write(kind, { doing, method: 'POST', path, body: withKind(kind, object), signal });
    },
    apply: (kind, object, options) => write(kind, applying(kind, object, options)),
    setScale: async (kind, name, replicas, { signal } = {}) => {
      await patch(
        kind,
        name,
        { spec: { replicas } },
        { kind: 'merge', subresource: 'scale', ...(signal && { signal }) },
      );
    },
    delete: (kind, name, options = {}) => remove(connection, kind, name, options),
  };
}

/** Fields that the server does not know are refused, not dropped: a misspelt one is found. */
function writing(query: Query): Query {
  return { fieldManager: MANAGER, fieldValidation: 'Strict', ...query };
}

function nameIn({ metadata }: KubeObject): Name {
  return { name: metadata.name, ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) };
}

function applying(kind: Kind, object: KubeObject, { manager, force, dryRun, signal }: ApplyOptions): Sending {
  const name = nameIn(object);
  const query = { fieldManager: manager, force: String(force), ...(dryRun && { dryRun: 'All' }) };
  return {
    doing: `apply ${inWords(kind, name)}`,
    method: 'PATCH',
    path: withQuery(pathOf(kind, name), writing(query)),
    body: { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind },
    contentType: PATCH_TYPES.apply,
    signal,
  };
}

async function remove(
  connection: Connection,
  kind: Kind,
  name: Name,
  { version, signal }: CallOptions & { readonly version?: string },
): Promise<boolean> {
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: 'Background',
    ...(version !== undefined && { preconditions: { resourceVersion: version } }),
  };
  const doing = `delete ${inWords(kind, name)}`;
  const sending = { doing, method: 'DELETE', path: pathOf(kind, name), body, signal } as const;
  const answer = await connection.send(sending);
  if (answer.status === 404 && answer.said.details?.name === name.name) return false;
  succeeded(sending, answer);
  return true;
}

async function listAll(
  connection: Connection,
  kind: Kind,
  { namespace, labels, fields, signal }: ListOptions,
  pageSize: number | undefined,
): Promise<{ readonly items: readonly KubeObject[]; readonly version: string }> {
  const items: KubeObject[] = [];
  const doing = `list ${inWords(kind, { ...(namespace !== undefined && { namespace }) })}`;
  for (let next: string | undefined = ''; ; ) {
    const path = withQuery(pathOfKind(kind, namespace), {
      labelSelector: labels,
      fieldSelector: fields,
      limit: pageSize === undefined ? undefined : String(pageSize),
      continue: next || undefined,
    });
    const sending = { doing, method: 'GET', path, signal } as const;
    const answer = await connection.send(sending);
    // The list took so long that its later pages are gone: once more, in one page.
    if (answer.status === 410 && next !== '')
      return listAll(connection, kind, { namespace, labels, fields, signal } as ListOptions, undefined);
    const page = pageOf(kind, doing, succeeded(sending, answer));
    items.push(...page.items);
    if (page.next === undefined) return { items, version: page.version };
    next = page.next;
  }
}

function pageOf(kind: Kind, doing: string, value: unknown) {
  if (!isRecord(value) || !isRecord(value.metadata) || !Array.isArray(value.items ?? []))
    throw malformed(doing, 'the answer is no list');
  const { resourceVersion, continue: next } = value.metadata;
  const items = ((value.items ?? []) as readonly unknown[]).map((item) => {
    if (isObject(item)) return withKind(kind, item);
    throw malformed(doing, 'an item of the list has no metadata');
  });
  return {
    items,
    version: typeof resourceVersion === 'string' ? resourceVersion : '',
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
}

function objectOf(kind: Kind, sending: Sending, answer: Answer): KubeObject {
  const value = succeeded(sending, answer);
  if (!isObject(value) || typeof value.metadata.name !== 'string')
    throw malformed(sending.doing, 'the answer is no object of the API');
  return withKind(kind, value);
}

function succeeded({ doing }: Sending, answer: Answer): unknown {
  if (answer.status >= 200 && answer.status <= 299) return answer.value;
  throw refusal({ doing, ...answer });
}
