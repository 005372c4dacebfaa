import { expect, it } from 'vitest';
import { KINDS, type KubeObject } from '../../pipeline/k8s/cluster.ts';
import { codeOf, deployment, service, versionOf } from '../support/kube-objects.ts';
import type { Around } from './cluster.ts';

export function testPatches(around: () => Around): void {
  it('merge: null removes, lists are replaced whole', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'merged', namespace };
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ];
    await cluster.create(KINDS.service, service(namespace, 'merged', ports));
    const body = {
      metadata: { labels: { app: null, more: 'x' } },
      spec: { ports: [{ port: 90, targetPort: 9000 }] },
    };
    const object = await cluster.patch(KINDS.service, name, body, { kind: 'merge' });
    expect(object.metadata.labels).toEqual({ more: 'x' });
    expect(object.spec).toMatchObject({ ports: [{ port: 90, protocol: 'TCP', targetPort: 9000 }] });
    expect((object.spec as { ports: unknown[] }).ports).toHaveLength(1);
  });

  it('strategic: ports merge by their number, containers and variables by their name', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'strategic', namespace };
    await cluster.create(KINDS.service, service(namespace, 'strategic', [{ name: 'http', port: 8080 }]));
    const clash = { spec: { ports: [{ name: 'http', port: 80 }] } };
    const clashed = cluster.patch(KINDS.service, name, clash, { kind: 'strategic' });
    // The old port stays beside the new one: two of one name.
    expect(await codeOf(clashed)).toBe('refused 422');
    const replaced = {
      spec: { ports: [{ $patch: 'replace' }, { name: 'http', port: 80, targetPort: 3000 }] },
    };
    const object = await cluster.patch(KINDS.service, name, replaced, { kind: 'strategic' });
    expect(object.spec).toMatchObject({ ports: [{ name: 'http', port: 80, targetPort: 3000 }] });

    await cluster.create(KINDS.deployment, deployment(namespace, 'strategic'));
    const patch = (containers: readonly object[]) =>
      cluster.patch(
        KINDS.deployment,
        name,
        { spec: { template: { spec: { containers } } } },
        { kind: 'strategic' },
      );
    await patch([
      {
        name: 'app',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
    ]);
    const more = await patch([
      {
        name: 'app',
        env: [
          { name: 'B', value: '3' },
          { name: 'C', value: '4' },
        ],
      },
      { name: 'side', image: 's:1' },
    ]);
    const containers = containersOf(more);
    expect(containers.map(({ name: each }) => each).sort()).toEqual(['app', 'side']);
    const app = containers.find(({ name: each }) => each === 'app');
    expect(app).toMatchObject({ image: 'registry.test/app:1' });
    const env = app?.env as readonly { name: string; value: string }[];
    expect([...env].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: '3' },
      { name: 'C', value: '4' },
    ]);
    const less = await patch([{ name: 'side', $patch: 'delete' }]);
    expect(containersOf(less).map(({ name: each }) => each)).toEqual(['app']);
  });

  it('strategic: null removes, as the idler and the unidler need it', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'external', namespace };
    await cluster.create(KINDS.service, service(namespace, 'external', [{ name: 'http', port: 80 }]));
    const away = {
      spec: {
        type: 'ExternalName',
        externalName: 'unidler.default.svc.cluster.local',
        selector: null,
        clusterIP: null,
      },
    };
    const idle = await cluster.patch(KINDS.service, name, away, { kind: 'strategic' });
    expect(idle.spec).toMatchObject({
      type: 'ExternalName',
      externalName: 'unidler.default.svc.cluster.local',
    });
    expect(idle.spec).not.toHaveProperty('selector');
    expect(idle.spec).not.toHaveProperty('clusterIP');
    const back = { spec: { type: 'ClusterIP', externalName: null, selector: { app: 'external' } } };
    const live = await cluster.patch(KINDS.service, name, back, { kind: 'strategic' });
    expect(live.spec).toMatchObject({
      type: 'ClusterIP',
      selector: { app: 'external' },
      clusterIP: expect.stringMatching(/^10\./),
    });
    expect(live.spec).not.toHaveProperty('externalName');
  });

  it('json: operations in order, and none of them when a test fails', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'operated', namespace };
    await cluster.create(KINDS.configMap, {
      metadata: { ...name, annotations: { 'a.test/b': 'x' } },
      data: { a: '1' },
    });
    const operations = [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '5' },
      { op: 'remove', path: '/metadata/annotations/a.test~1b' },
      { op: 'add', path: '/data/b', value: '6' },
    ];
    const object = await cluster.patch(KINDS.configMap, name, operations, { kind: 'json' });
    expect(object.data).toEqual({ a: '5', b: '6' });
    expect(object.metadata).not.toHaveProperty('annotations');
    expect(await codeOf(cluster.patch(KINDS.configMap, name, operations, { kind: 'json' }))).toBe(
      'refused 422',
    );
    expect(await cluster.get(KINDS.configMap, name)).toEqual(object);
  });

  it('a version that somebody has overtaken is refused, in each way of patching', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'raced', namespace };
    const first = await cluster.create(KINDS.configMap, { metadata: name });
    const change = (value: string, resourceVersion: string) => ({
      metadata: { resourceVersion },
      data: { value },
    });
    for (const kind of ['merge', 'strategic'] as const) {
      const late = cluster.patch(KINDS.configMap, name, change(kind, versionOf(first)), { kind });
      if (kind === 'merge') await late;
      else expect(await codeOf(late)).toBe('conflict 409');
    }
    const now = await cluster.get(KINDS.configMap, name);
    const current = await cluster.patch(KINDS.configMap, name, change('again', versionOf(now ?? first)), {
      kind: 'strategic',
    });
    expect(current.data).toEqual({ value: 'again' });
  });

  it('a change of spec is a new generation; of labels or status it is none; what changes nothing makes no version', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'counted', namespace };
    await cluster.create(KINDS.deployment, deployment(namespace, 'counted'));
    const patch = (body: object, subresource?: 'status') =>
      cluster.patch(KINDS.deployment, name, body, { kind: 'merge', ...(subresource && { subresource }) });
    expect((await patch({ spec: { replicas: 2 } })).metadata.generation).toBe(2);
    expect((await patch({ metadata: { labels: { a: 'b' } } })).metadata.generation).toBe(2);
    const status = await patch(
      { spec: { replicas: 9 }, status: { replicas: 3, availableReplicas: 1, readyReplicas: 1 } },
      'status',
    );
    expect(status).toMatchObject({
      metadata: { generation: 2 },
      spec: { replicas: 2 },
      status: { availableReplicas: 1 },
    });
    const ignored = await patch({ status: { availableReplicas: 0 } });
    expect(ignored).toMatchObject({ status: { availableReplicas: 1 } });
    expect(versionOf(ignored)).toBe(versionOf(status));
    const annotated = await patch({ metadata: { annotations: { 'a.test/b': 'c' } } });
    expect(annotated.metadata.generation).toBe(3);
  });

  it('the selector of a Deployment stays as it is', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'fixed', namespace };
    await cluster.create(KINDS.deployment, deployment(namespace, 'fixed'));
    const labels = { app: 'other' };
    const body = { spec: { selector: { matchLabels: labels }, template: { metadata: { labels } } } };
    await expect(cluster.patch(KINDS.deployment, name, body, { kind: 'merge' })).rejects.toThrow(
      /field is immutable/,
    );
  });

  it('patching what is not there is missing', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'nobody', namespace };
    for (const kind of ['merge', 'strategic'] as const)
      expect(await codeOf(cluster.patch(KINDS.deployment, name, { spec: { replicas: 1 } }, { kind }))).toBe(
        'missing 404',
      );
  });
}

function containersOf(object: KubeObject): readonly Record<string, unknown>[] {
  const { template } = object.spec as { template: { spec: { containers: Record<string, unknown>[] } } };
  return template.spec.containers;
}
