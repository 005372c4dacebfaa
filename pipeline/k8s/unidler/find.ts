import { SamovarError } from '../../errors.ts';
import { KINDS, type KubeObject } from '../cluster.ts';
import { type Hands, listIfAllowed, persist } from '../idling/change.ts';
import { type Fields, listAt, textAt, valueAt } from '../idling/fields.ts';
import { idledOf, OURS } from '../idling/marks.ts';
import { isRedirected, selectorOf } from '../idling/saved-service.ts';
import { isSelected, listWorkloads, type Workload } from '../idling/workload.ts';

export interface App {
  readonly namespace: string;
  readonly workloads: readonly Workload[];
  readonly services: readonly KubeObject[];
  readonly autoscalers: readonly KubeObject[];
}

export interface FindOptions {
  /** UNIDLE_KEY_LABEL: asked for first. */
  readonly keyLabel?: string;
  /** The unidler's own name in the cluster, by which Services that old idlers redirected are known. */
  readonly externalName?: string;
}

const LABEL_LENGTH_MAX = 63;

/** True while something of it sleeps or is sent to the unidler; a live app is none of ours. */
export function isIdled({ workloads, services }: App, externalName?: string): boolean {
  return (
    workloads.some(({ object }) => idledOf(object) !== undefined) ||
    services.some((service) => isRedirected(service, externalName))
  );
}

/**
 * What answers a host: by the labels that charts write, in the order of what is least ambiguous, else by the hosts of Ingresses.
 * Throws `missing` with the original's text for what is not found, or not told apart.
 */
export async function findApp(host: string, options: FindOptions, hands: Hands): Promise<App> {
  const { namespace, ingress, labels } = await findIngress(host, options, hands);
  const { cluster, signal } = hands;
  const services = (await persist(() => cluster.list(KINDS.service, { namespace, signal }), hands)).items;
  const all = await persist(() => listWorkloads({ namespace }, hands), hands);
  const own = services.filter((service) => labels !== undefined && hasLabel(service, labels));
  const backends = backendsOf(ingress, host);
  const fronts = own.length > 0 ? own : services.filter(({ metadata }) => backends.has(metadata.name));
  if (fronts.length === 0) throw notFound('Service', host);
  const labelled = all.filter(({ object }) => labels !== undefined && hasLabel(object, labels));
  const found = labelled.length > 0 ? labelled : all.filter((each) => isBehind(each, fronts));
  if (found.length === 0) throw notFound('Deployment', host);
  const workloads = withGroups(found, all);
  const others = services.filter(
    (service) =>
      !fronts.includes(service) &&
      isRedirected(service, options.externalName) &&
      workloads.some((each) => isBehind(each, [service])),
  );
  const autoscalers = await listIfAllowed(KINDS.autoscaler, { namespace }, hands);
  return { namespace, workloads, services: [...fronts, ...others], autoscalers };
}

interface Found {
  readonly namespace: string;
  readonly ingress: KubeObject;
  /** By which it was found. */
  readonly labels: readonly [string, string] | undefined;
}

async function findIngress(host: string, { keyLabel }: FindOptions, hands: Hands): Promise<Found> {
  const { cluster, signal } = hands;
  const list = async (labels?: string) =>
    (await persist(() => cluster.list(KINDS.ingress, { signal, ...(labels && { labels }) }), hands)).items;
  for (const labels of keysOf(host, keyLabel)) {
    const found = onlyOne(await list(labels.join('=')), host);
    if (found !== undefined) return { ...found, labels };
  }
  const found = onlyOne(
    (await list()).filter((ingress) => hasHost(ingress, host)),
    host,
  );
  if (found === undefined) throw notFound('Ingress', host);
  return { ...found, labels: undefined };
}

function keysOf(host: string, keyLabel: string | undefined): readonly (readonly [string, string])[] {
  const [first = host] = host.split('.');
  const keys: (readonly [string, string])[] = [
    ['unidle-key', first],
    ['unidle-key', host],
    ['host', host],
  ];
  const asked = keyLabel === undefined ? [] : [[keyLabel, keyLabel === 'unidle-key' ? first : host] as const];
  return [...asked, ...keys].filter(([, value]) => value.length <= LABEL_LENGTH_MAX);
}

/** Of several, those that name the host: a label is anybody's to write. Throws where they are in several namespaces. */
function onlyOne(ingresses: readonly KubeObject[], host: string): Omit<Found, 'labels'> | undefined {
  const naming = ingresses.filter((ingress) => hasHost(ingress, host));
  const [ingress, ...others] = naming.length > 0 ? naming : ingresses;
  if (ingress === undefined) return undefined;
  const namespace = ingress.metadata.namespace ?? '';
  if (others.every(({ metadata }) => metadata.namespace === namespace)) return { namespace, ingress };
  throw new SamovarError('missing', notFoundText('Ingress'), {
    subject: host,
    remedy: `Let the Ingresses of one namespace only have the host ${host}: now ${others.length + 1} claim it.`,
  });
}

function hasHost(ingress: KubeObject, host: string): boolean {
  return rulesOf(ingress, host).length > 0;
}

function rulesOf(ingress: KubeObject, host: string): readonly Fields[] {
  return listAt(ingress, 'spec', 'rules').filter(({ host: name }) => {
    if (typeof name !== 'string') return false;
    const pattern = name.toLowerCase();
    if (pattern.startsWith('*.')) return host.slice(host.indexOf('.')) === pattern.slice(1);
    return pattern === host;
  });
}

/** Names of the Services that it sends to for the host. */
function backendsOf(ingress: KubeObject, host: string): ReadonlySet<string> {
  const paths = rulesOf(ingress, host).flatMap((rule) => listAt(rule, 'http', 'paths'));
  const names = paths.map((path) => textAt(path, 'backend', 'service', 'name'));
  return new Set([...names, textAt(ingress, 'spec', 'defaultBackend', 'service', 'name')].filter(Boolean));
}

function hasLabel({ metadata }: KubeObject, [key, value]: readonly [string, string]): boolean {
  return valueAt(metadata.labels, key) === value;
}

function isBehind(workload: Workload, services: readonly KubeObject[]): boolean {
  const { name } = workload.object.metadata;
  return services.some(
    (service) => isSelected(workload, selectorOf(service)) || service.metadata.name === name,
  );
}

function withGroups(found: readonly Workload[], all: readonly Workload[]): readonly Workload[] {
  const groupOf = ({ object }: Workload) => object.metadata.labels?.[OURS.group];
  const groups = new Set(found.map(groupOf).filter((group) => group !== undefined));
  const more = all.filter((each) => !found.includes(each) && groups.has(groupOf(each) ?? ''));
  return [...found, ...more];
}

function notFoundText(what: 'Ingress' | 'Deployment' | 'Service'): string {
  return `${what} for your app not found.`;
}

function notFound(what: 'Ingress' | 'Deployment' | 'Service', host: string): SamovarError {
  return new SamovarError('missing', notFoundText(what), { subject: host });
}
