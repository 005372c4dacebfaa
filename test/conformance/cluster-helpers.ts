import { setTimeout as sleepFor } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { KINDS } from '../../pipeline/k8s/cluster.ts';
import { startInformer } from '../../pipeline/k8s/informer.ts';
import { whileLeading } from '../../pipeline/k8s/lease.ts';
import type { Around } from './cluster.ts';

/** A real server begins anew meanwhile. */
const WAIT = { timeout: 60_000, interval: 100 };
const TEST_MS_MAX = 300_000;

const sleep = async (ms: number, signal?: AbortSignal) => {
  await sleepFor(ms, undefined, signal === undefined ? {} : { signal });
};

/** What is built on the calls. */
export function testHelpers(around: () => Around): void {
  it(
    'one leads, another waits; what the first gives back the second has',
    async () => {
      const { cluster, namespace } = around();
      const told: string[] = [];
      const lead = (identity: string) => {
        const stop = new AbortController();
        const done = whileLeading(
          {
            ...{
              cluster,
              namespace,
              name: 'leader',
              identity,
              retryMs: 100,
              nowMs: Date.now,
              sleep,
              random: Math.random,
            },
            signal: stop.signal,
            onChange: ({ type }) => told.push(`${identity} ${type}`),
          },
          ({ signal }) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        );
        return { stop, done };
      };
      const one = lead('one');
      await vi.waitFor(() => expect(told).toEqual(['one leading']), WAIT);
      const two = lead('two');
      await vi.waitFor(() => expect(told).toEqual(['one leading', 'two waiting']), WAIT);
      one.stop.abort();
      await one.done;
      await vi.waitFor(
        () => expect(told).toEqual(['one leading', 'two waiting', 'one released', 'two leading']),
        WAIT,
      );
      two.stop.abort();
      await two.done;
      const lease = await cluster.get(KINDS.lease, { name: 'leader', namespace });
      expect(lease?.spec).toMatchObject({ leaseTransitions: 1 });
      expect(lease?.spec).not.toHaveProperty('holderIdentity');
    },
    TEST_MS_MAX,
  );

  it(
    'an informer goes on when the server has begun anew',
    async () => {
      const { cluster, namespace, forget } = around();
      const stop = new AbortController();
      const seen: string[] = [];
      const informer = startInformer({
        ...{ cluster, kind: KINDS.configMap, namespace, labels: 'set=informed' },
        ...{ sleep, random: Math.random, signal: stop.signal, delayMs: { min: 20, max: 500 } },
        onChange: ({ type, object }) => seen.push(`${type} ${object.metadata.name}`),
      });
      await informer.synced;
      const make = (name: string) =>
        cluster.create(KINDS.configMap, { metadata: { name, namespace, labels: { set: 'informed' } } });
      await make('i-1');
      await vi.waitFor(() => expect(seen).toEqual(['added i-1']), WAIT);
      await forget();
      await make('i-2');
      await cluster.delete(KINDS.configMap, { name: 'i-1', namespace });
      await vi.waitFor(
        () => expect([...seen].sort()).toEqual(['added i-1', 'added i-2', 'deleted i-1']),
        WAIT,
      );
      expect(informer.objects().map(({ metadata }) => metadata.name)).toEqual(['i-2']);
      stop.abort();
      await informer.done;
    },
    TEST_MS_MAX,
  );
}
