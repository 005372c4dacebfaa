import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resetLog } from '../../pipeline/jobs/mutation-reset.ts';
import { openCluster } from '../../pipeline/k8s/client-node.ts';
import { type Cluster, KINDS, type Kind } from '../../pipeline/k8s/cluster.ts';
import { deploymentName } from '../../pipeline/k8s/supervisor/names.ts';
import { deploymentWorker } from '../../pipeline/k8s/worker.ts';
import { issueMutation } from '../support/corpus.ts';
import { startKubeApi } from '../support/kube-api.ts';
import { kubeApiserverOrSkip, startKubeApiserver } from '../support/kube-apiserver.ts';
import { codeOf } from '../support/kube-objects.ts';
import { fileBucket, hexOf, payloadsOf, writeLog } from '../support/mutation-logs.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const START_MS_MAX = 300_000;
const REPO = { owner: 'golang', name: 'go.dev_x' };
const folder = tempFolder();
const found = kubeApiserverOrSkip();

interface Server {
  readonly kubeconfig: string;
  /** Of somebody who may do only what a worker's reset needs, in this namespace. */
  limited(admin: Cluster, namespace: string): Promise<string>;
  stop(): Promise<void>;
}

const SERVERS: Readonly<Record<string, (() => Promise<Server>) | undefined>> = {
  'in memory': async () => {
    const api = await startKubeApi();
    return { kubeconfig: api.kubeconfig, limited: async () => api.kubeconfig, stop: () => api.close() };
  },
  'kube-apiserver':
    'skip' in found
      ? undefined
      : async () => {
          const server = await startKubeApiserver(found);
          const limited = async (admin: Cluster, namespace: string) => {
            await allow(admin, namespace);
            return server.user('limited');
          };
          return { kubeconfig: server.kubeconfig, limited, stop: () => server.stop() };
        },
};

/** As much as docs/mutation-logs.md asks for. */
const RULES = [
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list'] },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
];

async function allow(admin: Cluster, namespace: string): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const rbac = (plural: string, kind: string): Kind => ({
    ...{ group, version: 'v1', plural, kind },
    namespaced: true,
  });
  const metadata = { name: 'reset', namespace };
  await admin.create(rbac('roles', 'Role'), { metadata, rules: RULES });
  const subjects = [{ kind: 'User', name: 'limited', apiGroup: group }];
  const roleRef = { kind: 'Role', name: 'reset', apiGroup: group };
  await admin.create(rbac('rolebindings', 'RoleBinding'), { metadata, subjects, roleRef });
}

