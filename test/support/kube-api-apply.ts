import { isDeepStrictEqual } from 'node:util';
import { copy, type Doc, dig, docAt, failure, isDoc } from './kube-api-json.ts';

/** Who set which fields, and how. Fields are paths as `managedFields` spells them, each path as JSON. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource?: string;
  readonly fields: ReadonlySet<string>;
}

/** `f:spec`, `k:{"name":"x"}` for an item of a list, `v:"x"` for a plain value of a set. */
type Segment = string;
type Path = readonly Segment[];

const ITEM = '.';
const NOBODYS = ['apiVersion', 'kind'];
const METADATA = ['labels', 'annotations', 'ownerReferences', 'finalizers'];

/** Fields of the lists whose items are told apart by them. */
function keysOf(path: Path): readonly string[] | 'set' | undefined {
  const names = path.filter((segment) => segment.startsWith('f:')).map((segment) => segment.slice(2));
  const last = names.at(-1) ?? '';
  if (last === 'ports') {
    if (names.includes('containers') || names.includes('initContainers'))
      return ['containerPort', 'protocol'];
    return names[0] === 'spec' && names.length === 2 ? ['port', 'protocol'] : undefined;
  }
  if (names[0] === 'metadata')
    return last === 'finalizers' ? 'set' : last === 'ownerReferences' ? ['uid'] : undefined;
  if (['volumeMounts'].includes(last)) return ['mountPath'];
  if (last === 'conditions') return ['type'];
  if (last === 'topologySpreadConstraints') return ['topologyKey', 'whenUnsatisfiable'];
  return ['containers', 'initContainers', 'env', 'volumes', 'imagePullSecrets'].includes(last)
    ? ['name']
    : undefined;
}

/** Maps that are one thing. */
function isAtomic(path: Path): boolean {
  return ['f:selector', 'f:nodeSelector'].includes(path.at(-1) ?? '');
}

const DEFAULTS: Doc = { protocol: 'TCP' };

function itemSegment(item: Doc, keys: readonly string[]): Segment {
  return `k:${JSON.stringify(Object.fromEntries([...keys].sort().map((key) => [key, item[key] ?? DEFAULTS[key]])))}`;
}

function leaves(value: unknown, path: Path, add: (path: Path, value: unknown) => void): void {
  if (Array.isArray(value)) {
    const keys = keysOf(path);
    if (keys === undefined) add(path, value);
    for (const item of keys === undefined ? [] : value) {
      const at = [
        ...path,
        keys === 'set' ? `v:${JSON.stringify(item)}` : itemSegment(item as Doc, keys ?? []),
      ];
      add(keys === 'set' ? at : [...at, ITEM], keys === 'set' ? item : undefined);
      if (keys !== 'set') leaves(item, at, add);
    }
  } else if (isDoc(value) && !isAtomic(path) && Object.keys(value).length > 0) {
    for (const [key, each] of Object.entries(value)) leaves(each, [...path, `f:${key}`], add);
  } else if (value !== undefined) add(path, value);
}

/** Each field that somebody can own, with its value. */
function fieldsOf(object: Doc): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const add = (path: Path, value: unknown) => found.set(JSON.stringify(path), value);
  for (const [key, value] of Object.entries(object)) {
    if (NOBODYS.includes(key)) continue;
    if (key !== 'metadata') leaves(value, [`f:${key}`], add);
    else for (const name of METADATA) leaves(dig(value, name), ['f:metadata', `f:${name}`], add);
  }
  return found;
}

/** After a write that was no apply: what changed is the writer's, and nobody else's. */
export function afterUpdate(
  before: Doc | undefined,
  after: Doc,
  managers: readonly Manager[],
  writer: Pick<Manager, 'name' | 'subresource'>,
): readonly Manager[] {
  const old = before === undefined ? new Map<string, unknown>() : fieldsOf(before);
  const now = fieldsOf(after);
  const changed = [...now]
    .filter(([path, value]) => !old.has(path) || !isDeepStrictEqual(old.get(path), value))
    .map(([path]) => path);
  const gone = new Set([...changed, ...[...old.keys()].filter((path) => !now.has(path))]);
  if (gone.size === 0) return managers;
  const own = managers.find(
    (each) =>
      each.operation === 'Update' && each.name === writer.name && each.subresource === writer.subresource,
  );
  const others = managers
    .filter((each) => each !== own)
    .map((each) => ({ ...each, fields: without(each.fields, gone) }));
  const fields = new Set([...without(own?.fields ?? new Set(), gone), ...changed]);
  return [...others, { ...writer, operation: 'Update' as const, fields }].filter(
    (each) => each.fields.size > 0,
  );
}

export interface Applied {
  readonly object: Doc;
  readonly managers: readonly Manager[];
}

