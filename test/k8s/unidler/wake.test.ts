import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
import { IDLED_LABEL, OURS } from '../../../pipeline/k8s/idling/marks.ts';
import type { WakeOptions } from '../../../pipeline/k8s/unidler/contract.ts';
import { createWaker } from '../../../pipeline/k8s/unidler/waker.ts';
import { everyNth } from '../../support/kube-api.ts';
import {
  createApp,
  createWorkload,
  idleAsOriginal,
  metadataOf,
  NS,
  runPods,
  setEndpoints,
  specOf,
  until,
  type World,
  world,
} from '../idling/apps.ts';

const HOST = 'web.example.org';

function wakerOf({ hands }: World, options: Partial<WakeOptions> = {}) {
  const logged: string[] = [];
  const log = (message: string, details: object) => void logged.push(`${message} ${JSON.stringify(details)}`);
  const all = { deadlineMs: 600_000, tickMs: 5, log, wakesMax: 10, keptMs: { success: 0, error: 0 } };
  return { waker: createWaker({ ...all, ...options }, hands), logged };
}

/** Answers as controllers do, as soon as there is something to do. */
async function start(made: World, name = 'web', kind = KINDS.deployment) {
  await until(() => Number(specOf(made, kind, name).replicas) > 0);
  runPods(made, name, { kind });
  await until(() => specOf(made, KINDS.service, name).type !== 'ExternalName');
  setEndpoints(made, name);
}

const texts = (events: readonly { type: string; text: string }[]) =>
  events
    .map(({ type, text }) => `${type}${type && ': '}${text}`)
    .filter((text) => !text.startsWith('Waiting'));

const TRANSCRIPT = [
  'Starting unidling...',
  'App found. Unidling it...',
  'Replicas restored. Starting app. This could take a few minutes...',
  'App ready. Removing idled metadata...',
  'Redirecting app...',
  'success: Ready',
];

