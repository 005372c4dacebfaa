import type { KubeObject } from '../cluster.ts';
import type { Held, Part, Step } from './contract.ts';
import { ANNOTATIONS } from './names.ts';
import type { PlanInput } from './plan.ts';

interface Surplus {
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
}

/** Marks what nobody wants, and removes it when its grace is over: a share at once, Services before what is behind them. */
export function planSurplus(input: PlanInput): Surplus {
  const { wanted, actual, limits } = input;
  const isSurplus = ({ metadata }: KubeObject) =>
    !wanted.kept.has(metadata.name) && metadata.deletionTimestamp === undefined;
  const services = actual.services.filter(isSurplus);
  const deployments = actual.deployments.filter(isSurplus);
  if (wanted.repositories === 0 && !limits.emptyAllowed) {
    const why = 'the list has no repository at all: taken for a mistake';
    return {
      steps: [],
      held: [...services, ...deployments].map(({ metadata }) => ({ name: metadata.name, why })),
    };
  }
  const parts = [
    planPart('service', services, actual.services.length, input),
    planPart('deployment', deployments, actual.deployments.length, input),
  ];
  return { steps: parts.flatMap(({ steps }) => steps), held: parts.flatMap(({ held }) => held) };
}

function planPart(part: Part, surplus: readonly KubeObject[], total: number, input: PlanInput): Surplus {
  const { limits, nowMs, lastRemovalMs, wanted } = input;
  const steps: Step[] = [];
  const held: Held[] = [];
  const spaced = nowMs - lastRemovalMs >= limits.spacingMs;
  let room = Math.max(1, Math.floor(limits.share * total));
  // By hash, so that a Service and what is behind it go together.
  for (const live of [...surplus].sort(byHash)) {
    const { name } = live.metadata;
    const moves = wanted.moving.has(name);
    const sinceMs = Date.parse(live.metadata.annotations?.[ANNOTATIONS.surplusSince] ?? '');
    // Of the future or unreadable: begun anew.
    if (!moves && !(sinceMs <= nowMs)) steps.push({ deed: 'mark', part, live });
    else if (!moves && nowMs - sinceMs < limits.graceMs)
      held.push({ name, why: `surplus since ${new Date(sinceMs).toISOString()}: its grace is not over` });
    else if ((moves || spaced) && room > 0) {
      steps.push({ deed: 'remove', part, live });
      room -= 1;
    } else held.push({ name, why: 'surplus: removed when others are gone for a while' });
  }
  return { steps, held };
}

function byHash(a: KubeObject, b: KubeObject): number {
  const hash = ({ metadata }: KubeObject) => metadata.name.slice('mtr-d-'.length);
  return hash(a) < hash(b) ? -1 : 1;
}
