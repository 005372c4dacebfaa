import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Kind, Name } from '../../pipeline/k8s/cluster.ts';
import { afterUpdate, applyTo, type Manager, managedFields } from './kube-api-apply.ts';
import { type Cause, copy, type Doc, dig, docAt, failure, isDoc, textAt } from './kube-api-json.ts';
import { ALL_RULES, metadataCauses, type Rules } from './kube-api-kinds.ts';

export interface Change {
  readonly version: number;
  readonly kind: Kind;
  readonly before: Doc | undefined;
  readonly after: Doc | undefined;
}

export interface Write {
  readonly manager: string;
  readonly dryRun?: boolean;
  readonly subresource?: 'status' | 'scale' | undefined;
}

interface Held {
  readonly object: Doc;
  readonly managers: readonly Manager[];
}

export interface Store {
  version(): number;
  /** Below this, nobody can watch. */
  readonly oldest: number;
  get(kind: Kind, name: Name): Doc | undefined;
  /** By namespace, then by name. */
  all(kind: Kind, namespace?: string): readonly Doc[];
  create(kind: Kind, object: Doc, write: Write): Doc;
  /** `change` gets a copy of what is there and gives what shall be. */
  update(kind: Kind, name: Name, change: (draft: Doc) => Doc, write: Write): Doc;
  apply(
    kind: Kind,
    config: Doc,
    write: Write & { readonly force: boolean },
  ): { readonly object: Doc; readonly created: boolean };
  remove(kind: Kind, name: Name, preconditions?: Doc): Doc;
  since(version: number): readonly Change[];
  listen(listener: (change: Change) => void): () => void;
  /** Every version seen until now is too old. */
  expire(): void;
}

export function rulesOf(kind: Kind): Rules {
  const rules = ALL_RULES.find((each) => each.kind.group === kind.group && each.kind.plural === kind.plural);
  if (rules === undefined) throw new Error(`no rules for ${kind.kind}`);
  return rules;
}

export function resourceOf({ group, plural }: Kind): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function notFound(kind: Kind, name: string) {
  return failure(
    404,
    'NotFound',
    `${resourceOf(kind)} ${JSON.stringify(name)} not found`,
    detailsOf(kind, name),
  );
}

function detailsOf({ group, plural }: Kind, name: string): Doc {
  return { name, kind: plural, ...(group !== '' && { group }) };
}

const apiVersionOf = ({ group, version }: Kind) => (group === '' ? version : `${group}/${version}`);
const keyOf = (kind: Kind, { namespace = '', name }: Name) => `${resourceOf(kind)}/${namespace}/${name}`;

const FIRST_VERSION = 100;