describe('waking', () => {
  test('what the original idler left is woken as the original unidler did, with its texts', async () => {
    const made = await world();
    createApp(made, 'web');
    idleAsOriginal(made, 'web');
    const wake = wakerOf(made).waker.wake(HOST);
    await start(made);
    await wake.done;
    expect(texts(wake.events)).toEqual(TRANSCRIPT);
    expect(specOf(made, KINDS.deployment, 'web').replicas).toBe(2);
    expect(metadataOf(made, KINDS.deployment, 'web')).toMatchObject({
      labels: { app: 'web', tier: 'front', host: HOST },
      annotations: { [OURS.wokenAt]: '2026-11-20T22:00:00.000Z' },
    });
    expect(metadataOf(made, KINDS.deployment, 'web').labels).not.toHaveProperty([IDLED_LABEL]);
    const { type, ports, selector, externalName } = specOf(made, KINDS.service, 'web');
    expect({ type, ports, selector, externalName }).toEqual({
      type: 'ClusterIP',
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 3000 }],
      selector: { app: 'web' },
      externalName: undefined,
    });
  });

  test('a live app is left alone, whatever looks at it', async () => {
    const made = await world();
    createApp(made, 'web');
    const before = JSON.stringify([made.api.all(KINDS.service), made.api.all(KINDS.deployment)]);
    const wake = wakerOf(made).waker.wake(HOST);
    await wake.done;
    expect(texts(wake.events)).toEqual(['Starting unidling...', 'success: Ready']);
    expect(JSON.stringify([made.api.all(KINDS.service), made.api.all(KINDS.deployment)])).toBe(before);
    expect(made.api.requests.filter(({ verb }) => verb === 'patch')).toEqual([]);
  });

  test('two tabs are one wake; two replicas, whose patches meet, both end well', async () => {
    const made = await world();
    createApp(made, 'web');
    idleAsOriginal(made, 'web');
    const [one, other] = [wakerOf(made).waker, wakerOf(made).waker];
    const wakes = [one.wake(HOST), one.wake(HOST), other.wake(HOST)];
    expect(wakes[0]).toBe(wakes[1]);
    // Somebody else is quicker, five times.
    let quicker = 0;
    made.api.setFaults(({ verb, kind, subresource }) => {
      if (verb !== 'patch' || kind === undefined || subresource !== undefined || quicker >= 5)
        return undefined;
      quicker += 1;
      made.api.edit(kind, { name: 'web', namespace: NS }, (draft) => {
        (draft.metadata as { labels: Record<string, string> }).labels.touched = String(quicker);
      });
      return undefined;
    });
    await start(made);
    await Promise.all(wakes.map(({ done }) => done));
    expect(quicker).toBe(5);
    for (const { events } of wakes) expect(events.at(-1)).toEqual({ type: 'success', text: 'Ready' });
  });

  test('watches that the server ends, breaks or forgets say nothing: it is ready when it is', async () => {
    const made = await world();
    createApp(made, 'web');
    idleAsOriginal(made, 'web');
    const wake = wakerOf(made).waker.wake(HOST);
    for (const how of ['ended', 'broken', 'ended'] as const) {
      await until(() => made.api.watches() > 0);
      made.api.closeWatches(how);
      made.api.expireVersions();
    }
    await until(() => wake.events.some(({ text }) => text.startsWith('Waiting')));
    expect(wake.outcome).toBe(undefined);
    expect(specOf(made, KINDS.service, 'web').type).toBe('ExternalName');
    await start(made);
    await wake.done;
    expect(wake.outcome).toBe('success');
  });

  test('a start of three minutes ends well; one past the deadline says why', async () => {
    const made = await world();
    createApp(made, 'web');
    idleAsOriginal(made, 'web');
    const { waker, logged } = wakerOf(made);
    const wake = waker.wake(HOST);
    await until(() => Number(specOf(made, KINDS.deployment, 'web').replicas) > 0);
    runPods(made, 'web', { waiting: 'ContainerCreating' });
    await until(() => wake.events.some(({ text }) => text.includes('being made')));
    made.clock.ms += 180_000;
    runPods(made, 'web', { waiting: 'ImagePullBackOff' });
    const told = 'its image cannot be pulled (ImagePullBackOff)';
    await until(() => wake.events.some(({ text }) => text === `Waiting: ${told}.`));
    expect(wake.outcome).toBe(undefined);
    made.clock.ms += 420_000;
    await wake.done;
    const text = `Failed to wait for for your app to come back up. At the end, ${told}.`;
    expect(wake.events.at(-1)).toEqual({ type: 'error', text });
    expect(JSON.stringify(wake.events), 'what the cluster says is for the log').not.toContain('secret');
    expect(logged.join()).toContain('ImagePullBackOff: secret');
    expect(specOf(made, KINDS.service, 'web').type, 'the page is still there').toBe('ExternalName');
    // Repaired: the next one goes on from there.
    made.clock.ms += 1;
    const next = waker.wake(HOST);
    runPods(made, 'web');
    await start(made);
    await next.done;
    expect(next.outcome).toBe('success');
  });

  test('endpoints of pods that are gone are none', async () => {
    const made = await world();
    createApp(made, 'web');
    setEndpoints(made, 'web', ['web-of-last-week']);
    idleAsOriginal(made, 'web');
    const wake = wakerOf(made).waker.wake(HOST);
    await until(() => Number(specOf(made, KINDS.deployment, 'web').replicas) > 0);
    runPods(made, 'web');
    await until(() => wake.events.some(({ text }) => text.includes('does not lead to it yet')));
    expect(wake.outcome).toBe(undefined);
    setEndpoints(made, 'web');
    await wake.done;
    expect(wake.outcome).toBe('success');
  });

  test('stages of a group follow each other, a StatefulSet by its scale, an autoscaler has its least', async () => {
    const made = await world();
    const workload = { [OURS.group]: 'shop' };
    createApp(made, 'web', { workload, annotations: { [OURS.order]: '2' } });
    createWorkload(made.api, 'db', {
      ...{ kind: KINDS.statefulSet, replicas: 0, labels: workload },
      annotations: {
        [OURS.order]: '1',
        'mojanalytics.xyz/idled-at': '2018-02-07T11:44:20+00:00,3',
      },
    });
    idleAsOriginal(made, 'web', '1');
    made.api.create(KINDS.autoscaler, {
      metadata: { name: 'web', namespace: NS },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        ...{ minReplicas: 4, maxReplicas: 9 },
      },
    });
    const wake = wakerOf(made).waker.wake(HOST);
    await until(() => Number(specOf(made, KINDS.statefulSet, 'db').replicas) > 0);
    expect(specOf(made, KINDS.statefulSet, 'db').replicas, "the legacy annotation's").toBe(3);
    await until(() => wake.events.some(({ text }) => text.startsWith('Waiting')));
    expect(specOf(made, KINDS.deployment, 'web').replicas).toBe(0);
    runPods(made, 'db', { kind: KINDS.statefulSet });
    await start(made);
    await wake.done;
    expect(wake.events.at(-1)?.type).toBe('success');
    expect(specOf(made, KINDS.deployment, 'web').replicas).toBe(4);
    const scaled = made.api.requests.filter(
      ({ kind, verb }) => kind?.kind === 'StatefulSet' && verb === 'patch',
    );
    expect(scaled.some(({ subresource }) => subresource === 'scale')).toBe(true);
  });

  test('an API server that fails every third call is asked again', async () => {
    const made = await world();
    createApp(made, 'web');
    idleAsOriginal(made, 'web');
    made.api.setFaults(everyNth(3));
    const wake = wakerOf(made).waker.wake(HOST);
    await start(made);
    await wake.done;
    expect(texts(wake.events)).toEqual(TRANSCRIPT);
  });

  test('a role of the original, without StatefulSets, slices, pods and autoscalers, will do', async () => {
    const made = await world();
    createApp(made, 'web');
    idleAsOriginal(made, 'web');
    const known = ['deployments', 'services', 'ingresses'];
    made.api.setDenies(({ kind }) => !known.includes(kind?.plural ?? ''));
    const wake = wakerOf(made).waker.wake(HOST);
    await start(made);
    await wake.done;
    expect(texts(wake.events)).toEqual(TRANSCRIPT);
  });

  test.each([
    ['Ingress', 'elsewhere.example.org', 'Ingress for your app not found.'],
    ['Deployment', HOST, 'Deployment for your app not found.'],
    ['Service', HOST, 'Service for your app not found.'],
  ])('without its %s that is said', async (what, host, text) => {
    const made = await world();
    createApp(made, 'web');
    if (what === 'Deployment') made.api.remove(KINDS.deployment, { name: 'web', namespace: NS });
    if (what === 'Service') made.api.remove(KINDS.service, { name: 'web', namespace: NS });
    const wake = wakerOf(made).waker.wake(host);
    await wake.done;
    expect(wake.events.at(-1)).toEqual({ type: 'error', text });
  });
});
