import { expect, it } from 'vitest';
import { KINDS } from '../../pipeline/k8s/cluster.ts';
import { codeOf, deployment, service, versionOf } from '../support/kube-objects.ts';
import type { Around } from './cluster.ts';

export function testApply(around: () => Around): void {
  const ours = { manager: 'ours', force: false } as const;

  it('makes what is not there, and changes nothing when it is as it should be', async () => {
    const { cluster, namespace } = around();
    const wanted = deployment(namespace, 'applied');
    const first = await cluster.apply(KINDS.deployment, wanted, ours);
    expect(first).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 } });
    const again = await cluster.apply(KINDS.deployment, wanted, ours);
    expect(versionOf(again)).toBe(versionOf(first));
  });

  it("removes what is no longer wanted, and leaves others' alone", async () => {
    const { cluster, namespace } = around();
    const name = { name: 'shared', namespace };
    const meta = (labels: Record<string, string>, annotations = {}) => ({
      metadata: { ...name, labels, annotations },
    });
    await cluster.apply(KINDS.configMap, { ...meta({ a: '1', b: '2' }), data: { x: '1', y: '2' } }, ours);
    await cluster.patch(
      KINDS.configMap,
      name,
      { metadata: { labels: { c: '3' } }, data: { z: '3' } },
      { kind: 'merge' },
    );
    const object = await cluster.apply(KINDS.configMap, { ...meta({ a: '1' }), data: { x: '1' } }, ours);
    expect(object.metadata.labels).toEqual({ a: '1', c: '3' });
    expect(object.data).toEqual({ x: '1', z: '3' });
  });

  it('another manager has a field: refused, unless forced', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'fought', namespace };
    const wanted = deployment(namespace, 'fought');
    await cluster.apply(KINDS.deployment, { ...wanted, spec: { ...wanted.spec, replicas: 2 } }, ours);
    await cluster.setScale(KINDS.deployment, name, 7);
    const back = { ...wanted, spec: { ...wanted.spec, replicas: 2 } };
    expect(await codeOf(cluster.apply(KINDS.deployment, back, ours))).toBe('conflict 409');
    await expect(cluster.apply(KINDS.deployment, back, ours)).rejects.toThrow(
      /conflict with "samovar".*\.spec\.replicas/s,
    );
    const forced = await cluster.apply(KINDS.deployment, back, { ...ours, force: true });
    expect(forced).toMatchObject({ spec: { replicas: 2 } });
    await cluster.setScale(KINDS.deployment, name, 7);
    const silent = await cluster.apply(KINDS.deployment, wanted, ours);
    expect(silent).toMatchObject({ spec: { replicas: 7 } });
  });

  it('drift of an image is repaired, a container beside it is left alone', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'drifted', namespace };
    const wanted = deployment(namespace, 'drifted');
    await cluster.apply(KINDS.deployment, wanted, ours);
    const containers = [
      { name: 'app', image: 'evil:1' },
      { name: 'side', image: 'side:1' },
    ];
    const body = { spec: { template: { spec: { containers } } } };
    await cluster.patch(KINDS.deployment, name, body, { kind: 'strategic' });
    const repaired = await cluster.apply(KINDS.deployment, wanted, { ...ours, force: true });
    const { template } = repaired.spec as {
      template: { spec: { containers: { name: string; image: string }[] } };
    };
    const images = Object.fromEntries(template.spec.containers.map(({ name: each, image }) => [each, image]));
    expect(images).toEqual({ app: 'registry.test/app:1', side: 'side:1' });
  });

  it('ports of a Service are replaced one by one', async () => {
    const { cluster, namespace } = around();
    await cluster.apply(
      KINDS.service,
      service(namespace, 'ported', [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ]),
      ours,
    );
    const object = await cluster.apply(
      KINDS.service,
      service(namespace, 'ported', [{ name: 'a', port: 90 }]),
      ours,
    );
    const { ports } = object.spec as { ports: { name: string; port: number }[] };
    expect(ports.map(({ name, port }) => [name, port])).toEqual([['a', 90]]);
  });

  it('a dry run tells what would be, and does nothing', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'tried', namespace };
    const made = await cluster.apply(KINDS.deployment, deployment(namespace, 'tried'), {
      ...ours,
      dryRun: true,
    });
    expect(made.metadata.uid).toBeDefined();
    expect(await cluster.get(KINDS.deployment, name)).toBeUndefined();
    await cluster.apply(KINDS.deployment, deployment(namespace, 'tried'), ours);
    const would = await cluster.apply(KINDS.deployment, deployment(namespace, 'tried', 'other:2'), {
      ...ours,
      dryRun: true,
    });
    expect(would).toMatchObject({
      metadata: { generation: 2 },
      spec: { template: { spec: { containers: [{ image: 'other:2' }] } } },
    });
    expect(await cluster.get(KINDS.deployment, name)).toMatchObject({ metadata: { generation: 1 } });
  });
}
