import { describe, expect, test } from 'vitest';
import { SamovarError } from '../../../pipeline/errors.ts';
import { KINDS, type Kind } from '../../../pipeline/k8s/cluster.ts';
import type { Policy } from '../../../pipeline/k8s/idler/contract.ts';
import { type IdlerOptions, idlerLoop, idlerPass } from '../../../pipeline/k8s/idler/idler.ts';
import { IDLEABLE_SELECTOR, OURS } from '../../../pipeline/k8s/idling/marks.ts';
import { everyNth } from '../../support/kube-api.ts';
import {
  createApp,
  createWorkload,
  idleAsOriginal,
  metadataOf,
  NS,
  runPods,
  specOf,
  type World,
  world,
} from '../idling/apps.ts';

const HOUR_MS = 3_600_000;
const IDLEABLE = { 'mojanalytics.xyz/idleable': 'true' };
const LIMITED = { workload: IDLEABLE, resources: { limits: { cpu: '500m' } } };

function options(policy: Partial<Policy>, more: Partial<IdlerOptions> = {}): IdlerOptions {
  const redirect = { externalName: 'unidler.default.svc.cluster.local', port: 80 };
  const all = { awakeMsMin: 0, ...policy };
  return { selector: IDLEABLE_SELECTOR, redirect, dryRun: false, policy: all, ...more };
}

function measure({ api }: World, name: string, cpu: string, at = 1): void {
  api.create(KINDS.podMetrics, {
    metadata: { name: `${name}-${at}`, namespace: NS, labels: { app: name, tier: 'front' } },
    containers: [{ name: 'app', usage: { cpu, memory: '1Mi' } }],
  });
}

const ALWAYS = { sleepAt: '0 0 * * *' };

