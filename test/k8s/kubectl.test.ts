import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openKubectl, selectorOf } from '../../pipeline/k8s/kubectl.ts';
import { deploymentWorker } from '../../pipeline/k8s/worker.ts';
import { tempFolder } from '../support/temp.ts';
import { type FakeDeployment, startCluster } from './api-server.ts';

const folder = tempFolder();
afterEach(() => {
  vi.unstubAllEnvs();
});

const options = { namespace: 'workers', timeoutMs: 20_000 };

function hasKubectl(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const worker = (over: Partial<FakeDeployment> = {}): FakeDeployment => ({
  name: 'mtr-d-go',
  labels: { owner: 'golang', repository: 'go' },
  selector: { app: 'mtr-d-go' },
  ...{ replicas: 1, ready: 1, pods: 1 },
  ...over,
});

/** A cluster, and a kubectl that finds it. */
async function clusterOf(...deployments: FakeDeployment[]) {
  const cluster = await startCluster(deployments);
  const config = join(folder, `kubeconfig-${new URL(cluster.url).port}`);
  const named = [{ name: 'fake', cluster: { server: cluster.url } }];
  const contexts = [{ name: 'fake', context: { cluster: 'fake', user: 'me', namespace: 'default' } }];
  const users = [{ name: 'me', user: { token: 'none' } }];
  const text = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    clusters: named,
    contexts,
    users,
  };
  writeFileSync(config, JSON.stringify(text));
  vi.stubEnv('KUBECONFIG', config);
  vi.stubEnv('HOME', folder);
  return cluster;
}

describe.skipIf(!hasKubectl() && process.env.CI !== 'true')('kubectl (needs kubectl)', () => {
  test('finds a Deployment by its labels, and its pods', async () => {
    const other = worker({
      name: 'other',
      selector: { app: 'other' },
      labels: { owner: 'golang', repository: 'net' },
    });
    await clusterOf(worker({ replicas: 2, pods: 3 }), other);
    const kubectl = openKubectl(options);
    const found = await kubectl.find({ owner: 'golang', repository: 'go' });
    const wanted = {
      namespace: 'workers',
      name: 'mtr-d-go',
      replicas: 2,
      ready: 1,
      selector: 'app=mtr-d-go',
    };
    expect(found).toEqual([wanted]);
    expect(await kubectl.pods(wanted)).toBe(3);
    expect(await kubectl.find({ owner: 'nobody' })).toEqual([]);
  });

  test('stops a worker, waits for its pods, and starts as many as there were', async () => {
    const cluster = await clusterOf(worker({ replicas: 2, pods: 2 }));
    const [deployment] = cluster.deployments as [FakeDeployment];
    const controlled = deploymentWorker(openKubectl(options), { owner: 'golang', name: 'go' });
    const { state, text } = await controlled.look();
    expect([state, text]).toEqual([
      { name: 'mtr-d-go', replicas: 2 },
      'Deployment workers/mtr-d-go: 2 wanted, 1 ready',
    ]);
    await controlled.stop();
    expect([deployment.replicas, await controlled.isStopped()]).toEqual([0, false]);
    deployment.pods = 0;
    expect(await controlled.isStopped()).toBe(true);
    await controlled.start(state);
    expect(deployment.replicas).toBe(2);
    await controlled.start({ name: 'mtr-d-go', replicas: 0 });
    expect(deployment.replicas).toBe(1);
    expect(await controlled.isStarted()).toBe(true);
  });

  test('tells a refusal from a server that is not there', async () => {
    const cluster = await clusterOf(worker());
    cluster.refuse = 403;
    await expect(openKubectl(options).find({ owner: 'golang' })).rejects.toMatchObject({ code: 'denied' });
    const config = join(folder, 'nowhere');
    const clusters = [{ name: 'fake', cluster: { server: 'http://127.0.0.1:9' } }];
    const contexts = [{ name: 'fake', context: { cluster: 'fake', user: 'me' } }];
    writeFileSync(config, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters, contexts }));
    vi.stubEnv('KUBECONFIG', config);
    await expect(
      openKubectl({ ...options, kubeContext: 'fake' }).find({ owner: 'golang' }),
    ).rejects.toMatchObject({ code: 'network' });
  });
});

describe('a worker', () => {
  const deployments = (count: number) => ({
    where: 'a test',
    find: async () =>
      Array.from({ length: count }, () => ({
        namespace: 'n',
        name: 'd',
        replicas: 1,
        ready: 1,
        selector: 'a=b',
      })),
    scale: async () => undefined,
    pods: async () => 0,
  });

  test.each([
    [0, 'missing'],
    [2, 'conflict'],
  ])('of which there are %i is refused', async (count, code) => {
    const controlled = deploymentWorker(deployments(count), { owner: 'o', name: 'r' });
    await expect(controlled.look()).rejects.toMatchObject({ code });
  });
});

describe('what is given to kubectl', () => {
  test('is no option, and what Kubernetes takes as a label', () => {
    expect(selectorOf({ owner: 'golang', repository: 'go.dev_x' })).toBe('owner=golang,repository=go.dev_x');
    for (const value of ['.github', '-o', 'a,b=c', 'a b', 'x'.repeat(64)])
      expect(() => selectorOf({ owner: value })).toThrow('cannot be a value of the label owner');
    expect(() => openKubectl({ ...options, namespace: '--all-namespaces' })).toThrow('cannot be a namespace');
    expect(() => openKubectl({ ...options, kubeContext: '-v9' })).toThrow('cannot be a context');
  });
});

describe('a program that is not kubectl', () => {
  let garbage = '';
  beforeAll(() => {
    garbage = join(folder, 'garbage');
    writeFileSync(garbage, '#!/bin/sh\necho no list\n');
    chmodSync(garbage, 0o755);
  });

  test('is told apart', async () => {
    await expect(openKubectl({ ...options, command: garbage }).find({ a: 'b' })).rejects.toMatchObject({
      code: 'malformed',
    });
    const missing = openKubectl({ ...options, command: join(folder, 'not-there') });
    await expect(missing.find({ a: 'b' })).rejects.toMatchObject({ code: 'config' });
  });

  test('is ended with the run', async () => {
    const slow = join(folder, 'slow');
    writeFileSync(slow, '#!/bin/sh\nexec sleep 60\n');
    chmodSync(slow, 0o755);
    const stop = new AbortController();
    const found = openKubectl({ ...options, command: slow }).find({ a: 'b' }, { signal: stop.signal });
    stop.abort();
    await expect(found).rejects.toMatchObject({ code: 'aborted' });
  });
});
