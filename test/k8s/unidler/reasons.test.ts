import { describe, expect, test } from 'vitest';
import { KINDS, type KubeObject } from '../../../pipeline/k8s/cluster.ts';
import { isAvailable, waitingFor } from '../../../pipeline/k8s/unidler/reasons.ts';

const workload = (status: object = {}) => ({
  kind: KINDS.deployment,
  object: { metadata: { name: 'web', namespace: 'shop', generation: 3 }, status },
});

const pod = (status: object): KubeObject => ({ metadata: { name: 'web-1' }, status });
const waiting = (reason: string) => ({ name: 'app', state: { waiting: { reason, message: 'in detail' } } });
const unplaced = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' };

describe('why an app is not there yet', () => {
  test.each([
    ['no pod', [], {}, 'the cluster has not begun to start it yet'],
    ['a pod without a place', [{ phase: 'Pending' }], {}, 'it has no place to run yet (Pending)'],
    [
      'a pod that no machine takes',
      [{ phase: 'Pending', conditions: [unplaced] }],
      {},
      'no machine has room for it yet (Unschedulable)',
    ],
    [
      'a broken image, beside what passes',
      [{ containerStatuses: [waiting('ContainerCreating'), waiting('ErrImagePull')] }],
      {},
      'its image cannot be pulled (ErrImagePull)',
    ],
    [
      'an init container that fails',
      [{ initContainerStatuses: [waiting('CrashLoopBackOff')] }],
      {},
      'it starts and fails, again and again (CrashLoopBackOff)',
    ],
    [
      'a quota',
      [],
      { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }] },
      'the cluster refuses to start it (FailedCreate)',
    ],
    ['what nobody has heard of', [{ containerStatuses: [waiting('Odd')] }], {}, 'it waits (Odd)'],
    ['a pod that runs', [{ phase: 'Running' }], {}, 'it runs, and is not ready yet'],
  ])('%s', (_, pods, status, reason) => {
    expect(waitingFor(workload(status), pods.map(pod)).reason).toBe(reason);
  });

  test('what Kubernetes says of it is for the log', () => {
    const { reason, detail } = waitingFor(workload(), [
      pod({ containerStatuses: [waiting('ErrImagePull')] }),
    ]);
    expect(reason).not.toContain('in detail');
    expect(detail).toBe('Deployment shop/web: ErrImagePull: in detail');
  });

  test.each([
    [{ observedGeneration: 3, availableReplicas: 1 }, true],
    [{ observedGeneration: 2, availableReplicas: 1 }, false],
    [{ observedGeneration: 3 }, false],
  ])('a status of %j is available: %j', (status, is) => {
    expect(isAvailable(workload(status))).toBe(is);
  });
});
