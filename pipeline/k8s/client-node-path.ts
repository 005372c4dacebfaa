import { SamovarError } from '../errors.ts';
import type { Kind, Name } from './cluster.ts';

/** RFC 1123: a namespace is a label, a name of most kinds a subdomain. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_LENGTH_MAX = 253;

export type Query = Readonly<Record<string, string | undefined>>;

/** Of all objects of a kind, in a namespace or everywhere. */
export function pathOfKind(kind: Kind, namespace?: string): string {
  const base = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  if (namespace === undefined) return `${base}/${kind.plural}`;
  if (!kind.namespaced)
    throw invalid(`${kind.kind} is in no namespace, and ${JSON.stringify(namespace)} was given`, namespace);
  if (!LABEL.test(namespace)) throw invalid(`${JSON.stringify(namespace)} cannot be a namespace`, namespace);
  return `${base}/namespaces/${namespace}/${kind.plural}`;
}

/** Of one object. Throws `refused` for what cannot be a name: it would become another path. */
export function pathOf(kind: Kind, { name, namespace }: Name, subresource?: 'status' | 'scale'): string {
  if (kind.namespaced && namespace === undefined)
    throw invalid(`the namespace of ${kind.kind} ${JSON.stringify(name)} was not given`, name);
  if (!SUBDOMAIN.test(name) || name.length > SUBDOMAIN_LENGTH_MAX)
    throw invalid(`${JSON.stringify(name)} cannot be a name of ${kind.kind}`, name);
  const path = `${pathOfKind(kind, namespace)}/${name}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) parameters.set(key, value);
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

export function inWords(kind: Kind, { name, namespace }: Partial<Name>): string {
  const place = [namespace, name].filter((part) => part !== undefined).join('/');
  return place === '' ? kind.plural : `${kind.kind} ${place}`;
}

function invalid(message: string, subject: string): SamovarError {
  return new SamovarError('refused', `${message} in Kubernetes`, {
    subject,
    remedy: 'Lower-case letters, digits and dashes; it begins and ends with a letter or digit.',
  });
}
