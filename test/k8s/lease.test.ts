import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCluster } from '../../pipeline/k8s/client-node.ts';
import { type Cluster, KINDS } from '../../pipeline/k8s/cluster.ts';
import { type LeaseChange, type Term, whileLeading } from '../../pipeline/k8s/lease.ts';
import { type ApiFault, type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { type VirtualTime, virtualTime } from '../support/virtual-time.ts';

const LEASE = { name: 'supervisor', namespace: 'default' };

let api: KubeApi;
let clusters: Cluster[];
let time: VirtualTime;
let inFlight: number;

beforeEach(async () => {
  api = await startKubeApi();
  clusters = [];
  inFlight = 0;
  time = virtualTime(1_700_000_000_000, () => inFlight);
});
afterEach(async () => {
  for (const cluster of clusters) cluster.close();
  await api.close();
});

/** Time does not pass while a request is under way, unless a test lets it hang. */
function counted(cluster: Cluster, hangs: () => boolean): Cluster {
  const count = <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      inFlight += hangs() ? 0 : 1;
      const isCounted = !hangs();
      try {
        return await call(...args);
      } finally {
        inFlight -= isCounted ? 1 : 0;
      }
    };
  };
  return { ...cluster, get: count(cluster.get), create: count(cluster.create), patch: count(cluster.patch) };
}

interface Candidate {
  readonly changes: LeaseChange['type'][];
  readonly errors: unknown[];
  readonly terms: Term[];
  readonly stop: AbortController;
  readonly finish: () => void;
  readonly done: Promise<void>;
  readonly fail: (error: Error) => void;
  hangs: boolean;
  leads(): boolean;
}

async function candidate(identity: string, around: { steadyMs?: () => number } = {}): Promise<Candidate> {
  const cluster = await openCluster({ kubeconfig: api.kubeconfig });
  clusters.push(cluster);
  const stop = new AbortController();
  const changes: LeaseChange['type'][] = [];
  const errors: unknown[] = [];
  const terms: Term[] = [];
  let end = { finish: () => {}, fail: (_: Error) => {} };
  const one = { hangs: false };
  const done = whileLeading(
    {
      cluster: counted(cluster, () => one.hangs),
      ...LEASE,
      identity,
      nowMs: time.nowMs,
      steadyMs: around.steadyMs ?? time.nowMs,
      sleep: time.sleep,
      random: () => 0.5,
      signal: stop.signal,
      onChange: ({ type }) => changes.push(type),
      onRetry: (error) => errors.push(error),
    },
    (term) => {
      terms.push(term);
      return new Promise<void>((resolve, reject) => {
        end = { finish: resolve, fail: reject };
        term.signal.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')));
      });
    },
  );
  done.catch(() => {});
  return Object.assign(one, {
    changes,
    errors,
    terms,
    stop,
    done,
    finish: () => end.finish(),
    fail: (error: Error) => end.fail(error),
    leads: () => terms.at(-1)?.leads() ?? false,
  });
}

const holder = () =>
  (api.get(KINDS.lease, LEASE)?.spec as { holderIdentity?: string } | undefined)?.holderIdentity;
const spec = () => api.get(KINDS.lease, LEASE)?.spec;

