import * as sdk from '@kubernetes/client-node';
import type { Kind } from '../../pipeline/k8s/cluster.ts';
import { type Doc, isDoc } from './kube-api-json.ts';

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

/** The package's models know every field of every kind, with its type. */
const MODELS = sdk as unknown as Readonly<
  Record<string, { readonly getAttributeTypeMap?: () => readonly Attribute[] }>
>;
const NAMES: Readonly<Record<string, string>> = {
  Event: 'CoreV1Event',
  HorizontalPodAutoscaler: 'V2HorizontalPodAutoscaler',
};

export interface Mistake {
  readonly path: string;
  /** Undefined: there is no such field. */
  readonly expected?: string;
}

/** What a server's types would not take; nothing of a kind that has no model. */
export function schemaMistakes(kind: Kind, object: Doc): readonly Mistake[] {
  const found: Mistake[] = [];
  look(NAMES[kind.kind] ?? `V1${kind.kind}`, object, '', found);
  return found;
}

function look(type: string, value: unknown, path: string, found: Mistake[]): void {
  if (value === null || value === undefined) return;
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) found.push({ path, expected: 'list' });
    else for (const [at, item] of value.entries()) look(list, item, `${path}[${at}]`, found);
  } else if (map !== undefined) {
    if (!isDoc(value)) found.push({ path, expected: 'map' });
    else for (const [key, item] of Object.entries(value)) look(map, item, `${path}.${key}`, found);
  } else if (['string', 'number', 'boolean'].includes(type)) {
    const isRight = typeof value === type || isQuantity(type, value, path);
    if (!isRight) found.push({ path, expected: type });
  } else lookAtFields(type, value, path, found);
}

/** `cpu: 1` is as good as `cpu: '1'`. */
function isQuantity(type: string, value: unknown, path: string): boolean {
  return (
    type === 'string' &&
    typeof value === 'number' &&
    /\.(requests|limits|capacity|averageValue|value|sizeLimit)\b/.test(path)
  );
}

function lookAtFields(type: string, value: unknown, path: string, found: Mistake[]): void {
  const fields = MODELS[type]?.getAttributeTypeMap?.();
  if (fields === undefined) return;
  if (!isDoc(value)) {
    found.push({ path, expected: 'map' });
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    const field = fields.find(({ baseName }) => baseName === key);
    const at = path === '' ? key : `${path}.${key}`;
    if (field === undefined) found.push({ path: at });
    else look(field.type, item, at, found);
  }
}
