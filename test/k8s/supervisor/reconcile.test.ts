import { describe, expect, test } from 'vitest';
import { KINDS, type KubeObject } from '../../../pipeline/k8s/cluster.ts';
import { ANNOTATIONS, deploymentName, serviceName } from '../../../pipeline/k8s/supervisor/names.ts';
import { createReconciler } from '../../../pipeline/k8s/supervisor/reconcile.ts';
import { everyNth } from '../../support/kube-api.ts';
import { fleet, HOUR_MS, LIMITS, MINUTE_MS, repos } from './fleet.ts';

const signal = new AbortController().signal;
const FOO = { owner: 'foo', name: 'bar' };
const D = deploymentName('foo/bar');
const S = serviceName('foo/bar');
const AT = { name: D, namespace: 'default' };

async function one(more: Parameters<typeof fleet>[0] = {}) {
  const made = await fleet(more);
  made.list.repos = [FOO];
  const reconciler = createReconciler(made.options);
  return { ...made, reconciler, pass: () => reconciler.pass(signal) };
}

function templateOf(object: KubeObject | undefined): Template {
  return (object as unknown as { readonly spec: { readonly template: Template } }).spec.template;
}

interface Template {
  readonly metadata: KubeObject['metadata'];
  readonly spec: { readonly containers: readonly Container[] };
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly object[];
}

test('a repository gets a Deployment and a Service with the labels of the original; a second pass changes nothing', async () => {
  const { pass, names, get, api } = await one();
  expect(await pass()).toMatchObject({ outcome: 'done', repositories: 1 });
  expect([names('deployment'), names('service')]).toEqual([[D], [S]]);
  const labels = { 'maintner-sprvsr-autogen': 'true', owner: 'foo', repository: 'bar' };
  expect(get('deployment', D)).toMatchObject({
    metadata: { labels: { ...labels, branch: 'master' } },
    spec: { replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: { app: D } } },
  });
  expect(templateOf(get('deployment', D)).metadata.labels).toEqual({ app: D, ...labels });
  expect(get('service', S)).toMatchObject({
    metadata: { labels },
    spec: { selector: { app: D }, type: 'ClusterIP' },
  });
  const before = api.requests.length;
  expect((await pass()).done).toEqual([]);
  expect(api.requests.slice(before).every(({ method }) => method === 'GET')).toBe(true);
});

test('the token is in no argument and in no value: a reference to a key of the Secret', async () => {
  const { pass, get } = await one();
  await pass();
  const containers = templateOf(get('deployment', D)).spec.containers;
  expect(containers.flatMap(({ env }) => env)).toContainEqual({
    name: 'GITHUB_TOKEN',
    valueFrom: { secretKeyRef: { name: 'github', key: expect.stringMatching(/^(one|two|three)$/) } },
  });
  expect(containers.flatMap(({ args }) => args).join(' ')).not.toMatch(/token/i);
});

test('names that labels cannot hold are in annotations, and their objects are found again', async () => {
  const { pass, list, get } = await one();
  list.repos = [{ owner: 'foo', name: '.github', branch: 'release/1' }];
  await pass();
  const made = get('deployment', deploymentName('foo/.github'));
  expect(made?.metadata.labels).not.toHaveProperty('repository');
  expect(made?.metadata.annotations).toMatchObject({
    [ANNOTATIONS.repositories]: '["foo/.github"]',
    [ANNOTATIONS.branch]: 'release/1',
  });
  expect(await pass()).toMatchObject({ outcome: 'done', done: [] });
});

