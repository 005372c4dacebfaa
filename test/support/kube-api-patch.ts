import { isDeepStrictEqual } from 'node:util';
import { copy, type Doc, failure, isDoc } from './kube-api-json.ts';

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isDoc(patch)) return copy(patch);
  const result: Doc = isDoc(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** By which field the items of a list are told apart; undefined: the list is one thing. `set`: a list of plain values. */
export function mergeKey(path: readonly string[]): string | undefined {
  const last = path.at(-1) ?? '';
  if (last === 'ports') {
    if (path.some((part) => /containers/i.test(part))) return 'containerPort';
    return path[0] === 'spec' && path.length === 2 ? 'port' : undefined;
  }
  if (path[0] === 'metadata') return { ownerReferences: 'uid', finalizers: 'set' }[last];
  return {
    containers: 'name',
    initContainers: 'name',
    ephemeralContainers: 'name',
    env: 'name',
    volumes: 'name',
    imagePullSecrets: 'name',
    volumeMounts: 'mountPath',
    volumeDevices: 'devicePath',
    hostAliases: 'ip',
    topologySpreadConstraints: 'topologyKey',
    conditions: 'type',
  }[last];
}

/** Strategic merge: as a merge patch, but lists whose items have a key are merged by it; `$patch` directives. */
export function strategicPatch(target: unknown, patch: unknown, path: readonly string[] = []): unknown {
  if (!isDoc(patch)) return copy(patch);
  const { $patch: directive, $retainKeys: retain, ...changes } = patch;
  if (directive === 'replace') return copy(changes);
  if (directive === 'delete') return undefined;
  const result: Doc = isDoc(target) ? { ...target } : {};
  if (Array.isArray(retain))
    for (const key of Object.keys(result)) if (!retain.includes(key)) delete result[key];
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith('$setElementOrder/')) continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const field = key.slice('$deleteFromPrimitiveList/'.length);
      result[field] = asList(result[field]).filter((item) => !asList(value).includes(item));
    } else setOrDelete(result, key, strategicValue(result[key], value, [...path, key]));
  }
  return result;
}

function strategicValue(target: unknown, value: unknown, path: readonly string[]): unknown {
  if (value === null) return undefined;
  if (!Array.isArray(value)) return strategicPatch(target, value, path);
  const key = mergeKey(path);
  if (key === undefined) return copy(value);
  const old = asList(target);
  if (key === 'set') return [...old, ...value.filter((item) => !old.includes(item))];
  return mergeLists(old, value, key, path);
}

function mergeLists(
  old: unknown[],
  patch: readonly unknown[],
  key: string,
  path: readonly string[],
): unknown[] {
  const isWhole = patch.some((item) => isDoc(item) && item.$patch === 'replace' && item[key] === undefined);
  let result = isWhole ? [] : [...old];
  for (const item of patch) {
    if (!isDoc(item)) throw failure(400, 'BadRequest', `an item of ${path.join('.')} is no object`);
    if (item.$patch === 'replace' && item[key] === undefined) continue;
    if (item[key] === undefined)
      throw failure(
        400,
        'BadRequest',
        `map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`,
      );
    const at = result.findIndex((other) => isDoc(other) && other[key] === item[key]);
    if (item.$patch === 'delete') result = result.filter((_, other) => other !== at);
    else if (at < 0) result.push(strategicPatch({}, item, path));
    else result[at] = strategicPatch(result[at], item, path);
  }
  return result;
}

function setOrDelete(doc: Doc, key: string, value: unknown): void {
  if (value === undefined) delete doc[key];
  else doc[key] = value;
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** RFC 6902. */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations))
    throw failure(400, 'BadRequest', 'error decoding patch: it is no list of operations');
  return (operations as readonly Operation[]).reduce(operate, copy(target));
}

function operate(document: unknown, { op, path, from, value }: Operation): unknown {
  if (op === 'test') {
    if (!isDeepStrictEqual(read(document, path), value)) throw refused(`testing path ${path} failed`);
  } else if (op === 'add') add(document, path, copy(value));
  else if (op === 'remove') remove(document, path);
  else if (op === 'replace') {
    remove(document, path);
    add(document, path, copy(value));
  } else if (op === 'copy') add(document, path, copy(read(document, from ?? '')));
  else if (op === 'move') {
    const moved = read(document, from ?? '');
    remove(document, from ?? '');
    add(document, path, moved);
  } else throw refused(`Unexpected kind: ${op}`);
  return document;
}

function refused(why: string) {
  return failure(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`);
}

function keysOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function parentOf(
  document: unknown,
  path: string,
): { readonly parent: Doc | unknown[]; readonly key: string } {
  const keys = keysOf(path);
  const key = keys.pop() ?? '';
  const parent = keys.reduce<unknown>((at, each) => (at as Doc | undefined)?.[each], document);
  if (!isDoc(parent) && !Array.isArray(parent)) throw refused(`doc is missing path: ${path}`);
  return { parent, key };
}

function read(document: unknown, path: string): unknown {
  return keysOf(path).reduce<unknown>((at, key) => (at as Doc | undefined)?.[key], document);
}

function add(document: unknown, path: string, value: unknown): void {
  const { parent, key } = parentOf(document, path);
  if (Array.isArray(parent)) parent.splice(key === '-' ? parent.length : Number(key), 0, value);
  else parent[key] = value;
}

function remove(document: unknown, path: string): void {
  const { parent, key } = parentOf(document, path);
  if (!(key in parent)) throw refused(`Unable to remove nonexistent key: ${key}`);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}
