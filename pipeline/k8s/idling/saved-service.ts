import type { KubeObject } from '../cluster.ts';
import { type Fields, isFields, listAt, mergePatchOf, textAt, valueAt } from './fields.ts';
import { OURS } from './marks.ts';

/** What the API server gives out, and may have given to another Service meanwhile. */
const GIVEN = ['clusterIP', 'clusterIPs', 'healthCheckNodePort'];
const TARGET_OF_OLD_IDLERS = 3000;
const NAME_OF_OLD_IDLERS = 'http';

export interface Redirect {
  /** Name of the unidler's Service in the cluster's DNS. */
  readonly externalName: string;
  /** Where it listens. */
  readonly port: number;
}

/** What unidlers are called where nobody says otherwise. */
const UNIDLER = /^unidler[.-]/;

/**
 * True while requests to it go to the unidler, whose name in the cluster may be given. A Service that its owner sends somewhere else
 * is left alone.
 */
export function isRedirected(service: KubeObject, externalName?: string): boolean {
  if (!isElsewhere(service)) return false;
  const target = textAt(service, 'spec', 'externalName');
  return savedSpec(service) !== undefined || target === externalName || UNIDLER.test(target);
}

function isElsewhere(service: KubeObject): boolean {
  return textAt(service, 'spec', 'type') === 'ExternalName';
}

/**
 * A merge patch that sends a Service to the unidler and keeps its spec in an annotation; undefined: it is sent there, or
 * elsewhere, already. Ports keep their names and numbers, by which Ingresses know them.
 */
export function redirectPatch(service: KubeObject, { externalName, port }: Redirect): Fields | undefined {
  if (isElsewhere(service)) return undefined;
  const before = specOf(service);
  const kept = listAt(service, 'spec', 'ports').filter((each) => (each.protocol ?? 'TCP') === 'TCP');
  const ports = kept.map((each) => ({
    ...(each.name !== undefined && { name: each.name }),
    ...{ port: each.port, protocol: 'TCP', targetPort: port },
  }));
  const none = { name: NAME_OF_OLD_IDLERS, port: 80, protocol: 'TCP', targetPort: port };
  const spec = { type: 'ExternalName', externalName, ports: ports.length === 0 ? [none] : ports };
  return {
    metadata: { annotations: { [OURS.service]: JSON.stringify(before) } },
    spec: mergePatchOf(before, spec),
  };
}

export interface Restore {
  readonly patch: Fields;
  /** Without what may have been given to another Service: for when the server refuses the first. */
  readonly without: Fields;
  /** False: an old idler kept nothing, and this is what old unidlers make of it. */
  readonly exact: boolean;
}

/** Undefined: it is no redirected Service. */
export function restorePatch(service: KubeObject, externalName?: string): Restore | undefined {
  if (!isRedirected(service, externalName)) return undefined;
  const saved = savedSpec(service);
  const before = specOf(service);
  const target = saved ?? oldIdlersSpec(service);
  const patchTo = (spec: Fields) => ({
    ...(saved !== undefined && { metadata: { annotations: { [OURS.service]: null } } }),
    spec: mergePatchOf(before, spec),
  });
  return { patch: patchTo(target), without: patchTo(withoutGiven(target)), exact: saved !== undefined };
}

/** The Service's selector when it is not redirected; undefined: it has none, or nobody knows. */
export function selectorOf(service: KubeObject): Fields | undefined {
  const spec = isElsewhere(service) ? (savedSpec(service) ?? oldIdlersSpec(service)) : specOf(service);
  return isFields(spec.selector) && Object.keys(spec.selector).length > 0 ? spec.selector : undefined;
}

/** The spec that was kept; undefined: none, or nothing that could be one. */
export function savedSpec(service: KubeObject): Fields | undefined {
  try {
    const spec: unknown = JSON.parse(textAt(service, 'metadata', 'annotations', OURS.service));
    // Somebody's hand may have been in it: a Service sent elsewhere for good is never made.
    if (isFields(spec) && typeof spec.type === 'string' && spec.type !== 'ExternalName') return spec;
  } catch {
    // As below.
  }
  return undefined;
}

function specOf(service: KubeObject): Fields {
  return isFields(service.spec) ? service.spec : {};
}

/** Old idlers kept nothing: port 80 to 3000, pods by the Service's own label `app`. */
function oldIdlersSpec(service: KubeObject): Fields {
  const { externalName: _, selector: _none, ...kept } = specOf(service);
  const name = valueAt(listAt(service, 'spec', 'ports')[0], 'name');
  const ports = [
    {
      ...(typeof name === 'string' && { name }),
      ...{ port: 80, protocol: 'TCP', targetPort: TARGET_OF_OLD_IDLERS },
    },
  ];
  const app = textAt(service, 'metadata', 'labels', 'app') || service.metadata.name;
  return { ...kept, type: 'ClusterIP', ports, selector: { app } };
}

function withoutGiven(spec: Fields): Fields {
  const kept = Object.entries(spec).filter(([key, value]) => !GIVEN.includes(key) || value === 'None');
  const headless = spec.clusterIP === 'None' ? { clusterIPs: spec.clusterIPs } : {};
  const ports = listAt(spec, 'ports').map(({ nodePort: _, ...port }) => port);
  return { ...Object.fromEntries(kept), ...headless, ports };
}
