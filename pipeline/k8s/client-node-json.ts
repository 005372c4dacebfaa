import type { Kind, KubeObject } from './cluster.ts';

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isObject(value: unknown): value is KubeObject {
  return isRecord(value) && isRecord(value.metadata);
}

export function apiVersionOf({ group, version }: Kind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Items of a list come without their kind. */
export function withKind(kind: Kind, object: KubeObject): KubeObject {
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object };
}

export function numberAt(value: unknown, ...path: readonly string[]): number {
  let at = value;
  for (const key of path) at = isRecord(at) ? at[key] : undefined;
  // What is 0 is left out.
  return typeof at === 'number' ? at : 0;
}
