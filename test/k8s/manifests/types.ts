import * as kubernetes from '@kubernetes/client-node';
import type { Manifest } from './build.ts';

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

interface Model {
  getAttributeTypeMap(): readonly Attribute[];
}

const NAMED = kubernetes as unknown as Readonly<Record<string, Partial<Model> | undefined>>;
const QUANTITY = /^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/;

/** What of a manifest the API does not know, or knows as another type: `spec.replica: unknown`. */
export function typeProblems(manifest: Manifest): readonly string[] {
  const { apiVersion, kind } = manifest;
  const version = apiVersion.split('/').at(-1) ?? '';
  const model = `${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}`;
  if (modelOf(model) === undefined) return [`${apiVersion} ${kind}: unknown`];
  return problemsIn(manifest, model, '');
}

function modelOf(type: string): Model | undefined {
  const model = NAMED[type];
  return model?.getAttributeTypeMap === undefined ? undefined : (model as Model);
}

function problemsIn(value: unknown, type: string, path: string): readonly string[] {
  const list = /^Array<(.*)>$/.exec(type);
  if (list)
    return Array.isArray(value)
      ? value.flatMap((item, at) => problemsIn(item, list[1] ?? '', `${path}[${at}]`))
      : [`${path}: no list`];
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map) return fieldsOf(value).flatMap(([key, item]) => problemsIn(item, map[1] ?? '', `${path}.${key}`));
  const model = modelOf(type);
  return model === undefined ? plainProblems(value, type, path) : modelProblems(value, model, path);
}

function modelProblems(value: unknown, model: Model, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: no object`];
  const known = new Map(model.getAttributeTypeMap().map(({ baseName, type }) => [baseName, type]));
  return fieldsOf(value).flatMap(([key, item]) => {
    const type = known.get(key);
    const at = path === '' ? key : `${path}.${key}`;
    return type === undefined ? [`${at}: unknown`] : problemsIn(item, type, at);
  });
}

function plainProblems(value: unknown, type: string, path: string): readonly string[] {
  // YAML's 1 and true are no strings, and the API server refuses them.
  const isQuantity = /\.(requests|limits)\.|sizeLimit$/.test(path);
  if (isQuantity && !(typeof value === 'string' && QUANTITY.test(value))) return [`${path}: no quantity`];
  const fits =
    type === 'IntOrString'
      ? typeof value === 'string' || Number.isInteger(value)
      : type === 'any' || typeof value === (type === 'Date' ? 'string' : type);
  return fits ? [] : [`${path}: no ${type}`];
}

function fieldsOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