describe('a pass', () => {
  test('idles as the original does, so that any unidler wakes it', async () => {
    const made = await world();
    createApp(made, 'web', LIMITED);
    measure(made, 'web', '4000000n');
    const report = await idlerPass(options({ cpuPercentMax: 10 }), made.hands);
    expect(report).toMatchObject({
      idled: [{ app: 'shop/web', why: 'it uses 0.8 % of its CPU' }],
      failed: [],
    });
    expect(specOf(made, KINDS.deployment, 'web').replicas).toBe(0);
    expect(metadataOf(made, KINDS.deployment, 'web')).toMatchObject({
      labels: { 'mojanalytics.xyz/idled': 'true' },
      annotations: {
        'mojanalytics.xyz/idled-at': '2026-11-20T22:00:00+00:00',
        'mojanalytics.xyz/replicas-when-unidled': '2',
      },
    });
    expect(specOf(made, KINDS.service, 'web')).toMatchObject({
      type: 'ExternalName',
      externalName: 'unidler.default.svc.cluster.local',
    });
    // Nothing is left to do.
    expect(await idlerPass(options(ALWAYS), made.hands)).toMatchObject({ idled: [], kept: [], failed: [] });
  });

  test('by CPU of all its pods, and never where that cannot be told', async () => {
    const made = await world();
    for (const name of ['busy', 'quiet', 'unmeasured']) createApp(made, name, LIMITED);
    createApp(made, 'unlimited', { workload: IDLEABLE });
    measure(made, 'busy', '1m');
    measure(made, 'busy', '200m', 2);
    measure(made, 'quiet', '10m');
    measure(made, 'quiet', '30000u', 2);
    measure(made, 'unlimited', '1m');
    const report = await idlerPass(options({ cpuPercentMax: 10 }), made.hands);
    expect(report.idled).toEqual([{ app: 'shop/quiet', why: 'it uses 4.0 % of its CPU' }]);
    expect(report.kept).toMatchObject([
      { app: 'shop/busy', why: 'it uses 20.1 % of its CPU' },
      { app: 'shop/unlimited', why: 'a container of it has neither limit nor request of CPU' },
      { app: 'shop/unmeasured', why: 'no pod of it has been measured' },
    ]);
  });

  test('dry, it says the same and touches nothing', async () => {
    const made = await world();
    createApp(made, 'web', LIMITED);
    const report = await idlerPass(options(ALWAYS, { dryRun: true }), made.hands);
    expect(report).toMatchObject({ dryRun: true, idled: [{ app: 'shop/web' }] });
    expect(made.api.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('what is labelled to stay, or unlabelled, or leads nowhere, stays', async () => {
    const made = await world({ namespaces: [NS] });
    createApp(made, 'stays', { workload: { ...IDLEABLE, [OURS.stay]: 'true' } });
    createApp(made, 'unlabelled');
    createWorkload(made.api, 'worker', { workload: IDLEABLE });
    const group = { [OURS.group]: 'pair' };
    createApp(made, 'front', { workload: { ...IDLEABLE, ...group } });
    createWorkload(made.api, 'back', { workload: { ...group, [OURS.stay]: 'true' } });
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report.idled).toEqual([]);
    expect(report.kept.map(({ app, why }) => `${app}: ${why}`)).toEqual([
      'shop/pair: Deployment shop/back is labelled to stay awake',
      'shop/stays: Deployment shop/stays is labelled to stay awake',
      'shop/worker: no Service leads to it: no visitor could wake it',
    ]);
  });

  test('whose Service leads to others too, stays', async () => {
    const made = await world();
    createApp(made, 'web', { workload: IDLEABLE, service: { selector: { tier: 'front' } } });
    createWorkload(made.api, 'other');
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report.kept).toMatchObject([
      { app: 'shop/web', why: 'its Service also leads to Deployment shop/other' },
    ]);
  });

  test('a namespace can be labelled too', async () => {
    const made = await world();
    createApp(made, 'web', LIMITED);
    made.api.edit(KINDS.namespace, { name: NS }, (draft) => {
      Object.assign(draft.metadata as object, { labels: { [OURS.stay]: 'true' } });
    });
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report.kept).toMatchObject([{ app: 'shop/web', why: 'its namespace is labelled to stay awake' }]);
  });

  test('a label that comes in the last moment is seen, and the Service comes back', async () => {
    const made = await world();
    createApp(made, 'web', LIMITED);
    const before = specOf(made, KINDS.service, 'web');
    made.api.setFaults(({ verb, kind }) => {
      if (verb === 'patch' && kind?.kind === 'Service')
        made.api.edit(KINDS.deployment, { name: 'web', namespace: NS }, (draft) => {
          (draft.metadata as { labels: Record<string, string> }).labels[OURS.stay] = 'true';
        });
      return undefined;
    });
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report).toMatchObject({
      idled: [],
      kept: [{ why: 'Deployment shop/web is labelled to stay awake' }],
    });
    expect(specOf(made, KINDS.deployment, 'web').replicas).toBe(2);
    expect(specOf(made, KINDS.service, 'web')).toEqual(before);
  });

  test('a group goes as one, what is woken first last, a StatefulSet by its scale', async () => {
    const made = await world();
    const workload = { ...IDLEABLE, [OURS.group]: 'pair' };
    createApp(made, 'web', { workload, annotations: { [OURS.order]: '2' } });
    createWorkload(made.api, 'db', {
      ...{ workload, kind: KINDS.statefulSet, replicas: 3, annotations: { [OURS.order]: '1' } },
    });
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report.idled.map(({ app }) => app)).toEqual(['shop/pair']);
    expect(specOf(made, KINDS.statefulSet, 'db').replicas).toBe(0);
    const deeds = made.api.requests
      .filter(({ verb }) => verb === 'patch')
      .map(({ kind, subresource = '' }) => `${kind?.kind} ${subresource}`);
    expect(deeds).toEqual(['Service ', 'Deployment ', 'StatefulSet ', 'StatefulSet scale']);
  });

  test('one that fails keeps no other from it, and stays as it was', async () => {
    const made = await world();
    createApp(made, 'broken', LIMITED);
    createApp(made, 'web', LIMITED);
    const before = specOf(made, KINDS.service, 'broken');
    made.api.setFaults(({ verb, kind, name }) =>
      verb === 'patch' && kind?.kind === 'Deployment' && name === 'broken' ? { status: 403 } : undefined,
    );
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report.idled.map(({ app }) => app)).toEqual(['shop/web']);
    expect(report.failed.map(({ app }) => app)).toEqual(['shop/broken']);
    expect(specOf(made, KINDS.service, 'broken')).toEqual(before);
  });

  test('a StatefulSet that cannot be scaled is not left marked as asleep', async () => {
    const made = await world();
    createApp(made, 'web', { ...LIMITED, kind: KINDS.statefulSet });
    const before = specOf(made, KINDS.service, 'web');
    made.api.setFaults(({ subresource }) => (subresource === 'scale' ? { status: 403 } : undefined));
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report.failed.map(({ app }) => app)).toEqual(['shop/web']);
    expect(metadataOf(made, KINDS.statefulSet, 'web').labels).not.toHaveProperty(['mojanalytics.xyz/idled']);
    expect(specOf(made, KINDS.service, 'web')).toEqual(before);
    made.api.setFaults(undefined);
    expect(await idlerPass(options(ALWAYS), made.hands)).toMatchObject({ idled: [{ app: 'shop/web' }] });
  });

  test('what an unidler left marked and awake is mended, and can sleep again', async () => {
    const made = await world();
    const group = { workload: { ...IDLEABLE, [OURS.group]: 'pair' } };
    for (const name of ['web', 'waking']) createApp(made, name, LIMITED);
    for (const name of ['first', 'second']) createApp(made, name, group);
    for (const name of ['waking', 'second']) idleAsOriginal(made, name);
    for (const name of ['web', 'waking', 'first'])
      made.api.edit(KINDS.deployment, { name, namespace: NS }, (draft) => {
        const { metadata, spec } = draft as unknown as Record<'metadata' | 'spec', Record<string, unknown>>;
        spec.replicas = 2;
        metadata.labels = { ...(metadata.labels as object), 'mojanalytics.xyz/idled': 'true' };
      });
    const dry = await idlerPass(options(ALWAYS, { dryRun: true }), made.hands);
    expect([dry.mended, dry.idled]).toEqual([['Deployment shop/web'], []]);
    expect(made.api.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report).toMatchObject({ mended: ['Deployment shop/web'], idled: [{ app: 'shop/web' }], kept: [] });
    // Their pages are up: somebody wakes them at this moment.
    for (const name of ['waking', 'first'])
      expect(metadataOf(made, KINDS.deployment, name).labels).toHaveProperty(['mojanalytics.xyz/idled']);
  });

  test('what it idled, the original unidler wakes, and it can sleep again', async () => {
    const made = await world();
    createApp(made, 'web', {
      ...LIMITED,
      service: { ports: [{ name: 'http', port: 80, targetPort: 3000 }] },
    });
    await idlerPass(options(ALWAYS), made.hands);
    const at = { name: 'web', namespace: NS };
    const strategic = (kind: Kind, body: object) =>
      made.hands.cluster.patch(kind, at, body, { kind: 'strategic' });
    const marks = ['mojanalytics.xyz/idled-at', 'mojanalytics.xyz/replicas-when-unidled'];
    const count = metadataOf(made, KINDS.deployment, 'web').annotations?.[marks[1] ?? ''];
    await strategic(KINDS.deployment, { spec: { replicas: Number(count) } });
    const annotations = Object.fromEntries(marks.map((name) => [name, null]));
    await strategic(KINDS.deployment, {
      metadata: { annotations, labels: { 'mojanalytics.xyz/idled': null } },
    });
    const ports = [{ port: 80, targetPort: 3000 }];
    const spec = { externalName: null, type: 'ClusterIP', selector: { app: 'web' }, ports };
    await strategic(KINDS.service, { spec });
    expect(specOf(made, KINDS.service, 'web')).toMatchObject({
      ...{ type: 'ClusterIP', selector: { app: 'web' } },
      ports: [{ name: 'http', port: 80, targetPort: 3000 }],
    });
    expect(specOf(made, KINDS.deployment, 'web').replicas).toBe(2);
    expect(await idlerPass(options(ALWAYS), made.hands)).toMatchObject({ idled: [{ app: 'shop/web' }] });
  });

  test('an API server that fails every third call is asked again', async () => {
    const made = await world();
    for (const name of ['one', 'two', 'three']) createApp(made, name, LIMITED);
    made.api.setFaults(everyNth(3));
    const report = await idlerPass(options(ALWAYS), made.hands);
    expect(report.idled).toHaveLength(3);
  });
});

