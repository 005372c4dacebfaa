import type { Kind, Name } from '../../pipeline/k8s/cluster.ts';
import type { ApiRequest } from './kube-api.ts';
import { copy, type Doc, dig, docAt, failure, isDoc, textAt } from './kube-api-json.ts';
import { jsonPatch, mergePatch, strategicPatch } from './kube-api-patch.ts';
import { type Mistake, schemaMistakes } from './kube-api-schema.ts';
import { fieldMatcher, labelMatcher, type Matches } from './kube-api-selectors.ts';
import { isKnownObject, notFound, rulesOf, type Store, type Write } from './kube-api-store.ts';

export interface Reply {
  readonly status: number;
  readonly value: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
}

const CONTINUED = 'kube-api-page';

export function kindOf({ kind, path }: ApiRequest): Kind {
  if (kind !== undefined) return kind;
  throw failure(404, 'NotFound', 'the server could not find the requested resource', { path });
}

/** Which objects a list or watch is about. */
export function matcherOf(request: ApiRequest): Matches {
  const kind = kindOf(request);
  const { namespace, query } = request;
  const labels = labelMatcher(query.get('labelSelector') ?? '');
  const fields = fieldMatcher(kind, query.get('fieldSelector') ?? '');
  const isHere = (object: Doc) =>
    namespace === undefined || textAt(object, 'metadata', 'namespace') === namespace;
  return (object) => isHere(object) && labels(object) && fields(object);
}

export function answerRead(store: Store, request: ApiRequest): Reply {
  const kind = kindOf(request);
  if (request.name === undefined) return { status: 200, value: list(store, kind, request) };
  const object = store.get(kind, nameOf(request));
  if (object === undefined) throw notFound(kind, request.name);
  if (request.subresource === 'scale') return { status: 200, value: scaleOf(kind, object, request) };
  if (request.subresource === 'status' || request.subresource === undefined)
    return { status: 200, value: object };
  throw failure(404, 'NotFound', 'the server could not find the requested resource');
}

function nameOf({ name = '', namespace }: ApiRequest): Name {
  return { name, ...(namespace !== undefined && { namespace }) };
}

function list(store: Store, kind: Kind, request: ApiRequest): Doc {
  const matches = matcherOf(request);
  const limit = Number(request.query.get('limit') ?? 0);
  const token = request.query.get('continue');
  const { version, items, done } = token
    ? continued(store, token)
    : { version: store.version(), items: store.all(kind).filter(matches), done: 0 };
  const upTo = limit > 0 ? done + limit : items.length;
  const rest = items.length - upTo;
  const metadata: Doc = { resourceVersion: String(version) };
  if (rest > 0) {
    metadata.continue = remember(store, { version, items, done: upTo });
    metadata.remainingItemCount = rest;
  }
  // As real servers do: items of a list come without their kind.
  const page = items.slice(done, upTo).map(({ apiVersion: _, kind: __, ...item }) => item);
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return { kind: `${kind.kind}List`, apiVersion, metadata, items: page };
}

interface Snapshot {
  readonly version: number;
  readonly items: readonly Doc[];
  readonly done: number;
}

const snapshots = new WeakMap<Store, Map<string, Snapshot>>();

function remember(store: Store, snapshot: Snapshot): string {
  const all = snapshots.get(store) ?? new Map<string, Snapshot>();
  snapshots.set(store, all);
  const token = Buffer.from(JSON.stringify({ v: CONTINUED, rv: snapshot.version, n: all.size })).toString(
    'base64url',
  );
  all.set(token, snapshot);
  return token;
}

function continued(store: Store, token: string): Snapshot {
  const snapshot = snapshots.get(store)?.get(token);
  if (snapshot === undefined) throw failure(400, 'BadRequest', 'continue key is not valid');
  if (snapshot.version < store.oldest)
    throw failure(
      410,
      'Expired',
      'The provided continue parameter is too old to display a consistent list result.',
    );
  return snapshot;
}

function scaleOf(kind: Kind, object: Doc, { namespace, name }: ApiRequest): Doc {
  if (!rulesOf(kind).scale)
    throw failure(404, 'NotFound', 'the server could not find the requested resource');
  const { uid, resourceVersion, creationTimestamp } = object.metadata as Doc;
  const wanted = Number(dig(object, 'spec', 'replicas') ?? 0);
  const labels = Object.entries((dig(object, 'spec', 'selector', 'matchLabels') ?? {}) as Doc);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    // What is 0 is left out.
    spec: wanted === 0 ? {} : { replicas: wanted },
    status: {
      replicas: Number(dig(object, 'status', 'replicas') ?? 0),
      selector: labels.map(([key, value]) => `${key}=${value}`).join(','),
    },
  };
}

