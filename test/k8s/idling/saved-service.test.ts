import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
import { change } from '../../../pipeline/k8s/idling/change.ts';
import { IDLED_AT, IDLED_LABEL, idledOf, OURS, REPLICAS } from '../../../pipeline/k8s/idling/marks.ts';
import { redirectPatch, restorePatch } from '../../../pipeline/k8s/idling/saved-service.ts';
import { createApp, NS, specOf, world } from './apps.ts';

const TO = { externalName: 'unidler.tools.svc.cluster.local', port: 80 };
const AT = { name: 'web', namespace: NS };

describe('a Service that is idled and woken', () => {
  test.each([
    ['two named ports', {}],
    ['one port without a name', { ports: [{ port: 8080, targetPort: 'http' }] }],
    [
      'session affinity, node ports and UDP',
      {
        type: 'NodePort',
        sessionAffinity: 'ClientIP',
        ports: [
          { name: 'web', port: 80, targetPort: 3000, nodePort: 30080 },
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: 5353, nodePort: 30053 },
        ],
      },
    ],
  ])('is what it was: %s', async (_, service) => {
    const made = await world();
    createApp(made, 'web', { service });
    const before = specOf(made, KINDS.service, 'web');
    await change(KINDS.service, AT, (now) => redirectPatch(now, TO), made.hands);
    const idled = specOf(made, KINDS.service, 'web');
    expect(idled).toMatchObject({ type: 'ExternalName', externalName: TO.externalName });
    expect(idled).not.toHaveProperty('selector');
    const ports = before.ports as { name?: string; port: number; protocol: string }[];
    expect(idled.ports, 'Ingresses still find their port').toEqual(
      ports
        .filter(({ protocol }) => protocol === 'TCP')
        .map(({ name, port, protocol }) => ({ ...(name && { name }), port, protocol, targetPort: 80 })),
    );
    await change(KINDS.service, AT, (now) => restorePatch(now)?.patch, made.hands);
    expect(specOf(made, KINDS.service, 'web')).toEqual(before);
    expect(made.api.get(KINDS.service, AT)?.metadata.annotations ?? {}).toEqual({});
  });

  test('is not idled twice: what was kept stays', async () => {
    const made = await world();
    createApp(made, 'web');
    await change(KINDS.service, AT, (now) => redirectPatch(now, TO), made.hands);
    const once = made.api.get(KINDS.service, AT);
    await change(KINDS.service, AT, (now) => redirectPatch(now, TO), made.hands);
    expect(made.api.get(KINDS.service, AT)).toEqual(once);
  });

  test('is left alone where its owner sends it elsewhere', () => {
    const spec = { type: 'ExternalName', externalName: 'db.example.org' };
    const metadata = { name: 'web', namespace: NS };
    expect(redirectPatch({ metadata, spec }, TO)).toBe(undefined);
    expect(restorePatch({ metadata, spec }, TO.externalName)).toBe(undefined);
    const odd = { ...metadata, annotations: { [OURS.service]: '{"type":"ExternalName"}' } };
    expect(restorePatch({ metadata: odd, spec })).toBe(undefined);
  });

  test('can come back without what was given to another meanwhile', () => {
    const saved = {
      ...{ type: 'NodePort', clusterIP: '10.0.0.7', clusterIPs: ['10.0.0.7'], selector: { app: 'web' } },
      ports: [{ port: 80, nodePort: 30080 }],
    };
    const spec = { type: 'ExternalName', externalName: TO.externalName, ports: [] };
    const annotations = { [OURS.service]: JSON.stringify(saved) };
    const found = restorePatch({ metadata: { name: 'web', annotations }, spec });
    expect(found?.without.spec).toEqual({
      ...{ type: 'NodePort', externalName: null, selector: { app: 'web' } },
      ports: [{ port: 80 }],
    });
  });
});

describe('how a workload was idled', () => {
  const of = (
    annotations: Record<string, string>,
    labels: Record<string, string> = { [IDLED_LABEL]: 'true' },
  ) => idledOf({ metadata: { name: 'web', labels, annotations } });
  const atMs = Date.parse('2018-02-07T11:44:20Z');
  const time = '2018-02-07T11:44:20+00:00';

  test.each([
    [{ [IDLED_AT]: time, [REPLICAS]: '3' }, 3],
    [{ [IDLED_AT]: `${time},4` }, 4],
    [{ [IDLED_AT]: `${time};5` }, 5],
    [{ [IDLED_AT]: time }, 1],
    [{ [IDLED_AT]: time, [REPLICAS]: '0' }, 1],
    [{ [IDLED_AT]: time, [REPLICAS]: '-2' }, 1],
    [{ [IDLED_AT]: time, [REPLICAS]: 'two' }, 1],
  ])('%j is %d', (annotations, replicas) => {
    expect(of(annotations)).toEqual({ atMs, replicas });
  });

  test('without label and annotations it is not', () => {
    expect(of({}, {})).toBe(undefined);
    expect(of({})).toEqual({ atMs: undefined, replicas: 1 });
  });
});