describe('drift', () => {
  test.each([
    ['an image', (spec: Container) => Object.assign(spec, { image: 'evil.test/x' })],
    ['arguments', (spec: Container) => (spec.args as string[]).push('--verbose')],
    ['a variable', (spec: Container) => Object.assign(spec.env[0] ?? {}, { value: 'gs://elsewhere' })],
  ])('of %s by hand is repaired in place', async (_, change) => {
    const { pass, api, get, settle } = await one();
    await pass();
    settle();
    const good = templateOf(get('deployment', D));
    const { uid } = get('deployment', D)?.metadata ?? {};
    api.edit(
      KINDS.deployment,
      AT,
      (draft) => change(templateOf(draft as never).spec.containers[0] as Container),
      'kubectl-edit',
    );
    expect(templateOf(get('deployment', D))).not.toEqual(good);
    expect((await pass()).done).toEqual([`change deployment ${D} (foo/bar)`]);
    expect(templateOf(get('deployment', D))).toEqual(good);
    expect(get('deployment', D)?.metadata.uid).toBe(uid);
  });

  test('a strategy that cannot be mended field by field is replaced', async () => {
    const { pass, api, get } = await one();
    await pass();
    api.edit(
      KINDS.deployment,
      AT,
      (draft) => {
        (draft.spec as { strategy: object }).strategy = {
          type: 'RollingUpdate',
          rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
        };
      },
      'kubectl-edit',
    );
    await pass();
    expect(await pass()).toMatchObject({ outcome: 'done' });
    expect(get('deployment', D)?.spec).toMatchObject({ strategy: { type: 'Recreate' } });
  });

  test('a Service that was deleted is there again', async () => {
    const { pass, api, names } = await one();
    await pass();
    api.remove(KINDS.service, { name: S, namespace: 'default' });
    await pass();
    expect(names('service')).toEqual([S]);
  });

  test('a restart that somebody asked for, and labels of others, stay', async () => {
    const { pass, api, get } = await one();
    await pass();
    api.edit(
      KINDS.deployment,
      AT,
      (draft) => {
        Object.assign((draft as { metadata: { labels: object } }).metadata.labels, { team: 'x' });
        Object.assign(templateOf(draft as never).metadata.annotations ?? {}, {
          'kubectl.kubernetes.io/restartedAt': 'now',
        });
      },
      'kubectl-rollout',
    );
    expect((await pass()).done).toEqual([]);
    expect(get('deployment', D)?.metadata.labels).toMatchObject({ team: 'x' });
  });
});

describe('replicas', () => {
  test('a worker that was scaled to 0 stays so through changes, and is told', async () => {
    const { pass, cluster, get, options } = await one();
    await pass();
    await cluster.setScale(KINDS.deployment, AT, 0);
    expect(await pass()).toMatchObject({ outcome: 'done', done: [], paused: [D] });
    const next = createReconciler({ ...options, image: 'registry.test/samovar:2' });
    expect((await next.pass(signal)).done).toHaveLength(1);
    expect(get('deployment', D)?.spec).toMatchObject({ replicas: 0 });
  });

  test('two of one worker become one: both would write', async () => {
    const { pass, cluster, get } = await one();
    await pass();
    await cluster.setScale(KINDS.deployment, AT, 2);
    expect((await pass()).done).toEqual([`one-replica deployment ${D} (foo/bar)`]);
    expect(get('deployment', D)?.spec).toMatchObject({ replicas: 1 });
  });
});

