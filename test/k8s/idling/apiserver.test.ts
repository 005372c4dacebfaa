import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConnectedCluster, openCluster } from '../../../pipeline/k8s/client-node.ts';
import { KINDS, type Kind } from '../../../pipeline/k8s/cluster.ts';
import { idlerPass } from '../../../pipeline/k8s/idler/idler.ts';
import type { Hands } from '../../../pipeline/k8s/idling/change.ts';
import { IDLEABLE_SELECTOR, OURS } from '../../../pipeline/k8s/idling/marks.ts';
import { createWaker } from '../../../pipeline/k8s/unidler/waker.ts';
import { type KubeApiserver, kubeApiserverOrSkip, startKubeApiserver } from '../../support/kube-apiserver.ts';

const HOST = 'web.example.org';
const START_MS = 300_000;
const found = kubeApiserverOrSkip();

const OPTIONS = {
  selector: IDLEABLE_SELECTOR,
  policy: { sleepAt: '0 0 * * *', awakeMsMin: 0 },
  redirect: { externalName: 'unidler.default.svc.cluster.local', port: 80 },
  dryRun: false,
};

const PORTS = [
  { name: 'web', port: 8080, targetPort: 'http' },
  { name: 'metrics', port: 9090, targetPort: 9091 },
];

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(50);
}

