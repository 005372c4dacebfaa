import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ConnectedCluster, openCluster } from '../../../pipeline/k8s/client-node.ts';
import { KINDS, type Kind, type KubeObject } from '../../../pipeline/k8s/cluster.ts';
import { replicasOf } from '../../../pipeline/k8s/gitops/replicas.ts';
import { idlerPass } from '../../../pipeline/k8s/idler/idler.ts';
import type { Hands } from '../../../pipeline/k8s/idling/change.ts';
import { createKubeEvents } from '../../../pipeline/k8s/idling/kube-events.ts';
import { IDLEABLE_SELECTOR, OURS } from '../../../pipeline/k8s/idling/marks.ts';
import { whileLeading } from '../../../pipeline/k8s/lease.ts';
import { deploymentName, type Repo } from '../../../pipeline/k8s/supervisor/names.ts';
import { deploymentOf } from '../../../pipeline/k8s/supervisor/objects.ts';
import { startSupervisor } from '../../../pipeline/k8s/supervisor/supervisor.ts';
import { createWaker } from '../../../pipeline/k8s/unidler/waker.ts';
import { type KubeApiserver, kubeApiserverOrSkip, startKubeApiserver } from '../../support/kube-apiserver.ts';
import { D, original } from '../supervisor/original.ts';
import { ALL, BACKFILL, BASES, build, kubectlMissing, templateOf } from './build.ts';
import { accountOf, grant, kubectl, noting, shippedRights, type Watched } from './rights.ts';

const binaries = kubeApiserverOrSkip();
const missing = 'skip' in binaries ? binaries.skip : kubectlMissing();
const START_MS_MAX = 300_000;
const HOST = 'web.example.org';
const POD = {
  ...{ image: 'samovar', logs: 'gs://logs/all', tokenSecret: 'github-token', tokenKeys: ['token'] },
  replayMs: 1_000,
};

let server: KubeApiserver;
let admin: ConnectedCluster;
beforeEach((context) => {
  if (missing !== undefined) context.skip(missing);
});
beforeAll(async () => {
  if (missing !== undefined || 'skip' in binaries) return;
  server = await startKubeApiserver(binaries);
  admin = await openCluster({ kubeconfig: server.kubeconfig });
}, START_MS_MAX);
afterAll(async () => {
  admin?.close();
  await server?.stop();
}, START_MS_MAX);

const run = (args: readonly string[], input: readonly object[] = []) =>
  kubectl(server.kubeconfig, args, input);
const until = async (holds: () => boolean | Promise<boolean>) => {
  while (!(await holds())) await delay(50);
};

