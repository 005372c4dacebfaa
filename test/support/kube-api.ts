import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KINDS, type Kind, type KubeObject, type Name } from '../../pipeline/k8s/cluster.ts';
import { type Doc, failure, isFailure } from './kube-api-json.ts';
import { ALL_RULES } from './kube-api-kinds.ts';
import { createStore, type Store } from './kube-api-store.ts';
import { answerRead, answerWrite, type Reply } from './kube-api-verbs.ts';
import { createWatches, type Watches } from './kube-api-watch.ts';

export interface ApiRequest {
  /** As RBAC names them. */
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete' | 'other';
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly kind: Kind | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly body: unknown;
}

/** What goes wrong instead of an answer. hang: no answer, ever; reset: the connection breaks; `after`: once the change was made. */
export type ApiFault =
  | {
      readonly status: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  | { readonly raw: string; readonly contentType?: string }
  | 'hang'
  | 'reset'
  | 'reset-after';

export interface KubeApiOptions {
  /** Beside `default`. */
  readonly namespaces?: readonly string[];
  /** Bearer token that every request must have. */
  readonly token?: string;
  /** What goes wrong with the n-th request, from 1 on. */
  readonly faults?: ApiFaults;
  /** As RBAC does: true is a 403. */
  readonly denies?: (request: ApiRequest) => boolean;
  readonly latencyMs?: number;
  /** Watches live at most as long, whatever they ask for. */
  readonly watchMsMax?: number;
  readonly nowMs?: () => number;
}

export type ApiFaults = (request: ApiRequest, n: number) => ApiFault | undefined;

export interface KubeApi {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Path of a file; its context has the namespace `default`. */
  readonly kubeconfig: string;
  /** All since the beginning, as they arrived. */
  readonly requests: ApiRequest[];
  /** Of what is there, without a request; each a copy. */
  get(kind: Kind, name: Name): KubeObject | undefined;
  all(kind: Kind, namespace?: string): readonly KubeObject[];
  /** What somebody else does, by the server's rules: kubectl, a controller. Faults do not concern them. */
  create(kind: Kind, object: unknown, manager?: string): KubeObject;
  edit(kind: Kind, name: Name, change: (draft: Doc) => void, manager?: string): KubeObject;
  /** Of the status subresource; merged into it. */
  editStatus(kind: Kind, name: Name, status: Doc): KubeObject;
  remove(kind: Kind, name: Name): void;
  setFaults(faults: ApiFaults | undefined): void;
  setLatencyMs(ms: number): void;
  setDenies(denies: KubeApiOptions['denies']): void;
  /** Ends all watches as a server does; gives how many. `broken`: their connections break instead. */
  closeWatches(how?: 'ended' | 'broken'): number;
  /** Every version given until now is too old: watches from it get a 410, and lists cannot go on. */
  expireVersions(): void;
  /** To all watches that allow them. */
  sendBookmarks(): void;
  watches(): number;
  /** Sockets open now. */
  connections(): number;
  close(): Promise<void>;
}

/** Of every n-th request, whatever it is: a 503. */
export function everyNth(n: number, fault: ApiFault = { status: 503 }): ApiFaults {
  return (_, at) => (at % n === 0 ? fault : undefined);
}

interface State {
  readonly store: Store;
  readonly watches: Watches;
  readonly requests: ApiRequest[];
  readonly token: string | undefined;
  faults: ApiFaults | undefined;
  denies: KubeApiOptions['denies'];
  latencyMs: number;
}

/**
 * An API server in memory, over real HTTP, for the kinds of `KINDS`. It is strict: what a real one refuses, it refuses too. As with
 * a real one alone, nothing runs: no pod starts, nothing becomes ready, unless a test sets its status.
 */
export async function startKubeApi(options: KubeApiOptions = {}): Promise<KubeApi> {
  const { token, faults, denies, latencyMs = 0, namespaces = [], nowMs = Date.now } = options;
  const store = createStore(nowMs);
  for (const name of ['default', ...namespaces])
    store.create(
      KINDS.namespace,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      { manager: 'apiserver' },
    );
  const watches = createWatches(store, options.watchMsMax);
  const state: State = { store, watches, requests: [], token, faults, denies, latencyMs };
  const server = createServer((request, response) => {
    void serve(state, request, response).catch((error: unknown) => send(response, replyOf(error)));
  });
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.on('close', () => {
      connections -= 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = mkdtempSync(join(tmpdir(), 'kube-api-'));
  return {
    ...hands(state),
    url,
    kubeconfig: writeKubeconfig(folder, url, token),
    connections: () => connections,
    close: async () => {
      rmSync(folder, { recursive: true, force: true });
      watches.close('broken');
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function hands(state: State): Omit<KubeApi, 'url' | 'kubeconfig' | 'connections' | 'close'> {
  const { store, watches, requests } = state;
  const give = (object: Doc) => object as unknown as KubeObject;
  return {
    requests,
    get: (kind, name) => store.get(kind, name) as KubeObject | undefined,
    all: (kind, namespace) => store.all(kind, namespace).map(give),
    create: (kind, object, manager = 'kubectl') => {
      const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
      return give(store.create(kind, { apiVersion, kind: kind.kind, ...(object as Doc) }, { manager }));
    },
    edit: (kind, name, change, manager = 'kubectl') =>
      give(
        store.update(
          kind,
          name,
          (draft) => {
            change(draft);
            return draft;
          },
          { manager },
        ),
      ),
    editStatus: (kind, name, status) => {
      const write = { manager: 'controller', subresource: 'status' } as const;
      return give(
        store.update(
          kind,
          name,
          (draft) => ({ ...draft, status: { ...(draft.status as Doc), ...status } }),
          write,
        ),
      );
    },
    remove: (kind, name) => void store.remove(kind, name),
    setFaults: (faults) => {
      state.faults = faults;
    },
    setLatencyMs: (ms) => {
      state.latencyMs = ms;
    },
    setDenies: (denies) => {
      state.denies = denies;
    },
    closeWatches: (how = 'ended') => watches.close(how),
    expireVersions: () => store.expire(),
    sendBookmarks: () => watches.bookmark(),
    watches: () => watches.count(),
  };
}

function writeKubeconfig(folder: string, server: string, token: string | undefined): string {
  const path = join(folder, 'kubeconfig');
  // JSON is YAML. The client refuses plain http unless it is told to skip what there is not.
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'tester', user: token === undefined ? {} : { token } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'tester', namespace: 'default' } }],
    'current-context': 'fake',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

async function serve(state: State, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const request = await read(incoming);
  state.requests.push(request);
  const fault = state.faults?.(request, state.requests.length);
  if (state.latencyMs > 0) await sleep(state.latencyMs);
  if (fault === 'hang') return;
  if (fault === 'reset') return void incoming.socket.destroy();
  if (fault !== undefined && fault !== 'reset-after') return send(response, faultReply(fault));
  authorize(state, request);
  if (request.verb === 'watch') return state.watches.open(request, response);
  const reply =
    request.method === 'GET' ? answerRead(state.store, request) : answerWrite(state.store, request);
  if (fault === 'reset-after') incoming.socket.destroy();
  else send(response, reply);
}

async function read(incoming: IncomingMessage): Promise<ApiRequest> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://server');
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  const { method = 'GET', headers } = incoming;
  const place = placeOf(pathname);
  return {
    verb: verbOf(method, place.name, searchParams),
    method,
    path: pathname,
    query: searchParams,
    headers,
    ...place,
    body: text === '' ? undefined : parse(text),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const PATH =
  /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>v[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/[^/]))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<subresource>[^/]+))?)?$/;

function placeOf(path: string): Pick<ApiRequest, 'kind' | 'namespace' | 'name' | 'subresource'> {
  // A namespace's own path looks like one of things in it.
  const own = /^\/api\/v1\/namespaces\/(?<name>[^/]+)(?:\/(?<subresource>status|finalize))?$/.exec(path);
  if (own)
    return {
      kind: KINDS.namespace,
      namespace: undefined,
      name: own.groups?.name,
      subresource: own.groups?.subresource,
    };
  const { group = '', version, plural, namespace, name, subresource } = PATH.exec(path)?.groups ?? {};
  const kind = ALL_RULES.map((rules) => rules.kind).find(
    (each) => each.group === group && each.version === version && each.plural === plural,
  );
  return { kind, namespace, name, subresource };
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): ApiRequest['verb'] {
  if (method === 'GET') {
    if (name !== undefined) return 'get';
    return ['1', 'true'].includes(query.get('watch') ?? '') ? 'watch' : 'list';
  }
  return ({ POST: 'create', PATCH: 'patch', DELETE: 'delete' } as const)[method] ?? 'other';
}

function authorize({ token, denies }: State, request: ApiRequest): void {
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
    throw failure(401, 'Unauthorized', 'Unauthorized');
  if (denies?.(request) !== true) return;
  const { verb, kind, namespace, name = '' } = request;
  const place = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const resource = kind?.plural ?? '';
  throw failure(
    403,
    'Forbidden',
    `${resource} ${JSON.stringify(name)} is forbidden: User "tester" cannot ${verb} resource "${resource}" in API group "${kind?.group}" ${place}`,
    { name, kind: resource },
  );
}

function faultReply(fault: Exclude<ApiFault, string>): Reply {
  if ('raw' in fault) return { status: 200, value: fault.raw, contentType: fault.contentType ?? 'text/html' };
  const {
    status,
    reason = status === 503 ? 'ServiceUnavailable' : 'InternalError',
    message = 'a fault of the test',
  } = fault;
  const headers: Record<string, string> =
    fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
  return { status, value: failure(status, reason, message).status, headers };
}

function replyOf(error: unknown): Reply {
  if (isFailure(error)) return { status: error.status.code, value: error.status };
  const { status } = failure(
    500,
    'InternalError',
    `the fake failed: ${error instanceof Error ? error.stack : error}`,
  );
  return { status: 500, value: status };
}

function send(
  response: ServerResponse,
  { status, value, headers = {}, contentType = 'application/json' }: Reply,
): void {
  response.writeHead(status, { 'content-type': contentType, ...headers });
  response.end(typeof value === 'string' ? value : JSON.stringify(value));
}