/** One app in a namespace of its own, on a server that runs nothing: what controllers would do is done by hand. */
async function appIn(cluster: ConnectedCluster, namespace: string) {
  const app = { app: 'web', tier: 'front' };
  const metadata = {
    ...{ name: 'web', namespace },
    labels: { ...app, host: HOST, 'mojanalytics.xyz/idleable': 'true', namespace },
  };
  const template = {
    metadata: { labels: app },
    spec: { containers: [{ name: 'app', image: 'registry.test/app:1' }] },
  };
  const backend = { service: { name: 'web', port: { name: 'web' } } };
  const paths = [{ path: '/', pathType: 'Prefix', backend }];
  await cluster.create(KINDS.namespace, { metadata: { name: namespace } });
  await cluster.create(KINDS.ingress, { metadata, spec: { rules: [{ host: HOST, http: { paths } }] } });
  await cluster.create(KINDS.service, { metadata, spec: { selector: app, ports: PORTS } });
  await cluster.create(KINDS.deployment, {
    metadata,
    spec: { replicas: 2, selector: { matchLabels: app }, template },
  });
  const at = { name: 'web', namespace };
  const specOf = async (kind: Kind) => (await cluster.get(kind, at))?.spec as Record<string, unknown>;
  const arise = async () => {
    await until(async () => Number((await specOf(KINDS.deployment)).replicas) > 0);
    const status = { observedGeneration: 99, replicas: 2, readyReplicas: 2, availableReplicas: 2 };
    await cluster.patch(KINDS.deployment, at, { status }, { kind: 'merge', subresource: 'status' });
    await until(async () => (await specOf(KINDS.service)).type !== 'ExternalName');
    await cluster.create(KINDS.endpointSlice, {
      metadata: { name: 'web-1', namespace, labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [],
      endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
    });
  };
  return { at, specOf, arise };
}

describe.skipIf('skip' in found)(
  `idling and waking on a real API server${'skip' in found ? ` (${found.skip})` : ''}`,
  () => {
    let server: KubeApiserver;
    let cluster: ConnectedCluster;
    let hands: Hands;
    const stop = new AbortController();

    beforeAll(async () => {
      if ('skip' in found) return;
      server = await startKubeApiserver(found);
      cluster = await openCluster({ kubeconfig: server.kubeconfig });
      const sleep = (ms: number, signal?: AbortSignal) => delay(ms, undefined, signal && { signal });
      hands = { cluster, nowMs: Date.now, random: () => 0.5, sleep, signal: stop.signal };
    }, START_MS);
    afterAll(async () => {
      stop.abort();
      cluster?.close();
      await server?.stop();
    }, START_MS);

    const wakerOf = () => {
      const kept = { wakesMax: 10, keptMs: { success: 0, error: 0 } };
      return createWaker({ deadlineMs: 60_000, tickMs: 100, log: () => {}, ...kept }, hands);
    };

    test('an app sleeps and wakes, twice, and its Service is what it was', { timeout: 60_000 }, async () => {
      const { specOf, arise, at } = await appIn(cluster, 'same');
      const before = await specOf(KINDS.service);
      for (const round of [1, 2]) {
        const report = await idlerPass(OPTIONS, hands);
        expect(report).toMatchObject({ idled: [{ app: 'same/web' }], failed: [] });
        expect(await specOf(KINDS.service)).toMatchObject({ type: 'ExternalName' });
        expect((await specOf(KINDS.deployment)).replicas).toBe(0);
        const wake = wakerOf().wake(HOST);
        await arise();
        await wake.done;
        expect(wake.events.at(-1), `round ${round}`).toEqual({ type: 'success', text: 'Ready' });
        expect(await specOf(KINDS.service)).toEqual(before);
        expect((await specOf(KINDS.deployment)).replicas).toBe(2);
        await cluster.delete(KINDS.endpointSlice, { ...at, name: 'web-1' });
      }
      for (const kind of [KINDS.ingress, KINDS.deployment, KINDS.service]) await cluster.delete(kind, at);
    });

    test('a group sleeps and wakes in its order, at least as many as an autoscaler keeps', {
      timeout: 60_000,
    }, async () => {
      const { specOf, arise, at } = await appIn(cluster, 'group');
      const labels = { 'mojanalytics.xyz/idleable': 'true', [OURS.group]: 'pair' };
      const template = {
        metadata: { labels: { app: 'db' } },
        spec: { containers: [{ name: 'db', image: 'registry.test/db:1' }] },
      };
      const db = { ...at, name: 'db' };
      await cluster.create(KINDS.statefulSet, {
        metadata: { ...db, labels, annotations: { [OURS.order]: '-1' } },
        spec: { replicas: 3, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template },
      });
      await cluster.patch(KINDS.deployment, at, { metadata: { labels } }, { kind: 'merge' });
      await cluster.create(KINDS.autoscaler, {
        metadata: at,
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          ...{ minReplicas: 4, maxReplicas: 9 },
        },
      });
      expect(await idlerPass(OPTIONS, hands)).toMatchObject({ idled: [{ app: 'group/pair' }], failed: [] });
      const replicas = async () => [
        (await cluster.scale(KINDS.statefulSet, db)).wanted,
        (await specOf(KINDS.deployment)).replicas,
      ];
      expect(await replicas()).toEqual([0, 0]);
      const wake = wakerOf().wake(HOST);
      await until(async () => (await replicas())[0] === 3);
      await until(async () => wake.events.some(({ text }) => text.startsWith('Waiting')));
      expect(await replicas()).toEqual([3, 0]);
      const status = { observedGeneration: 99, replicas: 3, readyReplicas: 3, availableReplicas: 3 };
      await cluster.patch(KINDS.statefulSet, db, { status }, { kind: 'merge', subresource: 'status' });
      await arise();
      await wake.done;
      expect(wake.outcome).toBe('success');
      expect(await replicas()).toEqual([3, 4]);
      for (const kind of [KINDS.ingress, KINDS.deployment, KINDS.service]) await cluster.delete(kind, at);
    });

    test('an address that went to another meanwhile is given up', { timeout: 60_000 }, async () => {
      const { specOf, arise, at } = await appIn(cluster, 'taken');
      const { clusterIP, selector, ports } = await specOf(KINDS.service);
      await idlerPass(OPTIONS, hands);
      await cluster.create(KINDS.service, {
        metadata: { name: 'thief', namespace: at.namespace },
        spec: { clusterIP, ports: [{ port: 80 }] },
      });
      const wake = wakerOf().wake(HOST);
      await arise();
      await wake.done;
      expect(wake.outcome).toBe('success');
      const after = await specOf(KINDS.service);
      expect(after).toMatchObject({ type: 'ClusterIP', selector, ports });
      expect(after.clusterIP).not.toBe(clusterIP);
    });
  },
);