describe('leader election', () => {
  it('the first leads and goes on leading, the second waits', async () => {
    const one = await candidate('one');
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    const two = await candidate('two');
    await time.advance(120_000);
    expect([one.leads(), two.terms.length, holder()]).toEqual([true, 0, 'one']);
    expect(one.changes).toEqual(['leading']);
    expect(two.changes).toEqual(['waiting']);
    expect(spec()).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 0 });
    for (const each of [one, two]) each.stop.abort();
    await Promise.all([one.done, two.done]);
  });

  it('of ten that begin at once one leads', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, (_, at) => candidate(`c-${at}`)));
    await vi.waitFor(() => expect(all.filter((each) => each.leads())).toHaveLength(1));
    await time.advance(60_000);
    expect(all.filter((each) => each.terms.length > 0)).toHaveLength(1);
    for (const each of all) each.stop.abort();
    await Promise.all(all.map(({ done }) => done));
  });

  it('a leader that is told to stop gives the Lease back, and the next has it at its next look', async () => {
    const one = await candidate('one');
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    const two = await candidate('two');
    await time.advance(5_000);
    one.stop.abort();
    await one.done;
    expect(one.changes).toEqual(['leading', 'released']);
    expect(holder()).toBeUndefined();
    await time.advance(2_500);
    expect(two.leads()).toBe(true);
    expect(spec()).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 });
    two.stop.abort();
    await two.done;
  });

  it('a renewal that is under way at the end, or a label, does not keep the Lease from being given back', async () => {
    const one = await candidate('one');
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    api.edit(KINDS.lease, LEASE, (draft) =>
      Object.assign(draft.metadata as object, { labels: { seen: 'yes' } }),
    );
    one.stop.abort();
    await one.done;
    expect(one.changes).toEqual(['leading', 'released']);
    expect(holder()).toBeUndefined();
  });

  it('work that is done gives the Lease back; work that fails does too, and its error is told', async () => {
    const one = await candidate('one');
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    one.finish();
    await one.done;
    expect(holder()).toBeUndefined();
    const two = await candidate('two');
    await vi.waitFor(() => expect(two.leads()).toBe(true));
    two.fail(new Error('no coffee'));
    await expect(two.done).rejects.toThrow('no coffee');
    expect(holder()).toBeUndefined();
  });

  it('a killed leader is followed after the duration, and not before', async () => {
    api.create(KINDS.lease, {
      metadata: LEASE,
      spec: { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: '2001-01-01T00:00:00.000000Z' },
    });
    const two = await candidate('two');
    // Its own times are long past, but by whose clock?
    await time.advance(14_000);
    expect(two.terms).toHaveLength(0);
    await time.advance(4_000);
    expect([two.leads(), holder()]).toEqual([true, 'two']);
    two.stop.abort();
    await two.done;
  });

  it.each([
    ['answers 503', () => api.setFaults(() => ({ status: 503 })), false],
    ['breaks connections', () => api.setFaults(() => 'reset'), false],
    ['answers nothing', () => api.setFaults(() => 'hang'), true],
    ['refuses the right', () => api.setDenies(() => true), false],
  ] as const)('a leader whose server %s stops leading before another may', async (_, trouble, hangs) => {
    const one = await candidate('one');
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    await time.advance(5_000);
    one.hangs = hangs;
    trouble();
    await time.advance(7_000);
    expect(one.leads()).toBe(true);
    await time.advance(4_000);
    expect(one.leads()).toBe(false);
    expect(one.terms[0]?.signal.aborted).toBe(true);
    expect(one.changes).toEqual(['leading', 'lost']);
    expect(one.errors.length).toBeGreaterThan(0);
    api.setFaults(undefined);
    api.setDenies(undefined);
    one.hangs = false;
    await time.advance(30_000);
    expect(one.leads()).toBe(true);
    one.stop.abort();
    await one.done;
  });

  it('trouble shorter than that is nothing', async () => {
    const one = await candidate('one');
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    // An answer is lost after the change was made, then the server fails, and later it breaks.
    const faults: readonly (ApiFault | undefined)[] = [
      'reset-after',
      undefined,
      undefined,
      { status: 500 },
      undefined,
      'reset',
    ];
    api.setFaults((_, n) => faults[n % faults.length]);
    await time.advance(150_000);
    expect(one.changes).toEqual(['leading']);
    expect(one.errors.length).toBeGreaterThan(10);
    one.stop.abort();
    await one.done;
  });

  it('a Lease that somebody took or deleted is lost at the next look', async () => {
    const one = await candidate('one');
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    api.edit(KINDS.lease, LEASE, (draft) => Object.assign(draft.spec as object, { holderIdentity: 'thief' }));
    await time.advance(2_500);
    expect(one.changes.slice(0, 2)).toEqual(['leading', 'lost']);
    api.remove(KINDS.lease, LEASE);
    await time.advance(5_000);
    expect([one.leads(), holder()]).toEqual([true, 'one']);
    api.remove(KINDS.lease, LEASE);
    await time.advance(5_000);
    expect(one.terms).toHaveLength(3);
    one.stop.abort();
    await one.done;
  });

  it('a label that somebody writes on it changes nothing', async () => {
    const one = await candidate('one');
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    api.edit(KINDS.lease, LEASE, (draft) =>
      Object.assign(draft.metadata as object, { labels: { seen: 'yes' } }),
    );
    await time.advance(30_000);
    expect(one.changes).toEqual(['leading']);
    expect(api.get(KINDS.lease, LEASE)?.metadata.labels).toEqual({ seen: 'yes' });
    one.stop.abort();
    await one.done;
  });

  it('a process that was frozen for longer than it may lead knows it at once', async () => {
    let frozenMs = 0;
    const one = await candidate('one', { steadyMs: () => time.nowMs() + frozenMs });
    await vi.waitFor(() => expect(one.leads()).toBe(true));
    frozenMs = 11_000;
    expect(one.leads()).toBe(false);
    await time.advance(2_500);
    expect(one.changes).toContain('lost');
    one.stop.abort();
    await one.done;
  });

  it('times that cannot work are refused', async () => {
    const cluster = await openCluster({ kubeconfig: api.kubeconfig });
    clusters.push(cluster);
    const given = {
      cluster,
      ...LEASE,
      identity: 'x',
      nowMs: time.nowMs,
      sleep: time.sleep,
      random: Math.random,
    };
    const { signal } = new AbortController();
    const run = (times: object) => whileLeading({ ...given, signal, ...times }, async () => {});
    await expect(run({ durationMs: 5_000 })).rejects.toMatchObject({ code: 'config' });
    await expect(run({ retryMs: 9_000 })).rejects.toMatchObject({ code: 'config' });
    await expect(run({ identity: '' })).rejects.toMatchObject({ code: 'config' });
  });
});