describe('kube-apiserver takes, with strict validation', () => {
  beforeAll(() => {
    if (missing === undefined) run(['create', 'namespace', 'samovar']);
  });

  test.each(ALL)('%s', (place) => {
    const strictly = ['--dry-run=server', '--validate=strict', '-f', '-'];
    const objects = build(place);
    const said = [run(['apply', '--server-side', ...strictly], objects)];
    // A namespace that is there already is created by nobody.
    const others = objects.filter(({ kind }) => kind !== 'Namespace');
    said.push(run(['create', ...strictly], others));
    for (const text of said) {
      expect(text).not.toMatch(/warning|deprecated/i);
      expect(text.trim().split('\n').length).toBeGreaterThanOrEqual(others.length);
    }
  });

  test('every pod where the restricted standard is enforced', () => {
    const name = 'restricted';
    const labels = { 'pod-security.kubernetes.io/enforce': name };
    run(['create', '-f', '-'], [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }]);
    const worker = { name: D, packed: false, repos: [{ owner: 'foo', name: 'bar' }] };
    const all = [...[...BASES, BACKFILL].flatMap(build), deploymentOf(worker, { ...POD, namespace: name })];
    const pods = all.flatMap((manifest, at) => {
      const template = templateOf(manifest as never);
      if (template === undefined) return [];
      const { volumeClaimTemplates = [] } = (manifest.spec ?? {}) as {
        readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
      };
      const claims = volumeClaimTemplates.map(({ metadata }) => ({ name: metadata.name, emptyDir: {} }));
      const spec = { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] };
      return [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-${at}`, namespace: name }, spec }];
    });
    expect(pods.length).toBeGreaterThanOrEqual(BASES.length + 2);
    const creation = ['create', '--dry-run=server', '--validate=strict', '-f', '-'];
    expect(run(creation, pods).trim().split('\n')).toHaveLength(pods.length);
    const rooted = { ...pods[0], spec: { ...pods[0]?.spec, securityContext: {} } };
    expect(() => run(creation, [rooted])).toThrow('violates PodSecurity');
  });
});

describe('with the rights that are shipped, and all of them', () => {
  async function as(base: string, namespace: string) {
    const kubeconfig = grant(server.kubeconfig, base, namespace);
    const cluster = await openCluster({ kubeconfig });
    const watched = noting(cluster);
    const hands: Hands = {
      ...{
        cluster: watched.cluster,
        nowMs: Date.now,
        random: () => 0.5,
        signal: new AbortController().signal,
      },
      sleep: (ms, signal) => delay(Math.min(ms, 100), undefined, signal && { signal }),
    };
    return { ...watched, hands };
  }

  /** Nothing was refused, no right is left over, and others' Secrets are refused. */
  async function expectLeast({ cluster, used, denied }: Watched<ConnectedCluster>, base: string) {
    expect(denied).toEqual([]);
    expect([...used].sort()).toEqual(shippedRights(base));
    await expect(cluster.list(KINDS.secret, { namespace: 'default' })).rejects.toMatchObject({
      code: 'denied',
    });
    await expect(cluster.delete(KINDS.namespace, { name: 'default' })).rejects.toMatchObject({
      code: 'denied',
    });
    cluster.close();
  }

  test('the supervisor keeps a fleet', { timeout: 120_000 }, async () => {
    const base = 'config/k8s/base/supervisor';
    const namespace = 'fleet';
    const own = await as(base, namespace);
    const [deployment, service] = original().map(
      (object): KubeObject => ({ ...object, metadata: { ...object.metadata, namespace } }),
    );
    const doubled = {
      ...deployment,
      spec: { ...(deployment?.spec as object), replicas: 2 },
    };
    await admin.create(KINDS.deployment, doubled as never);
    await admin.create(KINDS.service, service as never);
    const list: { repos: readonly Repo[] } = {
      repos: [
        { owner: 'foo', name: 'bar' },
        { owner: 'foo', name: 'more' },
      ],
    };
    const stop = new AbortController();
    const limits = { graceMs: 0, share: 1, spacingMs: 0, emptyAllowed: false };
    const around = { cluster: own.cluster, nowMs: Date.now, random: () => 0.5, sleep: delayed };
    const { done } = await startSupervisor({
      ...{ ...around, ...POD, namespace, limits, address: '0', everyMs: 300, signal: stop.signal },
      readList: async () => list.repos,
      lead: (work, signal) =>
        whileLeading(
          {
            ...{ ...around, namespace, name: 'samovar-supervisor', identity: hostname(), signal },
            steadyMs: () => performance.now(),
          },
          (term) => work(term.signal),
        ),
      log: {
        report: () => undefined,
        step: () => undefined,
        watchFailed: () => undefined,
        leads: () => undefined,
      },
    });
    const get = (name: string) => admin.get(KINDS.deployment, { name, namespace });
    await until(async () => (await get(deploymentName('foo/more'))) !== undefined);
    await until(async () => JSON.stringify(await get(D)).includes('mutation-log'));
    list.repos = [{ owner: 'foo', name: 'bar' }];
    await until(async () => (await get(deploymentName('foo/more'))) === undefined);
    stop.abort();
    await done;
    expect(own.denied).toEqual([]);
    const elsewhere = { namespace: 'default', labels: 'maintner-sprvsr-autogen=true' };
    await expect(own.cluster.list(KINDS.deployment, elsewhere)).rejects.toMatchObject({ code: 'denied' });
    const other = { name: 'other', namespace };
    await expect(own.cluster.get(KINDS.lease, other)).rejects.toMatchObject({ code: 'denied' });
    own.denied.length = 0;
    await expectLeast(own, base);
  });

  test('idler and unidler send an app to sleep and wake it', { timeout: 120_000 }, async () => {
    const [idler, unidler] = ['config/k8s/base/idler', 'config/k8s/base/unidler'] as const;
    const { specOf, arise } = await app('apps');
    const sleeping = await as(idler, 'idler');
    const events = (component: string, hands: Hands) =>
      createKubeEvents({ component, timeoutMs: 10_000, log: () => undefined }, hands);
    const report = await idlerPass(
      {
        selector: IDLEABLE_SELECTOR,
        policy: { sleepAt: '0 0 * * *', awakeMsMin: 0 },
        redirect: { externalName: 'unidler.default.svc.cluster.local', port: 80 },
        dryRun: false,
        onIdled: ({ workloads }) =>
          events('samovar-idler', sleeping.hands).note(workloads, { reason: 'Idled', message: 'x' }),
      },
      sleeping.hands,
    );
    expect(report).toMatchObject({ kept: [], idled: [{ app: 'apps/web' }], failed: [] });
    expect(await specOf(KINDS.statefulSet)).toMatchObject({ replicas: 0 });
    // Asked for where the policy looks at CPU; no metrics server is here to answer.
    const resourceAttributes = { group: 'metrics.k8s.io', resource: 'pods', verb: 'list' };
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: `system:serviceaccount:idler:${accountOf(idler)}`, resourceAttributes },
    };
    expect(run(['create', '-o', 'jsonpath={.status.allowed}', '-f', '-'], [review])).toBe('true');
    sleeping.used.add('list metrics.k8s.io/pods');
    await expectLeast(sleeping, idler);

    const waking = await as(unidler, 'unidler');
    const kept = { wakesMax: 10, keptMs: { success: 0, error: 0 } };
    const noted = events('samovar-unidler', waking.hands);
    const waker = createWaker(
      { deadlineMs: 60_000, tickMs: 100, log: () => undefined, ...kept },
      waking.hands,
    );
    const wake = waker.wake(HOST);
    await arise();
    await wake.done;
    expect(wake.events.at(-1)).toEqual({ type: 'success', text: 'Ready' });
    expect(await specOf(KINDS.statefulSet)).toMatchObject({ replicas: 2 });
    const object = await admin.get(KINDS.deployment, { name: 'web', namespace: 'apps' });
    if (object !== undefined)
      await noted.note([{ kind: KINDS.deployment, object }], { reason: 'Unidled', message: 'x' });
    const { items } = await admin.list(KINDS.event, { namespace: 'apps' });
    // The server has events of its own: its repair loop, when it looks at a Service that is just changing its type.
    const ours = items.filter(({ reportingComponent }) => String(reportingComponent).startsWith('samovar-'));
    expect(new Set(ours.map(({ reason }) => reason))).toEqual(new Set(['Idled', 'Unidled']));
    await expectLeast(waking, unidler);
  });

  test('the bot tells how many replicas there are', async () => {
    const base = 'config/k8s/base/gitops';
    const own = await as(base, 'bot');
    const { signal } = new AbortController();
    expect(await replicasOf(own.cluster, 'web', { namespace: 'bot', signal })).toMatch('no Deployment web');
    await admin.create(KINDS.deployment, workload('bot', 'web'));
    const found = { wanted: 2, ready: 0 };
    expect(await replicasOf(own.cluster, 'web', { namespace: 'bot', signal })).toEqual(found);
    expect(own.denied).toEqual([]);
    const denied = { name: 'web', namespace: 'default' };
    await expect(own.cluster.get(KINDS.deployment, denied)).rejects.toMatchObject({ code: 'denied' });
    own.denied.length = 0;
    await expectLeast(own, base);
  });
});

async function delayed(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal && { signal }).catch(() => undefined);
}

function workload(namespace: string, name: string, more: object = {}) {
  const labels = { app: 'web', host: HOST, 'mojanalytics.xyz/idleable': 'true', [OURS.group]: 'web' };
  return {
    metadata: { name, namespace, labels },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'app', image: 'registry.test/app:1' }] },
      },
      ...more,
    },
  };
}

/** One app of a Deployment and a StatefulSet, with an autoscaler; what controllers would do is done by hand. */
async function app(namespace: string) {
  const at = { name: 'web', namespace };
  const metadata = { ...at, labels: { app: 'web', host: HOST } };
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const http = { paths: [{ path: '/', pathType: 'Prefix', backend }] };
  const spec = { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] };
  await admin.create(KINDS.namespace, { metadata: { name: namespace } });
  await admin.create(KINDS.ingress, { metadata, spec: { rules: [{ host: HOST, http }] } });
  await admin.create(KINDS.service, { metadata, spec });
  await admin.create(KINDS.deployment, workload(namespace, 'web'));
  await admin.create(KINDS.statefulSet, workload(namespace, 'web', { serviceName: 'web' }));
  const specOf = async (kind: Kind) => (await admin.get(kind, at))?.spec as Record<string, unknown>;
  const arise = async () => {
    const counts = { replicas: 2, readyReplicas: 2, availableReplicas: 2 };
    for (const kind of [KINDS.deployment, KINDS.statefulSet]) {
      await until(async () => Number((await specOf(kind)).replicas) > 0);
      // Later than the unidler looks for the first time: it watches.
      await delay(300);
      const status = { observedGeneration: 99, updatedReplicas: 2, ...counts };
      await admin.patch(kind, at, { status }, { kind: 'merge', subresource: 'status' });
    }
    await until(async () => (await specOf(KINDS.service)).type !== 'ExternalName');
    await delay(300);
    await admin.create(KINDS.endpointSlice, {
      metadata: { name: 'web-1', namespace, labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [],
      endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
    });
  };
  return { specOf, arise };
}
