import type { KubeObject } from '../cluster.ts';
import type { Actual, Held, Limits, Part, Plan, Step, Wanted } from './contract.ts';
import { driftOf } from './drift.ts';
import { ANNOTATIONS, isMadeName } from './names.ts';
import { planSurplus } from './surplus.ts';

export interface PlanInput {
  readonly wanted: Wanted;
  readonly actual: Actual;
  readonly limits: Limits;
  readonly nowMs: number;
  /** When something was removed last, or when this supervisor began to lead. */
  readonly lastRemovalMs: number;
}

/** The steps that are due, from what is wanted and what is there alone: what was done before does not matter. */
export function planFleet(input: PlanInput): Plan {
  const { wanted, actual } = input;
  const mine = {
    deployments: actual.deployments.filter(({ metadata }) => isMadeName(metadata.name)),
    services: actual.services.filter(({ metadata }) => isMadeName(metadata.name)),
  };
  const all = [...actual.deployments, ...actual.services];
  const deployments = planPart('deployment', wanted.deployments, mine.deployments);
  const services = planPart('service', wanted.services, mine.services);
  const rollouts = limitRollouts(deployments.changes, mine.deployments, input.limits);
  const surplus = planSurplus({ ...input, actual: mine });
  return {
    steps: [
      ...unmarks(wanted, mine),
      ...surplus.steps,
      ...deployments.creations,
      ...rollouts.steps,
      ...replicaSteps(mine.deployments, wanted.kept),
      ...services.creations,
      ...services.changes.map(({ step }) => step),
    ],
    held: [...wanted.held, ...surplus.held, ...rollouts.held],
    paused: mine.deployments.filter((live) => replicasOf(live) === 0).map(({ metadata }) => metadata.name),
    ignored: all.map(({ metadata }) => metadata.name).filter((name) => !isMadeName(name)),
  };
}

interface Change {
  readonly step: Step & { readonly object: KubeObject };
  readonly live: KubeObject;
}

function planPart(part: Part, wanted: readonly KubeObject[], live: readonly KubeObject[]) {
  const byName = new Map(live.map((object) => [object.metadata.name, object]));
  const creations: Step[] = [];
  const changes: Change[] = [];
  for (const object of wanted) {
    const there = byName.get(object.metadata.name);
    if (there === undefined) creations.push({ deed: 'create', part, object });
    // One that is going cannot be changed; when it is gone it is made anew.
    else if (there.metadata.deletionTimestamp === undefined && driftOf(object, there) !== undefined)
      changes.push({
        live: there,
        step: { deed: isAdoption(part, there) ? 'adopt' : 'change', part, object },
      });
  }
  return { creations, changes };
}

/** The original's Deployments have volumes, probes and variables that an apply would leave beside ours. */
function isAdoption(part: Part, { metadata }: KubeObject): boolean {
  return part === 'deployment' && metadata.annotations?.[ANNOTATIONS.applied] === undefined;
}

/**
 * A change stops a worker for as long as it replays. So no more than a share of the fleet is down at once, those counted that are
 * down already: a broken image stops there. A worker that is down or paused loses nothing by a change.
 */
function limitRollouts(changes: readonly Change[], live: readonly KubeObject[], { share }: Limits) {
  const down = live.filter((one) => !isUp(one) && replicasOf(one) > 0).length;
  let room = Math.max(1, Math.floor(share * live.length)) - down;
  const steps: Step[] = [];
  const held: Held[] = [];
  for (const change of changes) {
    if (!isUp(change.live)) {
      steps.push(change.step);
      continue;
    }
    room -= 1;
    if (room >= 0) steps.push(change.step);
    else held.push({ name: change.step.object.metadata.name, why: 'changes when fewer workers are down' });
  }
  return { steps, held };
}

/** Two replicas would write to one log. */
function replicaSteps(live: readonly KubeObject[], kept: ReadonlySet<string>): readonly Step[] {
  return live
    .filter((one) => replicasOf(one) > 1 && kept.has(one.metadata.name))
    .map((one) => ({ deed: 'one-replica', part: 'deployment', live: one }));
}

function unmarks({ kept }: Wanted, { deployments, services }: Actual): readonly Step[] {
  const marked = ({ metadata }: KubeObject) =>
    kept.has(metadata.name) && metadata.annotations?.[ANNOTATIONS.surplusSince] !== undefined;
  return [
    ...deployments.filter(marked).map((live): Step => ({ deed: 'unmark', part: 'deployment', live })),
    ...services.filter(marked).map((live): Step => ({ deed: 'unmark', part: 'service', live })),
  ];
}

export function replicasOf({ spec }: KubeObject): number {
  return (spec as { readonly replicas?: number } | undefined)?.replicas ?? 1;
}

/** What it does is what it was told last, and is ready. */
function isUp({ metadata, status }: KubeObject): boolean {
  const { availableReplicas = 0, observedGeneration = 0 } = (status ?? {}) as {
    readonly availableReplicas?: number;
    readonly observedGeneration?: number;
  };
  return availableReplicas > 0 && observedGeneration >= (metadata.generation ?? 0);
}
