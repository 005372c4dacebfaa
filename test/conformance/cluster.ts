import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCluster } from '../../pipeline/k8s/client-node.ts';
import { type Cluster, KINDS } from '../../pipeline/k8s/cluster.ts';
import { codeOf, deployment, service } from '../support/kube-objects.ts';
import { testApply } from './cluster-apply.ts';
import { testHelpers } from './cluster-helpers.ts';
import { testKinds } from './cluster-kinds.ts';
import { testPatches } from './cluster-patch.ts';
import { testWatches } from './cluster-watch.ts';

/** A real server on a loaded machine. */
const START_MS_MAX = 300_000;

export interface ClusterUnderTest {
  readonly kubeconfig: string;
  /** An empty one. */
  readonly namespace: string;
  /** The server forgets what happened, not what is there. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

export interface Around {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly forget: () => Promise<void>;
}

/** What every API server does, as cluster.ts tells it: the one in memory is right where a real one agrees. */
export function testCluster(name: string, start: () => Promise<ClusterUnderTest>): void {
  describe(`cluster: ${name}`, () => {
    let under: ClusterUnderTest;
    let around: Around;
    beforeAll(async () => {
      under = await start();
      const cluster = await openCluster({ kubeconfig: under.kubeconfig, pageSize: 3 });
      around = { cluster, namespace: under.namespace, forget: () => under.forget() };
    }, START_MS_MAX);
    afterAll(async () => {
      around?.cluster.close();
      await under?.close();
    });
    describe('objects', () => testObjects(() => around));
    describe('kinds', () => testKinds(() => around));
    describe('patches', () => testPatches(() => around));
    describe('apply', () => testApply(() => around));
    describe('watches', () => testWatches(() => around));
    describe('helpers', () => testHelpers(() => around));
  });
}

function testObjects(around: () => Around): void {
  it('what is created is there, with what the server adds, and not twice', async () => {
    const { cluster, namespace } = around();
    const created = await cluster.create(KINDS.deployment, deployment(namespace, 'made'));
    expect(created).toMatchObject({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'made', namespace, generation: 1 },
      spec: { replicas: 1, strategy: { type: 'RollingUpdate' } },
    });
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await cluster.get(KINDS.deployment, { name: 'made', namespace })).toEqual(created);
    const again = cluster.create(KINDS.deployment, deployment(namespace, 'made'));
    expect(await codeOf(again)).toBe('conflict 409');
  });

  it('what is not there is undefined; a namespace that is not there is missing', async () => {
    const { cluster, namespace } = around();
    expect(await cluster.get(KINDS.deployment, { name: 'nobody', namespace })).toBeUndefined();
    expect(await cluster.get(KINDS.namespace, { name: 'nobody' })).toBeUndefined();
    const lost = cluster.create(KINDS.configMap, { metadata: { name: 'lost', namespace: 'nobody' } });
    expect(await codeOf(lost)).toBe('missing 404');
  });

  it('a kind that the server does not have is an error, not an absence', async () => {
    const { cluster, namespace } = around();
    const old = { ...KINDS.ingress, group: 'extensions', version: 'v1beta1' };
    expect(await codeOf(cluster.get(old, { name: 'x', namespace }))).toBe('missing 404');
    expect(await codeOf(cluster.list(old, { namespace }))).toBe('missing 404');
  });

  it('what is wrong is refused with the field it is about', async () => {
    const { cluster, namespace } = around();
    const two = service(namespace, 'two', [{ port: 80 }, { port: 443 }]);
    await expect(cluster.create(KINDS.service, two)).rejects.toThrow(
      /spec\.ports\[0\]\.name: Required value/,
    );
    expect(await codeOf(cluster.create(KINDS.service, two))).toBe('refused 422');
    const wrong = deployment(namespace, 'wrong');
    const other = { ...wrong, spec: { ...wrong.spec, selector: { matchLabels: { app: 'other' } } } };
    await expect(cluster.create(KINDS.deployment, other)).rejects.toThrow(/does not match template `labels`/);
    const negative = { ...wrong, spec: { ...wrong.spec, replicas: -1 } };
    await expect(cluster.create(KINDS.deployment, negative)).rejects.toThrow(/spec\.replicas: Invalid value/);
    expect(await cluster.get(KINDS.deployment, { name: 'wrong', namespace })).toBeUndefined();
  });

  it('a dry run refuses what would be refused, and makes nothing', async () => {
    const { cluster, namespace } = around();
    const made = await cluster.create(KINDS.deployment, deployment(namespace, 'dry'), { dryRun: true });
    expect(made.metadata.name).toBe('dry');
    expect(await cluster.get(KINDS.deployment, { name: 'dry', namespace })).toBeUndefined();
  });

  it('a list has all pages, by labels and fields, and the version to watch from', async () => {
    const { cluster, namespace } = around();
    const names = Array.from({ length: 8 }, (_, at) => `page-${at}`);
    for (const [at, name] of names.entries())
      await cluster.create(KINDS.configMap, {
        metadata: { name, namespace, labels: { set: 'pages', odd: String(at % 2 === 1) } },
      });
    const listed = async (labels: string, fields?: string) => {
      const { items } = await cluster.list(KINDS.configMap, { namespace, labels, ...(fields && { fields }) });
      return items.map(({ metadata }) => metadata.name);
    };
    expect(await listed('set=pages')).toEqual(names);
    expect(await listed('set=pages,odd!=true')).toEqual(['page-0', 'page-2', 'page-4', 'page-6']);
    expect(await listed('set in (pages, books),!none')).toEqual(names);
    expect(await listed('set notin (pages)')).not.toContain('page-0');
    expect(await listed('set', 'metadata.name=page-3')).toEqual(['page-3']);
    const { items, version } = await cluster.list(KINDS.configMap, { labels: 'set=pages' });
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace } });
    expect(version).toMatch(/^\d+$/);
  });

  it('selectors that mean nothing are refused', async () => {
    const { cluster, namespace } = around();
    expect(await codeOf(cluster.list(KINDS.configMap, { namespace, labels: 'a==b==c' }))).toBe('refused 400');
    expect(await codeOf(cluster.list(KINDS.configMap, { namespace, fields: 'data.x=y' }))).toBe(
      'refused 400',
    );
  });

  it('what is deleted is gone; twice is no error; a version that was left behind is one', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'going', namespace };
    const { metadata } = await cluster.create(KINDS.configMap, { metadata: name });
    await cluster.patch(KINDS.configMap, name, { data: { a: '1' } }, { kind: 'merge' });
    const version = metadata.resourceVersion ?? '';
    expect(await codeOf(cluster.delete(KINDS.configMap, name, { version }))).toBe('conflict 409');
    expect(await cluster.delete(KINDS.configMap, name)).toBe(true);
    expect(await cluster.delete(KINDS.configMap, name)).toBe(false);
    expect(await cluster.get(KINDS.configMap, name)).toBeUndefined();
  });

  it('scale is of the subresource', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'scaled', namespace };
    await cluster.create(KINDS.deployment, deployment(namespace, 'scaled'));
    expect(await cluster.scale(KINDS.deployment, name)).toEqual({ wanted: 1, there: 0 });
    await cluster.setScale(KINDS.deployment, name, 5);
    await cluster.patch(
      KINDS.deployment,
      name,
      { status: { replicas: 4 } },
      { kind: 'merge', subresource: 'status' },
    );
    expect(await cluster.scale(KINDS.deployment, name)).toEqual({ wanted: 5, there: 4 });
    await cluster.setScale(KINDS.deployment, name, 0);
    expect(await cluster.scale(KINDS.deployment, name)).toEqual({ wanted: 0, there: 4 });
    const object = await cluster.get(KINDS.deployment, name);
    expect(object).toMatchObject({ metadata: { generation: 3 }, spec: { replicas: 0 } });
    expect(await codeOf(cluster.scale(KINDS.deployment, { name: 'nobody', namespace }))).toBe('missing 404');
    expect(await codeOf(cluster.setScale(KINDS.deployment, name, -1))).toBe('refused 422');
  });

  it('names that are no names are refused before they are sent', async () => {
    const { cluster, namespace } = around();
    for (const name of ['', '..', 'a/b', 'a?b', 'A', '-a', 'a%2fb', 'x'.repeat(254)])
      expect(await codeOf(cluster.get(KINDS.configMap, { name, namespace })), name).toBe('refused');
    for (const wrong of ['', '..', 'a/b', 'a.b', 'x'.repeat(64)]) {
      expect(await codeOf(cluster.get(KINDS.configMap, { name: 'a', namespace: wrong })), wrong).toBe(
        'refused',
      );
      expect(await codeOf(cluster.list(KINDS.configMap, { namespace: wrong })), wrong).toBe('refused');
    }
    expect(await codeOf(cluster.get(KINDS.configMap, { name: 'a' }))).toBe('refused');
  });
}
