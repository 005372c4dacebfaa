import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openCluster } from '../../../pipeline/k8s/client-node.ts';
import { type Cluster, KINDS } from '../../../pipeline/k8s/cluster.ts';
import { ANNOTATIONS, deploymentName, type Repo } from '../../../pipeline/k8s/supervisor/names.ts';
import { createReconciler, type ReconcileOptions } from '../../../pipeline/k8s/supervisor/reconcile.ts';
import { type KubeApiserver, kubeApiserverOrSkip, startKubeApiserver } from '../../support/kube-apiserver.ts';
import { HOUR_MS, LIMITS, POD } from './fleet.ts';
import { D, original, podOf, S } from './original.ts';

const binaries = kubeApiserverOrSkip();
const START_MS_MAX = 300_000;
const signal = new AbortController().signal;

/** What the server in memory does not tell: its defaults, and whose which field is. */
describe('a fleet on kube-apiserver', () => {
  beforeEach((context) => {
    if ('skip' in binaries) context.skip(binaries.skip);
  });

  let server: KubeApiserver;
  let cluster: Cluster;
  beforeAll(async () => {
    if ('skip' in binaries) return;
    server = await startKubeApiserver(binaries);
    cluster = await openCluster({ kubeconfig: server.kubeconfig });
  }, START_MS_MAX);
  afterAll(async () => {
    cluster?.close();
    await server?.stop();
  }, START_MS_MAX);

  /** A namespace of its own for each test. */
  async function around(namespace: string, more: Partial<ReconcileOptions> = {}) {
    await cluster.create(KINDS.namespace, { metadata: { name: namespace } });
    const list: { repos: readonly Repo[] } = { repos: [{ owner: 'foo', name: 'bar' }] };
    const clock = { nowMs: Date.now() };
    const options: ReconcileOptions = {
      ...{ ...POD, cluster, namespace, limits: LIMITS, nowMs: () => clock.nowMs, random: () => 0.5 },
      sleep: async () => undefined,
      readList: async () => list.repos,
      ...more,
    };
    const get = (name: string) => cluster.get(KINDS.deployment, { name, namespace });
    return { list, clock, options, get, pass: () => createReconciler(options).pass(signal) };
  }

  test(
    'is made, is found as it should be, is mended, and goes after its grace',
    async () => {
      const { pass, list, get, clock, options } = await around('made');
      list.repos = [
        { owner: 'foo', name: 'bar' },
        { owner: 'foo', name: '.github', branch: 'a/b' },
      ];
      expect(await pass()).toMatchObject({ outcome: 'done', done: { length: 4 } });
      expect(await pass()).toMatchObject({ outcome: 'done', done: [] });
      const hand = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'evil.test/x' }];
      await cluster.patch(KINDS.deployment, { name: D, namespace: 'made' }, hand, { kind: 'json' });
      const strategy = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
      const other = deploymentName('foo/.github');
      await cluster.patch(KINDS.deployment, { name: other, namespace: 'made' }, strategy, { kind: 'merge' });
      expect(await pass()).toMatchObject({ outcome: 'done', done: { length: 2 } });
      expect(await pass()).toMatchObject({ outcome: 'done', done: [] });
      expect(podOf(await get(D)).containers[0]).toMatchObject({ image: POD.image });
      await cluster.setScale(KINDS.deployment, { name: D, namespace: 'made' }, 0);
      expect(await pass()).toMatchObject({ done: [], paused: [D] });
      list.repos = [{ owner: 'foo', name: 'bar' }];
      const steady = createReconciler(options);
      await steady.pass(signal);
      expect((await get(other))?.metadata.annotations).toHaveProperty([ANNOTATIONS.surplusSince]);
      clock.nowMs += 2 * HOUR_MS;
      expect(await steady.pass(signal)).toMatchObject({ outcome: 'done', done: { length: 2 } });
      expect(await get(other)).toBeUndefined();
    },
    START_MS_MAX,
  );

  test(
    "of the original is taken over in place; then its fields are the supervisor's alone, to be taken away later",
    async () => {
      const { pass, get, options } = await around('taken');
      const [deployment, service] = original().map((object) => ({
        ...object,
        metadata: { ...object.metadata, namespace: 'taken' },
      }));
      const { uid } = (await cluster.create(KINDS.deployment, deployment ?? ({} as never))).metadata;
      await cluster.create(KINDS.service, service ?? ({} as never));
      expect(await pass()).toMatchObject({ outcome: 'done', failed: [] });
      expect(await pass()).toMatchObject({ outcome: 'done', done: [] });
      const found = await get(D);
      expect(found?.metadata.uid).toBe(uid);
      expect(podOf(found).containers.map(({ name }) => name)).toEqual(['sync', 'serve']);
      expect(podOf(found).volumes.map(({ name }) => name)).toEqual(['data', 'tmp']);
      const ports = (await cluster.get(KINDS.service, { name: S, namespace: 'taken' }))?.spec;
      expect(ports).toMatchObject({ ports: [{ targetPort: 'grpc' }, { targetPort: 'json' }] });
      const overlay = {
        spec: { containers: [{ name: 'serve', livenessProbe: null }], hostname: 'x' },
      };
      await createReconciler({ ...options, overlay }).pass(signal);
      expect(podOf(await get(D))).toMatchObject({ hostname: 'x' });
      expect(podOf(await get(D)).containers[1]).not.toHaveProperty('livenessProbe');
      await pass();
      expect(podOf(await get(D))).not.toHaveProperty('hostname');
      expect(podOf(await get(D)).containers[1]).toHaveProperty('livenessProbe');
    },
    START_MS_MAX,
  );
});
