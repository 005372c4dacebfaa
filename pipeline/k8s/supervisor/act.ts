import pLimit from 'p-limit';
import { describeError, SamovarError } from '../../errors.ts';
import { type CallOptions, type Cluster, KINDS, type KubeObject } from '../cluster.ts';
import { adopt, MANAGER } from './adopt.ts';
import type { Failure, Part, Step } from './contract.ts';
import { ANNOTATIONS } from './names.ts';
import { type Patience, patiently } from './patience.ts';
import { reposOf } from './wanted.ts';

const STEPS_AT_ONCE = 8;

export interface ActContext extends Patience {
  readonly cluster: Cluster;
  readonly nowMs: () => number;
  readonly onStep?: (step: Step, failure: unknown) => void;
}

/** Takes the steps; one that fails keeps no other from being taken. Throws only when it is to end. */
export async function takeSteps(steps: readonly Step[], context: ActContext) {
  const limit = pLimit(STEPS_AT_ONCE);
  const done: string[] = [];
  const failed: Failure[] = [];
  const take = async (step: Step) => {
    context.signal.throwIfAborted();
    try {
      await patiently(() => takeStep(step, context), context);
      done.push(stepText(step));
      context.onStep?.(step, undefined);
    } catch (error) {
      context.signal.throwIfAborted();
      failed.push({ step: stepText(step), reason: describeError(error) });
      context.onStep?.(step, error);
    }
  };
  await Promise.all(steps.map((step) => limit(() => take(step))));
  return { done, failed };
}

/** `change deployment mtr-d-… (golang/go)`. */
export function stepText(step: Step): string {
  const object = objectOf(step);
  const repos = reposOf(object);
  const whose =
    repos.length > 3 ? `${repos.slice(0, 3).join(', ')} and ${repos.length - 3} more` : repos.join(', ');
  return `${step.deed} ${step.part} ${object.metadata.name}${whose === '' ? '' : ` (${whose})`}`;
}

export function objectOf(step: Step): KubeObject {
  return 'object' in step ? step.object : step.live;
}

const kindOf = (part: Part) => (part === 'deployment' ? KINDS.deployment : KINDS.service);

async function takeStep(step: Step, { cluster, nowMs, signal }: ActContext): Promise<void> {
  const kind = kindOf(step.part);
  const call: CallOptions = { signal };
  if ('object' in step) {
    if (step.deed === 'adopt') await adopt(cluster, step.object, call);
    else await applyOrAdopt(cluster, step, call);
    return;
  }
  const { metadata } = step.live;
  const name = {
    name: metadata.name,
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
  };
  if (step.deed === 'one-replica') return cluster.setScale(kind, name, 1, call);
  if (step.deed === 'remove') {
    const version = metadata.resourceVersion;
    await cluster.delete(kind, name, { ...call, ...(version !== undefined && { version }) });
    return;
  }
  const since = step.deed === 'mark' ? new Date(nowMs()).toISOString() : null;
  const body = { metadata: { annotations: { [ANNOTATIONS.surplusSince]: since } } };
  await cluster.patch(kind, name, body, { kind: 'merge', ...call });
}

/** What a hand has set beside our fields can make them impossible: a Recreate with settings of a rolling update. */
async function applyOrAdopt(
  cluster: Cluster,
  { part, object }: { readonly part: Part; readonly object: KubeObject },
  call: CallOptions,
): Promise<void> {
  try {
    await cluster.apply(kindOf(part), object, { manager: MANAGER, force: true, ...call });
  } catch (error) {
    const isRefused = error instanceof SamovarError && error.code === 'refused';
    if (!isRefused || part !== 'deployment') throw error;
    await adopt(cluster, object, call, error);
  }
}
