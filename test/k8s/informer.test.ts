import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCluster } from '../../pipeline/k8s/client-node.ts';
import { type Cluster, KINDS, type KubeObject } from '../../pipeline/k8s/cluster.ts';
import { type Informer, type InformerOptions, startInformer } from '../../pipeline/k8s/informer.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';

let api: KubeApi;
let cluster: Cluster;
let stop: AbortController;
let seen: string[];
let waits: number[];

beforeEach(async () => {
  api = await startKubeApi({ namespaces: ['other'] });
  cluster = await openCluster({ kubeconfig: api.kubeconfig });
  stop = new AbortController();
  seen = [];
  waits = [];
});
afterEach(async () => {
  stop.abort();
  cluster.close();
  await api.close();
});

function start(options: Partial<InformerOptions> = {}): Informer {
  return startInformer({
    cluster,
    kind: KINDS.configMap,
    namespace: 'default',
    onChange: ({ type, object }) => seen.push(`${type} ${object.metadata.name}`),
    // As if the time had passed: how long is what counts.
    sleep: async (ms, signal) => {
      waits.push(ms);
      await new Promise((resolve) => setTimeout(resolve, 1));
      signal?.throwIfAborted();
    },
    random: () => 1,
    signal: stop.signal,
    ...options,
  });
}

const make = (name: string, namespace = 'default') =>
  api.create(KINDS.configMap, { metadata: { name, namespace, labels: { app: name } } });
const label = (name: string) =>
  api.edit(KINDS.configMap, { name, namespace: 'default' }, (draft) =>
    Object.assign(draft, { data: { x: `${Math.random()}` } }),
  );
const remove = (name: string) => api.remove(KINDS.configMap, { name, namespace: 'default' });
const names = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name).sort();
const saw = (expected: readonly string[]) => vi.waitFor(() => expect(seen).toEqual(expected));

describe('informer', () => {
  it('knows what is there, then what changes, of its namespace', async () => {
    make('a');
    make('foreign', 'other');
    const informer = start();
    await informer.synced;
    expect(names(informer.objects())).toEqual(['a']);
    make('b');
    label('a');
    remove('b');
    await saw(['added a', 'added b', 'modified a', 'deleted b']);
    expect(informer.get('a', 'default')?.data).toBeDefined();
    expect(informer.get('b', 'default')).toBeUndefined();
    stop.abort();
    await informer.done;
    expect(api.watches()).toBe(0);
  });

  it.each(['ended', 'broken'] as const)(
    'a watch that is %s is resumed: nothing is missed, nothing told twice',
    async (how) => {
      const informer = start();
      await informer.synced;
      for (let at = 0; at < 5; at += 1) {
        await vi.waitFor(() => expect(api.watches()).toBe(1));
        make(`before-${at}`);
        api.closeWatches(how);
        make(`after-${at}`);
      }
      await saw([0, 1, 2, 3, 4].flatMap((at) => [`added before-${at}`, `added after-${at}`]));
      expect(api.requests.filter(({ verb }) => verb === 'list')).toHaveLength(1);
    },
  );

  it('when the server has forgotten the version it lists anew, and tells what went and came meanwhile', async () => {
    make('stays');
    make('goes');
    make('changes');
    make('comes-back');
    const informer = start();
    await informer.synced;
    await vi.waitFor(() => expect(api.watches()).toBe(1));
    seen.length = 0;
    api.setFaults(({ verb }) => (verb === 'watch' ? { status: 503 } : undefined));
    api.closeWatches();
    remove('goes');
    label('changes');
    remove('comes-back');
    make('comes-back');
    make('new');
    api.expireVersions();
    api.setFaults(undefined);
    const expected = [
      'added comes-back',
      'added new',
      'deleted comes-back',
      'deleted goes',
      'modified changes',
    ];
    await vi.waitFor(() => expect([...seen].sort()).toEqual(expected));
    expect(names(informer.objects())).toEqual(['changes', 'comes-back', 'new', 'stays']);
  });

  it('a bookmark moves the version on: after it nothing has to be listed anew', async () => {
    let marked = 0;
    const informer = start({
      cluster: {
        ...cluster,
        watch: async function* (...args) {
          for await (const event of cluster.watch(...args)) {
            yield event;
            marked += event.type === 'bookmark' ? 1 : 0;
          }
        },
      },
    });
    await informer.synced;
    await vi.waitFor(() => expect(api.watches()).toBe(1));
    make('elsewhere', 'other');
    api.expireVersions();
    api.sendBookmarks();
    await vi.waitFor(() => expect(marked).toBe(1));
    api.closeWatches();
    make('a');
    await saw(['added a']);
    expect(api.requests.filter(({ verb }) => verb === 'list')).toHaveLength(1);
  });

  it('trouble is tried again, later each time, up to a limit', async () => {
    make('a');
    api.setFaults((_, n) => (n <= 10 ? { status: 503 } : undefined));
    const informer = start({ delayMs: { min: 100, max: 5_000 } });
    await informer.synced;
    expect(waits.slice(0, 10)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
  });

  it('a server that says when to come again is believed', async () => {
    api.setFaults((_, n) => (n === 1 ? { status: 429, retryAfterSeconds: 7 } : undefined));
    await start().synced;
    expect(waits[0]).toBe(7_000);
  });

  it('a right that is given later is used; every failure is told', async () => {
    const told: unknown[] = [];
    api.setDenies(() => true);
    const informer = start({ onRetry: (error) => told.push(error) });
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(2));
    expect(told[0]).toMatchObject({ code: 'denied', status: 403 });
    api.setDenies(undefined);
    await informer.synced;
  });

  it('with a server that fails every third call all is seen in the end', async () => {
    api.setFaults((_, n) => (n % 3 === 0 ? 'reset' : undefined));
    const informer = start();
    for (let at = 0; at < 20; at += 1) {
      make(`c-${at}`);
      if (at % 4 === 0) api.closeWatches(at % 8 === 0 ? 'ended' : 'broken');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await vi.waitFor(() => expect(informer.objects()).toHaveLength(20), 20_000);
    expect(new Set(seen).size).toBe(20);
    expect(seen).toHaveLength(20);
  });

  it('what trying again cannot mend ends it', async () => {
    const wrong = start({ labels: 'a==b==c' });
    await expect(wrong.synced).rejects.toMatchObject({ code: 'refused' });
    await expect(wrong.done).rejects.toMatchObject({ code: 'refused' });
    make('a');
    const failing = start({
      onChange: () => {
        throw Object.assign(new Error('a bug of the caller'));
      },
    });
    await expect(failing.done).rejects.toThrow('a bug of the caller');
  });

  it('one that is stopped before it saw anything says so', async () => {
    api.setFaults(() => 'hang');
    const informer = start();
    await vi.waitFor(() => expect(api.requests).toHaveLength(1));
    stop.abort();
    await informer.done;
    await expect(informer.synced).rejects.toMatchObject({ code: 'aborted' });
  });
});