export function answerWrite(store: Store, request: ApiRequest): Reply {
  const kind = kindOf(request);
  const { query, method, subresource, name } = request;
  const dryRun = query.get('dryRun');
  if (dryRun !== null && dryRun !== 'All')
    throw failure(400, 'BadRequest', `dryRun: Unsupported value: ${JSON.stringify(dryRun)}`);
  if (subresource !== undefined && !['status', 'scale'].includes(subresource))
    throw failure(404, 'NotFound', 'the server could not find the requested resource');
  const agent = (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? '';
  const write: Write = {
    manager: query.get('fieldManager') ?? agent,
    dryRun: dryRun === 'All',
    subresource: subresource as Write['subresource'],
  };
  if (method === 'POST' && name === undefined)
    return { status: 201, value: create(store, kind, request, write) };
  if (method === 'PATCH' && name !== undefined) return patch(store, kind, request, write);
  if (method === 'DELETE' && name !== undefined) return { status: 200, value: remove(store, kind, request) };
  throw failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

/** Fields that are not there are refused if one asks for it, and left out otherwise; wrong types are always refused. */
function checked(kind: Kind, object: Doc, { query }: ApiRequest, refuse: (said: string) => Error): Doc {
  const isStrict = query.get('fieldValidation') === 'Strict';
  const mistakes = schemaMistakes(kind, object);
  const [mistake] = mistakes.filter(({ expected }) => expected !== undefined || isStrict);
  if (mistake !== undefined) throw refuse(inWords(mistake));
  for (const { path } of mistakes) cut(object, path);
  return object;
}

function inWords({ path, expected }: Mistake): string {
  if (expected === undefined) return `strict decoding error: unknown field ${JSON.stringify(path)}`;
  return `json: cannot unmarshal into Go struct field ${path} of type ${expected}`;
}

function cut(object: Doc, path: string): void {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<unknown>((at, key) => (at as Doc | undefined)?.[key], object);
  if (isDoc(parent)) delete parent[last];
}

/** The object that a body holds, which must be of the kind, and of the namespace, of the path. */
function objectIn(kind: Kind, { body, namespace, name }: ApiRequest): Doc {
  if (!isKnownObject(body)) throw failure(400, 'BadRequest', 'the body is no object with metadata');
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  if (body.kind !== kind.kind || body.apiVersion !== apiVersion)
    throw failure(
      400,
      'BadRequest',
      `${body.kind} in version ${JSON.stringify(body.apiVersion)} cannot be handled as a ${kind.kind}`,
    );
  const object = copy(body);
  const metadata = docAt(object, 'metadata');
  if (namespace !== undefined) metadata.namespace ??= namespace;
  if (metadata.namespace !== namespace)
    throw failure(
      400,
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  if (name !== undefined) metadata.name ??= name;
  if (name !== undefined && metadata.name !== name)
    throw failure(
      400,
      'BadRequest',
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  return object;
}

function create(store: Store, kind: Kind, request: ApiRequest, write: Write): Doc {
  const object = objectIn(kind, request);
  const metadata = docAt(object, 'metadata');
  if (metadata.name === undefined && typeof metadata.generateName === 'string')
    metadata.name = metadata.generateName + Math.random().toString(36).slice(2, 7);
  const refuse = (said: string) =>
    failure(
      400,
      'BadRequest',
      `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${said}`,
    );
  return store.create(kind, checked(kind, object, request, refuse), write);
}

function patch(store: Store, kind: Kind, request: ApiRequest, write: Write): Reply {
  const type = (request.headers['content-type'] ?? '').split(';')[0];
  if (type === 'application/apply-patch+yaml') return applyPatch(store, kind, request, write);
  if (request.query.has('force'))
    throw failure(
      422,
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    );
  const way = WAYS[type ?? ''];
  if (way === undefined)
    throw failure(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${Object.keys(WAYS).join(', ')}`,
    );
  if (type !== 'application/json-patch+json' && !isDoc(request.body))
    throw failure(400, 'BadRequest', 'error decoding patch: json: cannot unmarshal');
  const refuse = (said: string) =>
    failure(
      422,
      'Invalid',
      ` "" is invalid: patch: Invalid value: ${JSON.stringify(JSON.stringify(request.body))}: ${said}`,
    );
  const patched = (draft: Doc) => way(draft, request.body) as Doc;
  if (request.subresource !== 'scale')
    return {
      status: 200,
      value: store.update(
        kind,
        nameOf(request),
        (draft) => checked(kind, patched(draft), request, refuse),
        write,
      ),
    };
  const object = store.update(
    kind,
    nameOf(request),
    (draft) => scaled(draft, patched(scaleOf(kind, draft, request))),
    write,
  );
  return { status: 200, value: scaleOf(kind, object, request) };
}

const WAYS: Readonly<Record<string, (target: unknown, body: unknown) => unknown>> = {
  'application/merge-patch+json': mergePatch,
  'application/strategic-merge-patch+json': strategicPatch,
  'application/json-patch+json': jsonPatch,
};

function scaled(draft: Doc, scale: Doc): Doc {
  docAt(draft, 'spec').replicas = dig(scale, 'spec', 'replicas') ?? 0;
  docAt(draft, 'metadata').resourceVersion = dig(scale, 'metadata', 'resourceVersion');
  return draft;
}

function applyPatch(store: Store, kind: Kind, request: ApiRequest, write: Write): Reply {
  if (request.subresource !== undefined)
    throw failure(400, 'BadRequest', 'this server applies to whole objects only');
  if (!request.query.get('fieldManager'))
    throw failure(
      422,
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  const force = request.query.get('force') === 'true';
  const config = objectIn(kind, request);
  const [mistake] = schemaMistakes(kind, config);
  // A real server blames itself.
  if (mistake !== undefined)
    throw failure(
      500,
      '',
      `failed to create typed patch object (${request.namespace}/${request.name}): .${mistake.path}: ${mistake.expected === undefined ? 'field not declared in schema' : `expected ${mistake.expected}`}`,
    );
  const { object, created } = store.apply(kind, config, { ...write, force });
  return { status: created ? 201 : 200, value: object };
}

function remove(store: Store, kind: Kind, request: ApiRequest): Doc {
  const preconditions = dig(request.body, 'preconditions');
  const object = store.remove(kind, nameOf(request), isDoc(preconditions) ? preconditions : undefined);
  const { name, uid, deletionTimestamp } = object.metadata as Doc;
  if (deletionTimestamp !== undefined) return object;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, group: kind.group, kind: kind.plural, uid },
  };
}
