import { expect, it } from 'vitest';
import { KINDS, type Kind } from '../../pipeline/k8s/cluster.ts';
import { codeOf, deployment, service } from '../support/kube-objects.ts';
import type { Around } from './cluster.ts';

const TIME = '2024-05-06T07:08:09.123456Z';

/** What each kind asks for, as far as the modules write it. */
export function testKinds(around: () => Around): void {
  it('a Lease has times with microseconds, and is taken and given back by merging', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'lease', namespace };
    const spec = { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: TIME, leaseTransitions: 0 };
    const made = await cluster.create(KINDS.lease, { metadata: name, spec });
    expect(made.spec).toEqual(spec);
    const free = await cluster.patch(
      KINDS.lease,
      name,
      { spec: { holderIdentity: null } },
      { kind: 'merge' },
    );
    expect(free.spec).not.toHaveProperty('holderIdentity');
    const wrong = (body: object) =>
      codeOf(cluster.patch(KINDS.lease, name, { spec: body }, { kind: 'merge' }));
    expect(await wrong({ leaseDurationSeconds: 0 })).toBe('refused 422');
    expect(await wrong({ leaseTransitions: -1 })).toBe('refused 422');
    expect(await wrong({ renewTime: 'yesterday' })).toMatch(/^refused 4/);
  });

  it('a StatefulSet is scaled by its subresource', async () => {
    const { cluster, namespace } = around();
    const { metadata, spec } = deployment(namespace, 'stateful');
    const made = await cluster.create(KINDS.statefulSet, {
      metadata,
      spec: { ...spec, serviceName: 'stateful' },
    });
    expect(made).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 } });
    await cluster.setScale(KINDS.statefulSet, metadata, 3);
    expect(await cluster.scale(KINDS.statefulSet, metadata)).toEqual({ wanted: 3, there: 0 });
    expect(await cluster.get(KINDS.statefulSet, metadata)).toMatchObject({ metadata: { generation: 2 } });
  });

  it('an autoscaler has bounds that fit, and least one replica', async () => {
    const { cluster, namespace } = around();
    const scaler = (name: string, bounds: object) => ({
      metadata: { name, namespace },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' }, ...bounds },
    });
    const made = await cluster.create(KINDS.autoscaler, scaler('auto', { maxReplicas: 5 }));
    expect(made.spec).toMatchObject({ minReplicas: 1, maxReplicas: 5 });
    const wrong = (bounds: object) => codeOf(cluster.create(KINDS.autoscaler, scaler('wrong', bounds)));
    expect(await wrong({ minReplicas: 6, maxReplicas: 5 })).toBe('refused 422');
    expect(await wrong({ minReplicas: 0, maxReplicas: 5 })).toBe('refused 422');
    expect(await wrong({ minReplicas: 1 })).toBe('refused 422');
  });

  it('an Ingress is found by its labels in all namespaces', async () => {
    const { cluster, namespace } = around();
    const rules = [
      {
        host: 'app.test',
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'app', port: { number: 80 } } } },
          ],
        },
      },
    ];
    const labels = { host: 'app.test' };
    const made = await cluster.create(KINDS.ingress, {
      metadata: { name: 'app', namespace, labels },
      spec: { rules },
    });
    expect(made).toMatchObject({ metadata: { generation: 1 }, spec: { rules } });
    const { items } = await cluster.list(KINDS.ingress, { labels: 'host=app.test' });
    expect(items.map(({ metadata }) => metadata)).toMatchObject([{ name: 'app', namespace }]);
  });

  it('EndpointSlices are found by the Service they are of, and are replaced whole', async () => {
    const { cluster, namespace } = around();
    const labels = { 'kubernetes.io/service-name': 'app' };
    const slice = (ready: boolean) => ({
      metadata: { name: 'app-1', namespace, labels },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready } }],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    });
    await cluster.create(KINDS.endpointSlice, slice(false));
    const { endpoints } = slice(true);
    const ready = await cluster.patch(
      KINDS.endpointSlice,
      { name: 'app-1', namespace },
      { endpoints },
      { kind: 'merge' },
    );
    expect(ready.endpoints).toMatchObject([{ addresses: ['10.1.2.3'], conditions: { ready: true } }]);
    const { items } = await cluster.list(KINDS.endpointSlice, {
      namespace,
      labels: 'kubernetes.io/service-name=app',
    });
    expect(items).toHaveLength(1);
    const empty = { ...slice(true), metadata: { name: 'app-2', namespace }, endpoints: [{ addresses: [] }] };
    expect(await codeOf(cluster.create(KINDS.endpointSlice, empty))).toBe('refused 422');
  });

  it('an Event is about something of its namespace, by which it is found', async () => {
    const { cluster, namespace } = around();
    const event = (name: string, of: string) => ({
      metadata: { name, namespace },
      involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'app', namespace: of },
      reason: 'Unidled',
      message: 'woken',
      type: 'Normal',
      count: 1,
      firstTimestamp: '2024-05-06T07:08:09Z',
      lastTimestamp: '2024-05-06T07:08:09Z',
      source: { component: 'unidler' },
    });
    await cluster.create(KINDS.event, event('app.1', namespace));
    const { items } = await cluster.list(KINDS.event, {
      namespace,
      fields: 'involvedObject.name=app,reason=Unidled',
    });
    expect(items).toMatchObject([{ message: 'woken' }]);
    expect(await codeOf(cluster.create(KINDS.event, event('app.2', 'elsewhere')))).toBe('refused 422');
  });

  it('a Pod begins as Pending, and is found by its phase', async () => {
    const { cluster, namespace } = around();
    const spec = { containers: [{ name: 'app', image: 'registry.test/app:1' }] };
    const metadata = { name: 'pod', namespace, labels: { app: 'pod' } };
    const made = await cluster.create(KINDS.pod, { metadata, spec });
    expect(made).toMatchObject({ status: { phase: 'Pending' }, spec: { restartPolicy: 'Always' } });
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await cluster.patch(KINDS.pod, metadata, { status }, { kind: 'merge', subresource: 'status' });
    const found = (phase: string) =>
      cluster.list(KINDS.pod, { namespace, labels: 'app=pod', fields: `status.phase=${phase}` });
    expect((await found('Running')).items).toMatchObject([{ status }]);
    expect((await found('Pending')).items).toEqual([]);
  });

  it('a name, a label or a key that cannot be is refused by the server', async () => {
    const { cluster, namespace } = around();
    const made = (metadata: object, kind: Kind = KINDS.configMap) =>
      codeOf(cluster.create(kind, { metadata: { name: 'odd', namespace, ...metadata } }));
    expect(await made({ labels: { a: 'x'.repeat(64) } })).toBe('refused 422');
    expect(await made({ labels: { 'a/b/c': 'x' } })).toBe('refused 422');
    expect(await made({ labels: { a: 'x y' } })).toBe('refused 422');
    expect(await made({ annotations: { a: 'x'.repeat(262_145) } })).toBe('refused 422');
    // A Service's name becomes one of DNS.
    const wrong = { ...service(namespace, '1st', [{ port: 80 }]) };
    expect(await codeOf(cluster.create(KINDS.service, wrong))).toBe('refused 422');
    expect(
      await codeOf(
        cluster.create(KINDS.configMap, { metadata: { name: 'keyed', namespace }, data: { 'a b': '1' } }),
      ),
    ).toBe('refused 422');
  });

  it('what has a finalizer stays until that is gone', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'final', namespace };
    await cluster.create(KINDS.configMap, {
      metadata: { ...name, finalizers: ['samovar.test/keep'] } as never,
    });
    expect(await cluster.delete(KINDS.configMap, name)).toBe(true);
    const going = await cluster.get(KINDS.configMap, name);
    expect(going?.metadata.deletionTimestamp).toMatch(/^\d{4}-/);
    await cluster.patch(KINDS.configMap, name, { metadata: { finalizers: null } }, { kind: 'merge' });
    expect(await cluster.get(KINDS.configMap, name)).toBeUndefined();
  });

  it('a Service keeps its address until it is turned away, and a port is no larger than ports are', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'addressed', namespace };
    await cluster.create(KINDS.service, service(namespace, 'addressed', [{ port: 80 }]));
    const patch = (spec: object) => cluster.patch(KINDS.service, name, { spec }, { kind: 'merge' });
    expect(await codeOf(patch({ clusterIP: '10.0.77.77' }))).toBe('refused 422');
    expect(await codeOf(patch({ ports: [{ port: 70_000 }] }))).toBe('refused 422');
    expect(await codeOf(patch({ ports: [] }))).toBe('refused 422');
    expect(await codeOf(patch({ type: 'ExternalName' }))).toBe('refused 422');
    expect(await codeOf(patch({ type: 'Sideways' }))).toBe('refused 422');
  });

  it('fields that a kind does not have, and values of another type, are refused in each way of writing', async () => {
    const { cluster, namespace } = around();
    const wanted = deployment(namespace, 'misspelt');
    const name = wanted.metadata;
    const unknown = { replica: 3 };
    const misspelt = { ...wanted, spec: { ...wanted.spec, ...unknown } };
    const typed = { ...wanted, spec: { ...wanted.spec, replicas: '3' } };
    await expect(cluster.create(KINDS.deployment, misspelt)).rejects.toThrow(/unknown field "spec\.replica"/);
    expect(await codeOf(cluster.create(KINDS.deployment, misspelt))).toBe('refused 400');
    expect(await codeOf(cluster.create(KINDS.deployment, typed))).toBe('refused 400');
    const apply = (object: typeof wanted) =>
      cluster.apply(KINDS.deployment, object, { manager: 'ours', force: true });
    await expect(apply(misspelt)).rejects.toThrow(/spec\.replica: field not declared in schema/);
    // Servers say 500, which would be tried again for ever.
    expect(await codeOf(apply(misspelt))).toBe('refused 500');
    await cluster.create(KINDS.deployment, wanted);
    for (const kind of ['merge', 'strategic'] as const) {
      await expect(cluster.patch(KINDS.deployment, name, { spec: unknown }, { kind })).rejects.toThrow(
        /unknown field "spec\.replica"/,
      );
      const wrong = cluster.patch(KINDS.deployment, name, { spec: { replicas: '3' } }, { kind });
      expect(await codeOf(wrong)).toBe('refused 422');
    }
    const add = [{ op: 'add', path: '/spec/replica', value: 3 }];
    expect(await codeOf(cluster.patch(KINDS.deployment, name, add, { kind: 'json' }))).toBe('refused 422');
  });

  it('what is said of a refused patch does not hold the object, which may be a secret', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'secret', namespace };
    const data = { password: Buffer.from('open sesame').toString('base64') };
    await cluster.create(KINDS.secret, { metadata: name, data });
    for (const kind of ['merge', 'strategic'] as const) {
      const wrong = cluster.patch(KINDS.secret, name, { data: { more: data.password }, dat: {} }, { kind });
      const error = await wrong.then(
        () => new Error('it was taken'),
        (cause: Error) => cause,
      );
      expect(error.message).toMatch(/unknown field "dat"/);
      expect(error.message).not.toContain(data.password);
    }
  });
}
