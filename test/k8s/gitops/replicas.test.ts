import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCluster } from '../../../pipeline/k8s/client-node.ts';
import { type Cluster, KINDS, type Kind } from '../../../pipeline/k8s/cluster.ts';
import type { Subject } from '../../../pipeline/k8s/gitops/command.ts';
import { replicaLines, replicasOf } from '../../../pipeline/k8s/gitops/replicas.ts';
import { startKubeApi } from '../../support/kube-api.ts';
import { kubeApiserverOrSkip, startKubeApiserver } from '../../support/kube-apiserver.ts';
import { deployment } from '../../support/kube-objects.ts';
import { configOf } from './bots.ts';

const START_MS_MAX = 300_000;
const RBAC = 'rbac.authorization.k8s.io';
const found = kubeApiserverOrSkip();
const [api, shop] = (await configOf('file:///nowhere')).configs;
if (api === undefined || shop === undefined) throw new Error('two code bases');

interface Server {
  readonly kubeconfig: string;
  /** Of somebody who may do only this. */
  limited(admin: Cluster, namespace: string, rules: readonly object[]): Promise<string>;
  stop(): Promise<void>;
}

async function inMemory(): Promise<Server> {
  const server = await startKubeApi();
  const { kubeconfig } = server;
  const limited = async (_: Cluster, namespace: string, rules: readonly object[]) => {
    const allowed = rules as readonly (typeof RIGHTS)[number][];
    server.setDenies(
      ({ verb, kind, namespace: of }) =>
        of === namespace &&
        !allowed.some(
          ({ resources, verbs }) => resources.includes(kind?.plural ?? '') && verbs.includes(verb),
        ),
    );
    return kubeconfig;
  };
  return { kubeconfig, limited, stop: () => server.close() };
}

async function real(): Promise<Server> {
  if ('skip' in found) throw new Error(found.skip);
  const server = await startKubeApiserver(found);
  const rbac = (plural: string, kind: string): Kind => ({
    ...{ group: RBAC, version: 'v1', plural, kind },
    namespaced: true,
  });
  const limited = async (admin: Cluster, namespace: string, rules: readonly object[]) => {
    const metadata = { name: 'gitops', namespace };
    await admin.create(rbac('roles', 'Role'), { metadata, rules });
    const subjects = [{ kind: 'User', name: 'limited', apiGroup: RBAC }];
    const roleRef = { kind: 'Role', name: 'gitops', apiGroup: RBAC };
    await admin.create(rbac('rolebindings', 'RoleBinding'), { metadata, subjects, roleRef });
    return server.user('limited');
  };
  return { kubeconfig: server.kubeconfig, limited, stop: () => server.stop() };
}

/** All that info needs. */
const RIGHTS = [
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list'] },
  { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: ['list'] },
];

const signal = new AbortController().signal;

describe.each([
  ['in memory', inMemory, ''],
  ['kube-apiserver', real, 'skip' in found ? found.skip : ''],
])('what runs now, on %s', (_, start, skip) => {
  let server: Server;
  let admin: Cluster;
  beforeAll(async () => {
    if (skip !== '') return;
    server = await start();
    admin = await openCluster({ kubeconfig: server.kubeconfig });
  }, START_MS_MAX);
  afterAll(async () => {
    admin?.close();
    await server?.stop();
  }, START_MS_MAX);

  async function around(namespace: string, rules: readonly object[] = RIGHTS) {
    await admin.create(KINDS.namespace, { metadata: { name: namespace } });
    const make = async (name: string, wanted: number, ready: number, labels: Record<string, string> = {}) => {
      const { metadata, spec } = deployment(namespace, name);
      const made = { metadata: { ...metadata, labels }, spec: { ...spec, replicas: wanted } };
      await admin.create(KINDS.deployment, made);
      const status = { replicas: ready, readyReplicas: ready, availableReplicas: ready };
      const how = { kind: 'merge', subresource: 'status' } as const;
      await admin.patch(KINDS.deployment, { name, namespace }, { status }, how);
    };
    const scaled = (name: string, target: string) =>
      admin.create(KINDS.autoscaler, {
        metadata: { name, namespace },
        spec: {
          minReplicas: 2,
          maxReplicas: 7,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
        },
      });
    return {
      make,
      scaled,
      limited: async () =>
        openCluster({ kubeconfig: await server.limited(admin, namespace, rules) }) as Promise<Cluster>,
    };
  }

  const linesOf = (cluster: Cluster, namespace: string, of: Subject, base = api) =>
    replicaLines((name) => replicasOf(cluster, name, { namespace, signal }), base, of);

  test('is wanted, ready and the live bounds, with least rights', { timeout: 60_000 }, async (context) => {
    context.skip(skip !== '', skip);
    const namespace = 'plain';
    const { make, scaled, limited } = await around(namespace);
    await make('api', 5, 4);
    await make('other', 1, 1);
    await scaled('of-other', 'other');
    await scaled('any-name', 'api');
    const cluster = await limited();
    const of = { repo: 'api', stage: 'dev' };
    await agreed(
      () => linesOf(cluster, namespace, of),
      ['\tReplicas: 4 ready of 5 wanted, autoscaler from 2 to 7'],
    );
    cluster.close();
  });

  test('is found by labels, and of each service', { timeout: 60_000 }, async (context) => {
    context.skip(skip !== '', skip);
    const namespace = 'services';
    const { make, limited } = await around(namespace);
    await make('x-1', 2, 2, { 'app.kubernetes.io/name': 'shop-tv-web' });
    await make('x-2', 1, 0, { app: 'shop-tv-cron' });
    const cluster = await limited();
    await agreed(
      () => linesOf(cluster, namespace, { repo: 'shop', stage: 'prod', project: 'tv' }, shop),
      ['\tReplicas of shop-tv-cron: 0 ready of 1 wanted', '\tReplicas of shop-tv-web: 2 ready of 2 wanted'],
    );
    const one = { repo: 'shop', stage: 'dev', project: 'tv', service: 'web' };
    expect(await linesOf(cluster, namespace, one, shop)).toEqual(['\tReplicas: 2 ready of 2 wanted']);
    const none = { ...one, project: 'radio' };
    expect(await linesOf(cluster, namespace, none, shop)).toEqual([
      `\tReplicas: unknown, there is no Deployment shop-radio-web in the namespace services`,
    ]);
    cluster.close();
  });

  test('is said to be unknown where it may not be read', { timeout: 60_000 }, async (context) => {
    context.skip(skip !== '', skip);
    const { make, limited } = await around('denied', RIGHTS.slice(0, 1));
    await make('api', 1, 1);
    const cluster = await limited();
    const [line] = await linesOf(cluster, 'denied', { repo: 'api', stage: 'dev' });
    expect(line).toMatch(/^\tReplicas: unknown, .*(cannot|forbidden)/s);
    cluster.close();
  });
});

test('is said to be unknown where no server answers', async () => {
  const server = await startKubeApi();
  const cluster = await openCluster({ kubeconfig: server.kubeconfig, timeoutMs: 2_000 });
  await server.close();
  expect(await replicasOf(cluster, 'api', { namespace: 'default', signal })).toMatch(/cannot|refused/i);
  cluster.close();
});

/** A role that was just given is not known to the server at once. */
async function agreed(look: () => Promise<readonly string[]>, wanted: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await look()).join() === wanted.join()) break;
    await delay(50);
  }
  expect(await look()).toEqual(wanted);
}