describe('rules', () => {
  test('hours: of the workload before those of all, in their time zone', async () => {
    const made = await world();
    createApp(made, 'web', LIMITED);
    createApp(made, 'late', {
      ...LIMITED,
      annotations: { 'samovar/sleep-at': '30 22 * * *', 'samovar/timezone': 'Europe/London' },
    });
    createApp(made, 'odd', { ...LIMITED, annotations: { 'samovar/sleep-at': 'whenever' } });
    const hours = { sleepAt: '0 22 * * 1-5', wakeAt: '0 7 * * 1-5', timezone: 'Europe/London' };
    const report = await idlerPass(options(hours), made.hands);
    expect(report.idled).toEqual([{ app: 'shop/web', why: 'its hours to sleep' }]);
    expect(report.kept).toMatchObject([
      { app: 'shop/late', why: 'its hours to be awake' },
      { app: 'shop/odd', why: expect.stringContaining('"whenever" of Europe/London is no schedule') },
    ]);
    made.clock.ms += 9 * HOUR_MS;
    // A Saturday: Friday's night lasts.
    const saturday = await idlerPass(options(hours), made.hands);
    expect(saturday.idled.map(({ app }) => app)).toEqual(['shop/late']);
  });

  test('requests: by hosts that are counted, by what is noted; and nobody counting is no silence', async () => {
    const made = await world();
    createApp(made, 'used', LIMITED);
    createApp(made, 'unused', LIMITED);
    const noted = new Date(made.clock.ms - HOUR_MS / 2).toISOString();
    createApp(made, 'noted', { ...LIMITED, annotations: { [OURS.lastRequest]: noted } });
    const quiet = { quietMs: HOUR_MS };
    const blind = await idlerPass(options(quiet), made.hands);
    expect(blind.kept.map(({ why }) => why)).toEqual([
      'it had a request 30 min ago',
      'nobody counts its requests',
      'nobody counts its requests',
    ]);
    const activeHosts = async () => new Set(['used.example.org']);
    const report = await idlerPass(options(quiet, { activeHosts }), made.hands);
    expect(report.idled).toEqual([{ app: 'shop/unused', why: 'no request for 60 min' }]);
  });

  test('all that are set must agree, and what was just woken is left awake', async () => {
    const made = await world();
    createApp(made, 'web', LIMITED);
    measure(made, 'web', '1m');
    const policy = { ...ALWAYS, cpuPercentMax: 10, awakeMsMin: HOUR_MS };
    made.clock.ms += HOUR_MS / 2;
    const early = await idlerPass(options(policy), made.hands);
    expect(early.kept).toMatchObject([{ app: 'shop/web', why: 'it was woken or made 30 min ago' }]);
    made.clock.ms += HOUR_MS;
    const later = await idlerPass(options(policy), made.hands);
    expect(later.idled).toEqual([{ app: 'shop/web', why: 'its hours to sleep; it uses 0.2 % of its CPU' }]);
  });

  test('no rule idles nothing', async () => {
    const made = await world();
    createApp(made, 'web', LIMITED);
    const report = await idlerPass(options({}), made.hands);
    expect(report.kept).toMatchObject([{ app: 'shop/web', why: 'no rule says when it may sleep' }]);
  });
});

