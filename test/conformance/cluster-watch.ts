import { expect, it } from 'vitest';
import { type Cluster, KINDS, type WatchEvent } from '../../pipeline/k8s/cluster.ts';
import { codeOf } from '../support/kube-objects.ts';
import type { Around } from './cluster.ts';

/** A real server begins anew for it. */
const FORGET_MS_MAX = 300_000;

export function testWatches(around: () => Around): void {
  it('tells what happened since a list, once each, in order', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'watched', namespace };
    const { version } = await cluster.list(KINDS.configMap, { namespace });
    await cluster.create(KINDS.configMap, { metadata: name });
    await cluster.patch(KINDS.configMap, name, { data: { a: '1' } }, { kind: 'merge' });
    await cluster.delete(KINDS.configMap, name);
    const events = await take(cluster, { namespace, version, fields: 'metadata.name=watched' }, 3);
    expect(events.map(({ type }) => type)).toEqual(['added', 'modified', 'deleted']);
    expect(events[1]?.object).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect([...versions].sort((a, b) => a - b)).toEqual(versions);
    expect(new Set(versions).size).toBe(3);
    const rest = await take(
      cluster,
      { namespace, version: String(versions[1]), fields: 'metadata.name=watched' },
      1,
    );
    expect(rest.map(({ type }) => type)).toEqual(['deleted']);
  });

  it('what comes to match is added, what no longer does is deleted', async () => {
    const { cluster, namespace } = around();
    const name = { name: 'labelled', namespace };
    const { version } = await cluster.list(KINDS.configMap, { namespace });
    const set = (labels: object) =>
      cluster.patch(KINDS.configMap, name, { metadata: { labels } }, { kind: 'merge' });
    await cluster.create(KINDS.configMap, { metadata: name });
    await set({ seen: 'yes' });
    await set({ more: 'x' });
    await set({ seen: null });
    await set({ more: 'y' });
    await set({ seen: 'yes' });
    const events = await take(cluster, { namespace, version, labels: 'seen=yes' }, 4);
    expect(events.map(({ type }) => type)).toEqual(['added', 'modified', 'deleted', 'added']);
  });

  it('goes on while nothing happens, and ends when it is told to', async () => {
    const { cluster, namespace } = around();
    const stop = new AbortController();
    const { version } = await cluster.list(KINDS.configMap, { namespace });
    const watching = cluster.watch(KINDS.configMap, { namespace, version, signal: stop.signal });
    const next = watching[Symbol.asyncIterator]().next();
    await cluster.create(KINDS.configMap, { metadata: { name: 'later', namespace } });
    expect((await next).value?.object.metadata.name).toBe('later');
    const after = watching[Symbol.asyncIterator]().next();
    stop.abort();
    expect(await codeOf(after)).toBe('aborted');
  });

  it(
    'from a version that the server no longer has it is a conflict: list anew',
    async () => {
      const { cluster, namespace, forget } = around();
      const old = await cluster.list(KINDS.configMap, { namespace });
      await cluster.create(KINDS.configMap, { metadata: { name: 'before', namespace } });
      await forget();
      await cluster.create(KINDS.configMap, { metadata: { name: 'after', namespace } });
      expect(await codeOf(take(cluster, { namespace, version: old.version }, 1))).toBe('conflict 410');
      const { items, version } = await cluster.list(KINDS.configMap, { namespace });
      expect(items.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(['before', 'after']));
      await cluster.create(KINDS.configMap, { metadata: { name: 'anew', namespace } });
      const [event] = await take(cluster, { namespace, version }, 1);
      expect(event).toMatchObject({ type: 'added', object: { metadata: { name: 'anew' } } });
    },
    FORGET_MS_MAX,
  );
}

interface From {
  readonly namespace: string;
  readonly version: string;
  readonly labels?: string;
  readonly fields?: string;
}

async function take(cluster: Cluster, from: From, count: number): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of cluster.watch(KINDS.configMap, {
    ...from,
    signal: AbortSignal.timeout(20_000),
  })) {
    if (event.type !== 'bookmark') events.push(event);
    if (events.length === count) break;
  }
  return events;
}