export function createStore(nowMs: () => number): Store {
  const held = new Map<string, Held>();
  const listeners = new Set<(change: Change) => void>();
  let history: Change[] = [];
  // As where a server has been at work before.
  let version = FIRST_VERSION;
  let oldest = FIRST_VERSION;

  const put = (kind: Kind, key: string, before: Doc | undefined, after: Held | undefined, gone?: Doc) => {
    version += 1;
    if (after) docAt(after.object, 'metadata').resourceVersion = String(version);
    if (gone) docAt(gone, 'metadata').resourceVersion = String(version);
    if (after === undefined) held.delete(key);
    else held.set(key, after);
    const change = { version, kind, before: before ?? gone, after: after?.object };
    // A deletion is told with the version it happened at.
    history.push(gone ? { ...change, before: gone } : change);
    for (const listener of listeners) listener(history.at(-1) as Change);
  };

  const store: Store = {
    version: () => version,
    get oldest() {
      return oldest;
    },
    get: (kind, name) => {
      const object = held.get(keyOf(kind, name))?.object;
      return object && copy(object);
    },
    all: (kind, namespace) => {
      const prefix = `${resourceOf(kind)}/${namespace === undefined ? '' : `${namespace}/`}`;
      const keys = [...held.keys()].filter((key) => key.startsWith(prefix));
      return keys.sort().map((key) => copy((held.get(key) as Held).object));
    },
    create: (kind, given, write) => {
      const object = copy(given);
      const name = nameIn(kind, object);
      if (held.has(keyOf(kind, name)))
        throw failure(
          409,
          'AlreadyExists',
          `${resourceOf(kind)} "${name.name}" already exists`,
          detailsOf(kind, name.name),
        );
      if (dig(object, 'metadata', 'resourceVersion'))
        throw failure(400, 'BadRequest', 'resourceVersion should not be set on objects to be created');
      born(store, kind, object, nowMs());
      valid(kind, object, undefined);
      return save(
        put,
        kind,
        undefined,
        { object, managers: afterUpdate(undefined, object, [], whoOf(write)) },
        write,
      );
    },
    update: (kind, name, change, write) => {
      const old = held.get(keyOf(kind, name));
      if (old === undefined) throw notFound(kind, name.name);
      const object = settle(kind, old.object, change(copy(old.object)), write.subresource);
      const managers = afterUpdate(old.object, object, old.managers, whoOf(write));
      return save(put, kind, old, { object, managers }, write);
    },
    apply: (kind, config, write) => {
      const name = nameIn(kind, config);
      const old = held.get(keyOf(kind, name));
      const { resourceVersion } = config.metadata as Doc;
      if (old === undefined && resourceVersion !== undefined) throw notFound(kind, name.name);
      const options = { name: write.manager, force: write.force, apiVersion: apiVersionOf(kind) };
      const clean = forApply(kind, config);
      const { object, managers } = applyTo(old?.object, clean, old?.managers ?? [], options);
      if (old === undefined) {
        born(store, kind, object, nowMs());
        valid(kind, object, undefined);
        return { object: save(put, kind, undefined, { object, managers }, write), created: true };
      }
      if (resourceVersion !== undefined) docAt(object, 'metadata').resourceVersion = resourceVersion;
      const settled = settle(kind, old.object, object, undefined);
      return { object: save(put, kind, old, { object: settled, managers }, write), created: false };
    },
    remove: (kind, name, preconditions) => {
      const key = keyOf(kind, name);
      const old = held.get(key);
      if (old === undefined) throw notFound(kind, name.name);
      for (const field of ['uid', 'resourceVersion']) {
        const wanted = dig(preconditions, field);
        if (wanted !== undefined && wanted !== textAt(old.object, 'metadata', field))
          throw failure(
            409,
            'Conflict',
            `Operation cannot be fulfilled on ${resourceOf(kind)} "${name.name}": the ${field === 'uid' ? 'UID' : 'ResourceVersion'} in the precondition (${wanted}) does not match the one in record`,
            detailsOf(kind, name.name),
          );
      }
      const object = copy(old.object);
      const finalizers = dig(object, 'metadata', 'finalizers');
      if (Array.isArray(finalizers) && finalizers.length > 0) {
        docAt(object, 'metadata').deletionTimestamp ??= timeOf(nowMs());
        return save(put, kind, old, { ...old, object }, { manager: 'apiserver' });
      }
      put(kind, key, old.object, undefined, object);
      if (kind.kind === 'Namespace') empty(store, name.name);
      return copy(object);
    },
    since: (from) => history.filter((change) => change.version > from),
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    expire: () => {
      version += 1;
      oldest = version;
      history = [];
    },
  };
  return store;
}

type Put = (kind: Kind, key: string, before: Doc | undefined, after: Held | undefined, gone?: Doc) => void;

/** Writes what is new; a write that changes nothing makes no new version. */
function save(put: Put, kind: Kind, old: Held | undefined, next: Held, { dryRun }: Write): Doc {
  const { object, managers } = next;
  docAt(object, 'metadata').managedFields = managedFields(managers, apiVersionOf(kind));
  const isSame = old !== undefined && isDeepStrictEqual(old.object, object);
  if (!isSame && dryRun !== true) {
    const key = keyOf(kind, nameIn(kind, object));
    const { deletionTimestamp, finalizers = [] } = object.metadata as Doc;
    const isOver = deletionTimestamp !== undefined && (finalizers as readonly unknown[]).length === 0;
    if (isOver) put(kind, key, old?.object, undefined, object);
    else put(kind, key, old?.object, next);
  }
  return copy(object);
}

function whoOf({ manager, subresource }: Write) {
  return { name: manager, ...(subresource && { subresource }) };
}