describe('the loop', () => {
  test('looks at the times of its schedule, and goes on after a pass that failed', async () => {
    const made = await world();
    createApp(made, 'web', LIMITED);
    runPods(made, 'web');
    const passes: string[] = [];
    const hands = {
      ...made.hands,
      sleep: async (ms: number) => {
        made.clock.ms += ms;
      },
    };
    const at = () => new Date(made.clock.ms).toISOString();
    made.api.setFaults(() => ({ status: 403 }));
    await idlerLoop(
      options(ALWAYS),
      {
        schedule: '15 */6 * * *',
        timezone: 'UTC',
        onFailure: () => {
          passes.push(`failed ${at()}`);
          made.api.setFaults(undefined);
        },
        onReport: ({ idled }) => {
          passes.push(`${idled.length} idled ${at()}`);
          made.stop.abort();
        },
      },
      hands,
    );
    expect(passes).toEqual(['failed 2026-11-21T00:15:00.000Z', '1 idled 2026-11-21T06:15:00.000Z']);
  });

  test('without a schedule that is one it does not begin', async () => {
    const made = await world();
    const loop = { schedule: 'often', onReport: () => {}, onFailure: () => {} };
    await expect(idlerLoop(options(ALWAYS), loop, made.hands)).rejects.toThrow(SamovarError);
  });
});