/** Server-side apply. Throws a 409 that names who has what, unless `force`. */
export function applyTo(
  live: Doc | undefined,
  config: Doc,
  managers: readonly Manager[],
  {
    name,
    force,
    apiVersion,
  }: { readonly name: string; readonly force: boolean; readonly apiVersion: string },
): Applied {
  const wanted = fieldsOf(config);
  const has = live === undefined ? new Map<string, unknown>() : fieldsOf(live);
  const own = managers.find((each) => each.operation === 'Apply' && each.name === name);
  const others = managers.filter((each) => each !== own);
  const fought = [...wanted]
    .filter(([path, value]) => has.has(path) && !isDeepStrictEqual(has.get(path), value))
    .map(([path]) => path);
  const conflicts = others.flatMap((other) =>
    fought.filter((path) => other.fields.has(path)).map((path) => ({ other, path })),
  );
  if (conflicts.length > 0 && !force) throw conflict(conflicts, apiVersion);
  const object = merge(
    live ?? { apiVersion: config.apiVersion, kind: config.kind, metadata: {} },
    config,
    [],
  ) as Doc;
  const kept = others.map((each) => ({ ...each, fields: without(each.fields, new Set(fought)) }));
  const surplus = [...(own?.fields ?? [])].filter(
    (path) => !wanted.has(path) && !kept.some((each) => each.fields.has(path)),
  );
  for (const path of surplus.sort((a, b) => depth(b) - depth(a))) removeAt(object, JSON.parse(path) as Path);
  const mine: Manager = { name, operation: 'Apply', fields: new Set(wanted.keys()) };
  return { object, managers: [...kept, mine].filter((each) => each.fields.size > 0) };
}

function conflict(
  conflicts: readonly { readonly other: Manager; readonly path: string }[],
  apiVersion: string,
) {
  const causes = conflicts.map(({ other, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${other.name}"${other.operation === 'Update' ? ` using ${apiVersion}` : ''}`,
    field: inWords(JSON.parse(path) as Path),
  }));
  const lines = causes.map(({ message, field }) => `${message}: ${field}`);
  const many = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  return failure(409, 'Conflict', `Apply failed with ${many}: ${lines.join('\n')}`, { causes });
}

function inWords(path: Path): string {
  return path
    .filter((segment) => segment !== ITEM)
    .map((segment) => {
      if (segment.startsWith('f:')) return `.${segment.slice(2)}`;
      const keys = segment.startsWith('k:') ? Object.entries(JSON.parse(segment.slice(2)) as Doc) : [];
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}

function depth(path: string): number {
  return (JSON.parse(path) as Path).length;
}

function without(fields: ReadonlySet<string>, gone: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...fields].filter((path) => !gone.has(path)));
}

function merge(live: unknown, config: unknown, path: Path): unknown {
  if (isDoc(config) && isDoc(live) && !isAtomic(path)) {
    const result: Doc = { ...live };
    for (const [key, value] of Object.entries(config))
      result[key] = merge(live[key], value, [...path, `f:${key}`]);
    return result;
  }
  if (!Array.isArray(config) || !Array.isArray(live)) return copy(config);
  const keys = keysOf(path);
  if (keys === undefined) return copy(config);
  if (keys === 'set') return [...live, ...config.filter((item) => !live.includes(item))];
  const result = [...(live as Doc[])];
  for (const item of config as Doc[]) {
    const segment = itemSegment(item, keys);
    const at = result.findIndex((other) => itemSegment(other, keys) === segment);
    if (at < 0) result.push(copy(item));
    else result[at] = merge(result[at], item, [...path, segment]) as Doc;
  }
  return result;
}

function removeAt(object: Doc, path: Path): void {
  const isItem = path.at(-1) === ITEM;
  const to = isItem ? path.slice(0, -1) : path;
  const parent = stepTo(object, to.slice(0, -1));
  const last = to.at(-1) ?? '';
  if (Array.isArray(parent)) {
    const at = indexOf(parent, last);
    if (at >= 0) parent.splice(at, 1);
    if (parent.length === 0) removeEmpty(object, to.slice(0, -1));
  } else if (isDoc(parent)) {
    delete parent[last.slice(2)];
    if (Object.keys(parent).length === 0) removeEmpty(object, to.slice(0, -1));
  }
}

/** What is empty after its last field went is left out, as with the server's own types. */
function removeEmpty(object: Doc, path: Path): void {
  if (path.length > 1 && (path.at(-1) ?? '').startsWith('f:')) removeAt(object, path);
}

function stepTo(object: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, segment) => {
    if (Array.isArray(at)) return at[indexOf(at, segment)];
    return isDoc(at) ? at[segment.slice(2)] : undefined;
  }, object);
}

function indexOf(list: readonly unknown[], segment: Segment): number {
  if (segment.startsWith('v:')) return list.indexOf(JSON.parse(segment.slice(2)));
  const keys = Object.entries(JSON.parse(segment.slice(2)) as Doc);
  return list.findIndex((item) =>
    keys.every(([key, value]) => isDoc(item) && (item[key] ?? DEFAULTS[key]) === value),
  );
}

/** As `metadata.managedFields` shows it. */
export function managedFields(managers: readonly Manager[], apiVersion: string): readonly Doc[] {
  return managers.map(({ name, operation, subresource, fields }) => {
    const tree: Doc = {};
    for (const path of fields) docAt(tree, ...(JSON.parse(path) as Path));
    const entry = { manager: name, operation, apiVersion, fieldsType: 'FieldsV1', fieldsV1: tree };
    return subresource === undefined ? entry : { ...entry, subresource };
  });
}