function nameIn(kind: Kind, object: Doc): Name {
  const namespace = textAt(object, 'metadata', 'namespace');
  return { name: textAt(object, 'metadata', 'name'), ...(kind.namespaced && { namespace }) };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function born(store: Store, kind: Kind, object: Doc, nowMs: number): void {
  const { namespace } = nameIn(kind, object);
  const place = ALL_RULES.find((rules) => rules.kind.kind === 'Namespace')?.kind as Kind;
  if (namespace && store.get(place, { name: namespace }) === undefined) throw notFound(place, namespace);
  const rules = rulesOf(kind);
  const metadata = docAt(object, 'metadata');
  if (rules.status && kind.kind !== 'Pod') delete object.status;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timeOf(nowMs);
  if (rules.generation) metadata.generation = 1;
  rules.prepare(object);
  dropEmpty(object);
}

/** The server's types leave out what is empty. */
function dropEmpty(object: Doc): void {
  const places = [
    ...['labels', 'annotations', 'finalizers', 'ownerReferences'].map((key) => ['metadata', key]),
    ...[['data'], ['spec', 'selector']],
  ];
  for (const path of places) {
    const value = dig(object, ...path);
    if (typeof value !== 'object' || value === null || Object.keys(value).length > 0) continue;
    delete (dig(object, ...path.slice(0, -1)) as Doc)[path.at(-1) ?? ''];
  }
}

function valid(kind: Kind, object: Doc, old: Doc | undefined): void {
  const causes: readonly Cause[] = [...metadataCauses(kind, object), ...rulesOf(kind).causes(object, old)];
  if (causes.length === 0) return;
  const name = textAt(object, 'metadata', 'name');
  const said = causes.map(({ field, message }) => `${field}: ${message}`);
  const words = said.length === 1 ? said[0] : `[${said.join(', ')}]`;
  const details = { ...detailsOf({ ...kind, plural: kind.kind }, name), causes };
  const group = kind.group === '' ? '' : `.${kind.group}`;
  throw failure(422, 'Invalid', `${kind.kind}${group} ${JSON.stringify(name)} is invalid: ${words}`, details);
}

/** What becomes of the object that a client wants in place of the old one. */
function settle(kind: Kind, old: Doc, wanted: Doc, subresource: Write['subresource']): Doc {
  const rules = rulesOf(kind);
  const before = old.metadata as Doc;
  const given = dig(wanted, 'metadata', 'resourceVersion');
  const name = String(before.name);
  if (given !== undefined && given !== before.resourceVersion)
    throw failure(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${resourceOf(kind)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      detailsOf(kind, name),
    );
  if (dig(wanted, 'metadata', 'uid') !== before.uid && dig(wanted, 'metadata', 'uid') !== undefined)
    throw failure(
      409,
      'Conflict',
      `Precondition failed: UID in precondition does not match`,
      detailsOf(kind, name),
    );
  for (const field of ['name', 'namespace'])
    if (dig(wanted, 'metadata', field) !== before[field])
      throw failure(
        400,
        'BadRequest',
        `the ${field} of the object (${dig(wanted, 'metadata', field)}) does not match the ${field} on the URL (${before[field]})`,
      );
  const object = partOf(rules, old, wanted, subresource);
  const metadata = docAt(object, 'metadata');
  for (const field of [
    'uid',
    'creationTimestamp',
    'resourceVersion',
    'generation',
    'deletionTimestamp',
    'managedFields',
  ])
    if (before[field] === undefined) delete metadata[field];
    else metadata[field] = copy(before[field]);
  rules.prepare(object);
  dropEmpty(object);
  valid(kind, object, old);
  if (rules.generation && hasNewGeneration(rules, old, object))
    metadata.generation = Number(before.generation) + 1;
  return object;
}

function partOf(rules: Rules, old: Doc, wanted: Doc, subresource: Write['subresource']): Doc {
  if (subresource === 'status') return { ...copy(old), status: copy(wanted.status) };
  if (!rules.status) return copy(wanted);
  const object: Doc = { ...copy(wanted), status: copy(old.status) };
  if (object.status === undefined) delete object.status;
  return object;
}

function hasNewGeneration({ generation }: Rules, old: Doc, object: Doc): boolean {
  if (!isDeepStrictEqual(old.spec, object.spec)) return true;
  const annotations = (each: Doc) => dig(each, 'metadata', 'annotations') ?? {};
  return generation === 'annotations' && !isDeepStrictEqual(annotations(old), annotations(object));
}

function forApply(kind: Kind, config: Doc): Doc {
  const clean = copy(config);
  const metadata = docAt(clean, 'metadata');
  if (metadata.managedFields !== undefined)
    throw failure(400, 'BadRequest', 'metadata.managedFields must be nil');
  for (const field of ['resourceVersion', 'uid', 'creationTimestamp', 'generation']) delete metadata[field];
  if (rulesOf(kind).status) delete clean.status;
  return clean;
}

/** What a namespace takes with it; real servers without controllers keep it for ever. */
function empty(store: Store, namespace: string): void {
  for (const { kind } of ALL_RULES) {
    if (!kind.namespaced) continue;
    for (const object of store.all(kind, namespace))
      store.remove(kind, { name: textAt(object, 'metadata', 'name'), namespace });
  }
}

export function isKnownObject(value: unknown): value is Doc {
  return isDoc(value) && isDoc(value.metadata);
}
