import { KINDS, type KubeObject } from '../cluster.ts';
import { type Hands, listIfAllowed, persist } from '../idling/change.ts';
import { listAt, textAt } from '../idling/fields.ts';
import { IDLED_LABEL, OURS } from '../idling/marks.ts';
import { selectorOf } from '../idling/saved-service.ts';
import { inWords, isSelected, listWorkloads, replicasOf, type Workload } from '../idling/workload.ts';
import type { Candidate, Keeping } from './contract.ts';

/** All that may be idled by their labels, with what else is in their namespaces that matters. */
export async function survey(selector: string, hands: Hands): Promise<readonly Candidate[]> {
  const labels = `!${IDLED_LABEL}${selector === '' ? '' : `,${selector}`}`;
  const eligible = await persist(() => listWorkloads({ labels }, hands), hands);
  const staying = await listIfAllowed(KINDS.namespace, { labels: `${OURS.stay}=true` }, hands);
  const kept = new Set(staying.map(({ metadata }) => metadata.name));
  const candidates: Candidate[] = [];
  for (const [namespace, workloads] of byKey(eligible, (each) => each.object.metadata.namespace ?? '')) {
    const place = await lookAround(namespace, kept.has(namespace), hands);
    const groups = byKey(
      workloads.filter(
        ({ object }) => replicasOf(object) > 0 && object.metadata.deletionTimestamp === undefined,
      ),
      ({ kind, object }) => groupOf(object) ?? `${kind.kind} ${object.metadata.name}`,
    );
    for (const group of groups.values()) candidates.push(candidateOf(group, place));
  }
  return candidates;
}

interface Place {
  readonly namespace: string;
  readonly stays: boolean;
  readonly workloads: readonly Workload[];
  readonly services: readonly KubeObject[];
  readonly ingresses: readonly KubeObject[];
}

async function lookAround(namespace: string, stays: boolean, hands: Hands): Promise<Place> {
  const { cluster, signal } = hands;
  const workloads = await persist(() => listWorkloads({ namespace }, hands), hands);
  const { items } = await persist(() => cluster.list(KINDS.service, { namespace, signal }), hands);
  return {
    ...{ namespace, stays, workloads, services: items },
    ingresses: await listIfAllowed(KINDS.ingress, { namespace }, hands),
  };
}

function candidateOf(workloads: readonly Workload[], place: Place): Candidate {
  const names = new Set(workloads.map(({ object }) => object.metadata.name));
  const asked = backendsOf(place.ingresses);
  const services = place.services.filter(
    (service) =>
      // Others, a database's headless one say, are for its own kind: they need not lead to a page.
      (asked.has(service.metadata.name) || names.has(service.metadata.name)) &&
      textAt(service, 'spec', 'clusterIP') !== 'None' &&
      workloads.some((each) => isSelected(each, selectorOf(service))),
  );
  const own = new Set(services.map(({ metadata }) => metadata.name));
  const leading = place.ingresses.filter((ingress) =>
    [...backendsOf([ingress])].some((name) => own.has(name)),
  );
  const [first] = workloads;
  return {
    ...{ namespace: place.namespace, workloads, services },
    name: (first && groupOf(first.object)) ?? first?.object.metadata.name ?? '',
    hosts: leading.flatMap(hostsOf),
    kept: whyKept(workloads, services, leading, place),
  };
}

function whyKept(
  workloads: readonly Workload[],
  services: readonly KubeObject[],
  leading: readonly KubeObject[],
  place: Place,
): Keeping | undefined {
  if (place.stays) return { by: 'label', why: 'its namespace is labelled to stay awake' };
  const groups = new Set(workloads.map(({ object }) => groupOf(object)));
  const group = place.workloads.filter(
    ({ object }) => groupOf(object) !== undefined && groups.has(groupOf(object)),
  );
  const stays = [...workloads, ...group].find(({ object }) => isKept(object));
  if (stays !== undefined) return { by: 'label', why: `${inWords(stays)} is labelled to stay awake` };
  if (services.length === 0)
    return { by: 'unreachable', why: 'no Service leads to it: no visitor could wake it' };
  if (leading.length === 0 && place.ingresses.length > 0)
    return { by: 'unreachable', why: 'no Ingress leads to it: no visitor could wake it' };
  const sharing = place.workloads.find(
    (each) =>
      !workloads.some(
        ({ kind, object }) => kind === each.kind && object.metadata.name === each.object.metadata.name,
      ) &&
      replicasOf(each.object) > 0 &&
      services.some((service) => isSelected(each, selectorOf(service))),
  );
  return sharing && { by: 'shared', why: `its Service also leads to ${inWords(sharing)}` };
}

/** A label beats all that says that it may sleep. */
export function isKept({ metadata }: KubeObject): boolean {
  return metadata.labels?.[OURS.stay] === 'true';
}

function groupOf({ metadata }: KubeObject): string | undefined {
  return metadata.labels?.[OURS.group];
}

function backendsOf(ingresses: readonly KubeObject[]): ReadonlySet<string> {
  const paths = ingresses
    .flatMap((ingress) => listAt(ingress, 'spec', 'rules'))
    .flatMap((rule) => listAt(rule, 'http', 'paths'));
  const names = paths.map((path) => textAt(path, 'backend', 'service', 'name'));
  const rest = ingresses.map((each) => textAt(each, 'spec', 'defaultBackend', 'service', 'name'));
  return new Set([...names, ...rest].filter(Boolean));
}

function hostsOf(ingress: KubeObject): readonly string[] {
  return listAt(ingress, 'spec', 'rules')
    .map((rule) => textAt(rule, 'host').toLowerCase())
    .filter(Boolean);
}

function byKey<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
