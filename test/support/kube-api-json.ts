/** JSON objects as an API server holds them. */
export type Doc = Record<string, unknown>;

export function isDoc(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function copy<T>(value: T): T {
  return structuredClone(value);
}

/** What is at the path, or undefined. */
export function dig(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const key of path) at = isDoc(at) ? at[key] : undefined;
  return at;
}

/** The object at the path, made if it is not there. */
export function docAt(doc: Doc, ...path: readonly string[]): Doc {
  let at = doc;
  for (const key of path) {
    if (!isDoc(at[key])) at[key] = {};
    at = at[key] as Doc;
  }
  return at;
}

export function docsAt(value: unknown, ...path: readonly string[]): Doc[] {
  const list = dig(value, ...path);
  return Array.isArray(list) ? list.filter(isDoc) : [];
}

export function textAt(value: unknown, ...path: readonly string[]): string {
  const text = dig(value, ...path);
  return typeof text === 'string' ? text : '';
}

export function setDefaults(doc: Doc, defaults: Doc): void {
  for (const [key, value] of Object.entries(defaults)) if (doc[key] === undefined) doc[key] = copy(value);
}

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Doc;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: Doc;
  readonly code: number;
}

export interface ApiFailure extends Error {
  readonly status: Status;
}

/** An error that is answered as a Status object. */
export function failure(code: number, reason: string, message: string, details?: Doc): ApiFailure {
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details && { details }),
    code,
  };
  return Object.assign(new Error(message), { status });
}

export function isFailure(error: unknown): error is ApiFailure {
  return error instanceof Error && isDoc((error as { readonly status?: unknown }).status);
}

export interface Cause {
  readonly field: string;
  readonly reason: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueDuplicate' | 'FieldValueForbidden';
  readonly message: string;
}