describe.each(Object.entries(SERVERS))('a worker that is a Deployment, on %s', (_, start) => {
  let server: Server;
  let admin: Cluster;
  let cluster: Cluster;
  beforeAll(async () => {
    if (start === undefined) return;
    server = await start();
    admin = await openCluster({ kubeconfig: server.kubeconfig });
  }, START_MS_MAX);
  afterAll(async () => {
    admin?.close();
    await server?.stop();
  }, START_MS_MAX);

  /** A namespace with one worker in it; nothing runs there: what controllers would do is done by hand. */
  async function around(namespace: string, repo = REPO) {
    await admin.create(KINDS.namespace, { metadata: { name: namespace } });
    cluster = await openCluster({ kubeconfig: await server.limited(admin, namespace) });
    const make = (name: string, labels: Record<string, string>, replicas = 1) => {
      const app = { app: name };
      const spec = { containers: [{ name: 'app', image: 'registry.test/app:1' }] };
      return admin.create(KINDS.deployment, {
        metadata: { name, namespace, labels },
        spec: { replicas, selector: { matchLabels: app }, template: { metadata: { labels: app }, spec } },
      });
    };
    const pod = (of: string) =>
      admin.create(KINDS.pod, {
        metadata: { name: `${of}-0`, namespace, labels: { app: of } },
        spec: { containers: [{ name: 'app', image: 'registry.test/app:1' }] },
      });
    const get = async (name: string) => {
      const found = await admin.get(KINDS.deployment, { name, namespace });
      return (found as unknown as { readonly spec: { readonly replicas: number } }).spec.replicas;
    };
    const ready = (name: string, count: number) => {
      const status = { replicas: count, readyReplicas: count, availableReplicas: count };
      const body = { status };
      return admin.patch(KINDS.deployment, { name, namespace }, body, {
        kind: 'merge',
        subresource: 'status',
      });
    };
    const worker = deploymentWorker({ cluster, namespace, repo });
    return { worker, make, pod, get, ready };
  }

  const labels = { owner: REPO.owner, repository: REPO.name };
  const skip = 'skip' in found ? found.skip : '';

  test('is found by its labels, stopped until its pods are gone, and started as it was', {
    timeout: 60_000,
  }, async (context) => {
    context.skip(start === undefined, skip);
    const { worker, make, pod, get, ready } = await around('by-labels');
    await make('mtr-d-go', labels, 2);
    await make('other', { owner: REPO.owner, repository: 'net' });
    await ready('mtr-d-go', 1);
    await pod('mtr-d-go');
    await pod('other');
    const { state, text } = await settled(() => worker.look());
    expect([state, text]).toEqual([
      { name: 'mtr-d-go', replicas: 2 },
      'Deployment by-labels/mtr-d-go: 2 wanted, 1 ready',
    ]);
    await worker.stop();
    expect([await get('mtr-d-go'), await worker.isStopped()]).toEqual([0, false]);
    await admin.delete(KINDS.pod, { name: 'mtr-d-go-0', namespace: 'by-labels' });
    expect(await worker.isStopped()).toBe(true);
    await worker.start(state);
    expect([await get('mtr-d-go'), await worker.isStarted()]).toEqual([2, true]);
    await ready('mtr-d-go', 0);
    expect(await worker.isStarted()).toBe(false);
    await worker.start({ name: 'mtr-d-go', replicas: 0 });
    expect(await get('mtr-d-go')).toBe(1);
    expect(await get('other')).toBe(1);
  });

  test('whose repository no label can hold is found by its name', { timeout: 60_000 }, async (context) => {
    context.skip(start === undefined, skip);
    const repo = { owner: 'golang', name: '.github' };
    const { worker, make, get } = await around('by-name', repo);
    expect(await settled(() => codeOf(worker.look()), 'missing')).toBe('missing');
    await make(deploymentName('golang/.github'), {});
    await worker.stop();
    expect(await get(deploymentName('golang/.github'))).toBe(0);
  });

  test('of which there are none or two is refused', { timeout: 60_000 }, async (context) => {
    context.skip(start === undefined, skip);
    const { worker, make } = await around('not-one');
    expect(await settled(() => codeOf(worker.look()), 'missing')).toBe('missing');
    await make('a', labels);
    await make('b', labels);
    expect(await codeOf(worker.stop())).toBe('conflict');
  });

  test('a whole reset stops it, makes the log anew, and starts it', { timeout: 60_000 }, async (context) => {
    context.skip(start === undefined, skip);
    const { worker, make, pod, get, ready } = await around('reset');
    await make('mtr-d-go', labels);
    await ready('mtr-d-go', 1);
    await pod('mtr-d-go');
    await settled(() => worker.look());
    const bucket = fileBucket(folder, `bucket-${_.replaceAll(' ', '-')}`);
    const place = { bucket, prefix: 'logs/golang/go/' };
    const old = ['a', 'b', 'c'].map((title, at) => issueMutation(at + 1, { title }));
    const anew = [issueMutation(1, { title: 'a again' })];
    const log = { ...place, folder, segmentBytesMax: 50 };
    await writeLog(log, old);
    let nowMs = NOW_MS;
    const seen: string[] = [];
    // What the controllers of a cluster and the worker itself would do, each time the reset waits.
    const sleep = async (ms: number) => {
      nowMs += ms;
      const wanted = await get('mtr-d-go');
      if (seen.at(-1) !== String(wanted)) seen.push(String(wanted));
      if (wanted === 0) {
        await admin.delete(KINDS.pod, { name: 'mtr-d-go-0', namespace: 'reset' });
        await ready('mtr-d-go', 0);
      } else if ((await payloadsOf(bucket, place.prefix)).length === 0) {
        await writeLog(log, anew);
        await ready('mtr-d-go', 1);
      }
    };
    const ways = { pollMs: 5_000, timeoutMs: 3_600_000, settledMs: 60_000, waitFetch: true };
    const { done } = await resetLog({
      ...{ repo: { owner: 'golang', name: 'go' }, place, worker, sleep },
      ...{ nowMs: () => nowMs, ...ways },
    });
    expect(done.at(-1)).toBe('resume');
    expect(seen).toEqual(['0', '1']);
    expect(await payloadsOf(bucket, place.prefix)).toEqual(hexOf(anew));
  });
});

/** A role that was just given is not known to the server at once. */
async function settled<T>(work: () => Promise<T>, wanted?: T): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      const value = await work();
      if (wanted === undefined || value === wanted || tries > 200) return value;
    } catch (error) {
      if (tries > 200) throw error;
    }
    await delay(50);
  }
}
