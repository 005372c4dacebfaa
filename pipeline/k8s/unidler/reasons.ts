import type { KubeObject } from '../cluster.ts';
import { countAt, type Fields, listAt, textAt } from '../idling/fields.ts';
import { inWords, type Workload } from '../idling/workload.ts';
import type { Waiting } from './follow.ts';

const DETAIL_LENGTH_MAX = 300;

/** What Kubernetes' words mean to somebody who waits for a page. */
const IN_WORDS: Readonly<Record<string, string>> = {
  ImagePullBackOff: 'its image cannot be pulled',
  ErrImagePull: 'its image cannot be pulled',
  InvalidImageName: 'its image has no valid name',
  CrashLoopBackOff: 'it starts and fails, again and again',
  CreateContainerConfigError: 'its configuration is wrong',
  CreateContainerError: 'its container cannot be made',
  RunContainerError: 'its container cannot be started',
  ContainerCreating: 'its container is being made',
  PodInitializing: 'it is being prepared',
  Unschedulable: 'no machine has room for it yet',
  FailedCreate: 'the cluster refuses to start it',
  ProgressDeadlineExceeded: 'the cluster gave up waiting for it',
};
/** These pass by themselves. */
const PASSING = new Set(['ContainerCreating', 'PodInitializing']);

/** True when one of its pods can answer, and that is about its newest spec. */
export function isAvailable({ object }: Workload): boolean {
  return (
    countAt(object, 'status', 'observedGeneration') >= countAt(object, 'metadata', 'generation') &&
    countAt(object, 'status', 'availableReplicas') >= 1
  );
}

/** Why a workload is not there yet, as far as its pods and conditions tell: the worst of it. */
export function waitingFor(workload: Workload, pods: readonly KubeObject[]): Waiting {
  const troubles = [...pods.flatMap(podTroubles), ...conditionTroubles(workload.object)];
  const [worst] = troubles.sort((a, b) => Number(PASSING.has(a.reason)) - Number(PASSING.has(b.reason)));
  const detail = `${inWords(workload)}: ${worst === undefined ? `${pods.length} pods` : textOf(worst)}`;
  if (worst !== undefined)
    return { reason: `${IN_WORDS[worst.reason] ?? 'it waits'} (${worst.reason})`, detail };
  if (pods.length === 0) return { reason: 'the cluster has not begun to start it yet', detail };
  const pending = pods.some((pod) => textAt(pod, 'status', 'phase') === 'Pending');
  return {
    reason: pending ? 'it has no place to run yet (Pending)' : 'it runs, and is not ready yet',
    detail,
  };
}

interface Trouble {
  readonly reason: string;
  readonly message: string;
}

function podTroubles(pod: KubeObject): readonly Trouble[] {
  const containers = [
    ...listAt(pod, 'status', 'initContainerStatuses'),
    ...listAt(pod, 'status', 'containerStatuses'),
  ];
  const waiting = containers.map((container) => troubleOf((container.state as Fields)?.waiting));
  const conditions = listAt(pod, 'status', 'conditions');
  const unplaced = conditions.filter(({ type, status }) => type === 'PodScheduled' && status === 'False');
  return [...waiting, ...unplaced.map(troubleOf)].filter(({ reason }) => reason !== '');
}

function conditionTroubles(object: KubeObject): readonly Trouble[] {
  return listAt(object, 'status', 'conditions')
    .filter(
      ({ type, status }) =>
        (type === 'ReplicaFailure' && status === 'True') || (type === 'Progressing' && status === 'False'),
    )
    .map(troubleOf);
}

function troubleOf(from: unknown): Trouble {
  return { reason: textAt(from, 'reason'), message: textAt(from, 'message') };
}

function textOf({ reason, message }: Trouble): string {
  const short = message.replace(/\s+/g, ' ').trim().slice(0, DETAIL_LENGTH_MAX);
  return short === '' ? reason : `${reason}: ${short}`;
}

/**
 * True when a Service has an endpoint that is ready and is a pod of now. While a Service is sent elsewhere nobody keeps its slices:
 * they still name pods that are long gone. Undefined pods: they may not be seen.
 */
export function hasReadyEndpoint(
  slices: readonly KubeObject[],
  pods: readonly KubeObject[] | undefined,
): boolean {
  const living = pods && new Set(pods.map(({ metadata }) => metadata.name));
  return slices
    .flatMap((slice) => listAt(slice, 'endpoints'))
    .some((endpoint) => {
      const { ready } = (endpoint.conditions ?? {}) as Fields;
      const isPod = textAt(endpoint, 'targetRef', 'kind') === 'Pod';
      // A slice of nobody's controller may say nothing: then it is ready.
      return (
        ready !== false &&
        (!isPod || living === undefined || living.has(textAt(endpoint, 'targetRef', 'name')))
      );
    });
}
