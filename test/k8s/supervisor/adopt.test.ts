import { expect, test } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
import { deploymentName } from '../../../pipeline/k8s/supervisor/names.ts';
import { createReconciler } from '../../../pipeline/k8s/supervisor/reconcile.ts';
import { type Fleet, fleet } from './fleet.ts';
import { D, original, podOf, S } from './original.ts';

const signal = new AbortController().signal;

async function taken(): Promise<Fleet & { readonly uids: readonly unknown[] }> {
  const made = await fleet();
  const [deployment, service] = original();
  const uids = [
    made.api.create(KINDS.deployment, deployment, 'sprvsr').metadata.uid,
    made.api.create(KINDS.service, service, 'sprvsr').metadata.uid,
  ];
  made.list.repos = [{ owner: 'foo', name: 'bar' }];
  return { ...made, uids };
}

test('a fleet of the original is taken over in place: nothing of its pods is left, nothing is deleted', async () => {
  const { options, get, names, uids, api } = await taken();
  const reconciler = createReconciler(options);
  const { outcome, done } = await reconciler.pass(signal);
  expect([outcome, [...done].sort()]).toEqual([
    'done',
    [`adopt deployment ${D} (foo/bar)`, `change service ${S} (foo/bar)`],
  ]);
  const [deployment, service] = [get('deployment', D), get('service', S)];
  expect([deployment?.metadata.uid, service?.metadata.uid]).toEqual(uids);
  expect(podOf(deployment).containers.map(({ name }) => name)).toEqual(['sync', 'serve']);
  expect(podOf(deployment).volumes.map(({ name }) => name)).toEqual(['data', 'tmp']);
  expect(service?.spec).toMatchObject({
    ports: [
      { port: 80, targetPort: 'grpc' },
      { port: 8080, targetPort: 'json' },
    ],
  });
  expect([names('deployment'), names('service')]).toEqual([[D], [S]]);
  expect((await reconciler.pass(signal)).done).toEqual([]);
  expect(api.requests.filter(({ verb }) => verb === 'delete')).toEqual([]);
});

test("a worker of the original that is in no list any more is surplus, by the same grace as others'", async () => {
  const { options, list, names, clock } = await taken();
  list.repos = [{ owner: 'foo', name: 'other' }];
  const reconciler = createReconciler(options);
  await reconciler.pass(signal);
  expect(names('deployment')).toContain(D);
  clock.nowMs += 2 * 3_600_000;
  await reconciler.pass(signal);
  expect(names('deployment')).toEqual([deploymentName('foo/other')]);
});

test('a repository that moves into a pack is in one worker at a time', async () => {
  const { options, list, names, get } = await taken();
  list.repos = [
    { owner: 'foo', name: 'bar' },
    { owner: 'foo', name: 'other' },
  ];
  await createReconciler(options).pass(signal);
  const packed = createReconciler({ ...options, packing: { patterns: ['foo/*'], count: 1 } });
  const writers = () =>
    names('deployment').flatMap(
      (name) =>
        JSON.parse(
          get('deployment', name)?.metadata.annotations?.['samovar/repositories'] ?? '[]',
        ) as string[],
    );
  for (let pass = 0; pass < 6; pass += 1) {
    await packed.pass(signal);
    expect(new Set(writers()).size).toBe(writers().length);
  }
  expect(names('deployment')).toEqual(['mtr-pack-0']);
  expect(writers()).toEqual(['foo/bar', 'foo/other']);
  expect(get('service', S)?.spec).toMatchObject({ selector: { app: 'mtr-pack-0' } });
  const single = createReconciler(options);
  for (let pass = 0; pass < 6; pass += 1) {
    await single.pass(signal);
    expect(new Set(writers()).size).toBe(writers().length);
  }
  expect([...names('deployment')].sort()).toEqual([D, deploymentName('foo/other')].sort());
});