describe('surplus', () => {
  test('is removed after its grace, the Service too, and never before', async () => {
    const { pass, list, clock, names } = await one();
    list.repos = [FOO, ...repos(1)];
    await pass();
    list.repos = [FOO];
    expect((await pass()).done).toHaveLength(2);
    clock.nowMs += HOUR_MS - 1000;
    expect((await pass()).held).toHaveLength(2);
    expect(names('deployment')).toHaveLength(2);
    clock.nowMs += 2000;
    await pass();
    expect([names('deployment'), names('service')]).toEqual([[D], [S]]);
  });

  test('that is wanted again is no more marked', async () => {
    const { pass, list, clock, get } = await one();
    await pass();
    list.repos = repos(1);
    await pass();
    expect(get('deployment', D)?.metadata.annotations).toHaveProperty([ANNOTATIONS.surplusSince]);
    list.repos = [FOO, ...repos(1)];
    clock.nowMs += 2 * HOUR_MS;
    await pass();
    expect(get('deployment', D)?.metadata.annotations).not.toHaveProperty([ANNOTATIONS.surplusSince]);
    expect(get('service', S)?.metadata.annotations).not.toHaveProperty([ANNOTATIONS.surplusSince]);
  });

  test('of a list that was emptied by mistake is left alone, whatever time passes', async () => {
    const { pass, list, clock, names } = await one();
    list.repos = repos(10);
    await pass();
    list.repos = [];
    for (let hour = 0; hour < 5; hour += 1) {
      clock.nowMs += HOUR_MS;
      const { done, held } = await pass();
      expect([done.length, held.length]).toEqual([0, 20]);
    }
    expect(names('deployment')).toHaveLength(10);
  });

  test('goes a share at a time, with time between', async () => {
    const { pass, list, clock, names } = await one();
    list.repos = repos(40);
    await pass();
    list.repos = repos(1);
    await pass();
    clock.nowMs += HOUR_MS;
    const counts: number[] = [];
    for (let at = 0; at < 4; at += 1) {
      await pass();
      counts.push(names('deployment').length);
      clock.nowMs += 6 * MINUTE_MS;
    }
    expect(counts).toEqual([36, 36, 33, 33]);
  });

  test('that somebody else made is left alone: its label is ours, its name is not', async () => {
    const { pass, api, names } = await one();
    await pass();
    const { metadata, ...rest } = api.get(KINDS.service, { name: S, namespace: 'default' }) ?? ({} as never);
    const spec = { ...(rest.spec as object), clusterIP: undefined, clusterIPs: undefined };
    api.create(KINDS.service, {
      ...rest,
      spec,
      metadata: { name: 'mine', namespace: 'default', labels: metadata.labels },
    });
    expect(await pass()).toMatchObject({ done: [], ignored: ['mine'] });
    expect(names('service')).toContain('mine');
  });
});

test('a list that cannot be read removes nothing; what was read before is kept up meanwhile', async () => {
  const { pass, list, api, clock, names } = await one();
  await pass();
  list.failure = new Error('no such object');
  clock.nowMs += 9 * HOUR_MS;
  api.remove(KINDS.service, { name: S, namespace: 'default' });
  expect(await pass()).toMatchObject({ outcome: 'partly', list: 'no such object' });
  expect(names('service')).toEqual([S]);
  const fresh = createReconciler((await one()).options);
  expect((await fresh.pass(signal)).outcome).toBe('done');
});

test('from none to 200 and back, with an API server that fails every third call', async () => {
  const { pass, list, api, clock, names, settle } = await one({
    limits: { ...LIMITS, share: 0.5, emptyAllowed: true },
  });
  list.repos = repos(200);
  api.setFaults(everyNth(3));
  const until = async (goal: number) => {
    for (let passes = 1; passes <= 60; passes += 1) {
      const { outcome, done } = await pass();
      clock.nowMs += 20 * MINUTE_MS;
      if (
        outcome === 'done' &&
        done.length === 0 &&
        names('deployment').length === goal &&
        names('service').length === goal
      )
        return;
    }
    throw new Error(`${names('deployment').length} Deployments, ${names('service').length} Services`);
  };
  await until(200);
  settle();
  list.repos = [];
  await until(0);
}, 60_000);

describe('a new image', () => {
  test('comes to a share of the fleet at a time, and stops where it does not start', async () => {
    const { list, options, settle, api } = await one();
    list.repos = repos(40);
    await createReconciler(options).pass(signal);
    settle();
    const next = createReconciler({ ...options, image: 'registry.test/samovar:2' });
    const changed = async () => (await next.pass(signal)).done.length;
    expect(await changed()).toBe(4);
    // Not one of them becomes ready.
    expect([await changed(), await changed()]).toEqual([0, 0]);
    settle();
    expect(await changed()).toBe(4);
    expect(api.requests.filter(({ verb }) => verb === 'delete')).toEqual([]);
  });
});

test('a dry run says what a pass would do, and does nothing', async () => {
  const { reconciler, names, api } = await one();
  const { done, dryRun } = await reconciler.pass(signal, { dryRun: true });
  expect([done, dryRun, names('deployment')]).toEqual([
    [`create deployment ${D} (foo/bar)`, `create service ${S} (foo/bar)`],
    true,
    [],
  ]);
  expect(api.requests.every(({ method }) => method === 'GET')).toBe(true);
});
