import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadRepos } from '../../../pipeline/config/repos.ts';
import { readGitops } from '../../../pipeline/k8s/gitops/config.ts';
import { deploymentOf } from '../../../pipeline/k8s/supervisor/objects.ts';
import {
  ALL,
  BACKFILL,
  BASES,
  build,
  kubectlMissing,
  type Manifest,
  nameOf,
  OVERLAYS,
  type Selector,
  selects,
  templateOf,
} from './build.ts';
import { refusal, understood } from './command-line.ts';
import { podProblems, roleProblems } from './policies.ts';
import { typeProblems } from './types.ts';

const missing = kubectlMissing();
const SETTINGS = JSON.parse(readFileSync('schemas/config/samovar.json', 'utf8')) as {
  readonly properties: Readonly<Record<string, unknown>>;
};
const KNOWN_VARIABLES = new Set([
  ...Object.keys(SETTINGS.properties).map((name) => `SAMOVAR_${name.toUpperCase()}`),
  // The runner's own, and secrets.
  ...['SAMOVAR_STREAM', 'SAMOVAR_API_KEY', 'SAMOVAR_WEBHOOK_SECRET'],
]);
const MODULES = ['cache', 'gitops', 'idler', 'mutation-log', 'pipeline', 'router', 'supervisor', 'unidler'];

beforeEach((context) => {
  if (missing !== undefined) context.skip(missing);
});

test('there is a base for each module and an overlay to begin with and to copy from', () => {
  expect(BASES.map((path) => path.split('/').at(-1)).sort()).toEqual(MODULES);
  expect(OVERLAYS.map((path) => path.split('/').at(-1)).sort()).toEqual(['kind', 'production-example']);
});

describe.each(ALL)('%s', (place) => {
  const of = (...kinds: readonly string[]) => build(place).filter(({ kind }) => kinds.includes(kind));
  const templates = () => build(place).flatMap((manifest) => templateOf(manifest) ?? []);
  const containers = () => templates().flatMap(({ spec }) => spec.containers);

  test('has only what the API knows', () => {
    expect(build(place).length).toBeGreaterThan(0);
    const problems = build(place).flatMap((manifest) =>
      typeProblems(manifest).map((problem) => `${nameOf(manifest)}: ${problem}`),
    );
    expect(problems).toEqual([]);
  });

  test('gives pods as little as they need', () => {
    expect(build(place).flatMap(podProblems)).toEqual([]);
    expect(build(place).flatMap(roleProblems)).toEqual([]);
  });

  test('gives an account a token only where a role is bound to it, and makes every account it names', () => {
    const bound = of('RoleBinding', 'ClusterRoleBinding').flatMap(({ subjects }) =>
      (subjects as readonly { readonly name: string }[]).map(({ name }) => name),
    );
    const made = of('ServiceAccount').map(({ metadata }) => metadata.name);
    for (const { spec } of templates()) {
      expect(spec.automountServiceAccountToken, spec.serviceAccountName).toBe(
        bound.includes(spec.serviceAccountName ?? ''),
      );
      // The backfill is the pipeline's.
      if (place !== BACKFILL) expect(made).toContain(spec.serviceAccountName);
    }
    for (const account of of('ServiceAccount')) expect(account.automountServiceAccountToken).toBe(false);
  });

  test('binds roles to accounts of the namespace they are in', () => {
    const accounts = of('ServiceAccount').map(({ metadata }) => metadata.namespace ?? 'default');
    for (const binding of of('ClusterRoleBinding'))
      expect(accounts).toContain(
        (binding.subjects as readonly { readonly namespace: string }[])[0]?.namespace,
      );
  });

  test('runs one image', () => {
    expect(new Set(containers().map(({ image }) => image)).size).toBe(1);
    const [image] = containers().map((container) => container.image);
    const told = containers().flatMap(({ env = [] }) => env.filter(({ name }) => name === 'WORKER_IMAGE'));
    for (const { value } of told) expect(value).toBe(image);
  });

  test('asks for what the command line takes', async () => {
    const refused: string[] = [];
    for (const { name, args, command } of containers()) {
      if (command !== undefined) {
        expect(command).toEqual(['/usr/bin/tini', '--', '/app/runner.sh']);
        continue;
      }
      const given = (args ?? []).map((arg) =>
        arg.replace('$(WORKER_IMAGE)', 'samovar').replace(/\$\((\w+)\)/, '0'),
      );
      const why = await refusal(given);
      if (why !== undefined) refused.push(`${name}: ${given.join(' ')}: ${why}`);
    }
    expect(refused).toEqual([]);
  });

  test('sets what there is to set, and gives files that are read', async () => {
    const names = of('ConfigMap').flatMap(({ data }) => Object.keys(data as object));
    const variables = [...names, ...containers().flatMap(({ env = [] }) => env.map(({ name }) => name))];
    const unknown = variables.filter((name) => /^SAMOVAR_/.test(name) && !KNOWN_VARIABLES.has(name));
    expect(unknown).toEqual([]);
    const files = of('ConfigMap').flatMap(({ data }) => Object.entries(data as Record<string, string>));
    for (const [name, text] of files.filter(([file]) => file.endsWith('.yaml'))) {
      const path = join(mkdtempSync(join(tmpdir(), 'samovar-manifests-')), name);
      writeFileSync(path, text);
      const read = name === 'gitops.yaml' ? readGitops(path) : loadRepos(path, async () => '');
      await expect(read).resolves.toBeDefined();
      rmSync(dirname(path), { recursive: true });
    }
  });

  test('guards each pod by a network policy, and selects only pods that are there', () => {
    const labels = [...templates().map(({ metadata }) => metadata.labels), ...workersOf(build(place))];
    const selectors = (kind: string, field: string) =>
      of(kind).map((manifest) => [manifest.metadata.name, manifest.spec?.[field] as Selector] as const);
    const policies = selectors('NetworkPolicy', 'podSelector');
    const chosen = [...policies, ...selectors('PodDisruptionBudget', 'selector')];
    for (const [name, selector] of chosen)
      expect(
        labels.filter((each) => selects(selector, each)),
        name,
      ).not.toEqual([]);
    for (const service of of('Service'))
      expect(labels.some((each) => selects({ matchLabels: service.spec?.selector as never }, each))).toBe(
        true,
      );
    if (place === BACKFILL) return;
    for (const each of labels)
      expect(
        policies.filter(([, selector]) => selects(selector, each)),
        JSON.stringify(each),
      ).not.toEqual([]);
    for (const { spec } of of('NetworkPolicy')) expect(spec?.policyTypes).toEqual(['Ingress', 'Egress']);
  });

  test('has a budget for what runs on and on, which a drain can meet', () => {
    const budgets = of('PodDisruptionBudget');
    for (const manifest of of('Deployment', 'StatefulSet')) {
      const { labels } = templateOf(manifest)?.metadata ?? { labels: {} };
      const [budget] = budgets.filter(({ spec }) => selects(spec?.selector as Selector, labels));
      const replicas = Number(manifest.spec?.replicas);
      expect(budget?.spec, nameOf(manifest)).toMatchObject(
        replicas === 1 ? { maxUnavailable: 1 } : { minAvailable: 1 },
      );
    }
  });

  test("leads Services to ports that pods have, and lets no policy stand in a Service's way", () => {
    const all = [...templates(), ...workerTemplates(build(place))];
    for (const { metadata, spec } of of('Service')) {
      const pods = all.filter((each) =>
        selects({ matchLabels: spec?.selector as never }, each.metadata.labels),
      );
      const ports = pods.flatMap((pod) => pod.spec.containers.flatMap((each) => each.ports ?? []));
      const allowed = of('NetworkPolicy')
        .filter((policy) =>
          pods.some((pod) => selects(policy.spec?.podSelector as Selector, pod.metadata.labels)),
        )
        .flatMap(({ spec: rules }) => JSON.stringify(rules?.ingress));
      const led = (spec?.ports ?? []) as readonly { readonly targetPort: string }[];
      for (const { targetPort } of led) {
        const port = ports.find(({ name }) => name === targetPort)?.containerPort;
        expect(port, `${metadata.name}: ${targetPort}`).toBeDefined();
        expect(allowed.join(), metadata.name).toContain(`{"port":${port},`);
      }
    }
  });
});

test('what each module says of itself is its own: no two bases make one object', () => {
  const made = BASES.flatMap((place) => build(place).map(nameOf));
  expect(made.filter((name, at) => made.indexOf(name) !== at)).toEqual([]);
});

test("the fleet's workers are asked for their own repositories, and for no others", async () => {
  const [worker] = workerTemplates(build('config/k8s/base/supervisor'));
  for (const { args = [] } of worker?.spec.containers ?? [])
    expect(await understood(args)).toMatchObject({ repositories: ['o/r'] });
  expect(worker?.spec.containers).toHaveLength(2);
});

describe('the checks', () => {
  const good = () =>
    structuredClone(build('config/k8s/base/router').find(({ kind }) => kind === 'Deployment'));
  const changed = (change: (spec: Record<string, never>) => void) => {
    const manifest = good();
    change((templateOf(manifest as Manifest) as unknown as { spec: Record<string, never> }).spec);
    return manifest as Manifest;
  };

  test.each<[string, (spec: Record<string, never>) => void]>([
    ['a misspelt field', (spec) => Object.assign(spec, { container: [] })],
    ['a number for a string', (spec) => Object.assign(spec, { nodeName: 1 })],
    ['a string for a number', (spec) => Object.assign(spec, { terminationGracePeriodSeconds: '30' })],
    ['one for a list', (spec) => Object.assign(spec, { tolerations: {} })],
  ])('see %s', (_, change) => {
    expect(typeProblems(changed(() => undefined))).toEqual([]);
    expect(typeProblems(changed(change))).toHaveLength(1);
  });

  test.each<[string, (spec: Record<string, never>) => void]>([
    ['root', (spec) => Object.assign(spec.securityContext ?? {}, { runAsNonRoot: false })],
    ['no seccomp', (spec) => Object.assign(spec.securityContext ?? {}, { seccompProfile: undefined })],
    [
      'a container that may write',
      (spec) => Object.assign(spec.containers?.[0] ?? {}, { securityContext: {} }),
    ],
    ['no probe', (spec) => Object.assign(spec.containers?.[0] ?? {}, { livenessProbe: undefined })],
    ['no limit', (spec) => Object.assign(spec.containers?.[0] ?? {}, { resources: undefined })],
  ])('see %s', (_, change) => {
    expect(podProblems(changed(() => undefined))).toEqual([]);
    expect(podProblems(changed(change))).not.toEqual([]);
  });

  test.each([
    [{ apiGroups: ['*'], resources: ['pods'], verbs: ['get'] }],
    [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
    [{ apiGroups: [''], resources: ['pods'], verbs: ['*'] }],
  ])('see the right %j', (rule) => {
    const role = { apiVersion: 'x', kind: 'Role', metadata: { name: 'a' }, rules: [rule] };
    expect(roleProblems(role)).not.toEqual([]);
  });

  test.each([
    [['k8s', 'router', '--repo=x']],
    [['k8s', 'rooter']],
    [['cache', 'run', 'more']],
    [['k8s', 'supervisor', '--repos=x']],
    [[]],
  ])('see that %j is no command', async (args) => {
    expect(await refusal(['k8s', 'router'])).toBeUndefined();
    expect(await refusal(args)).toBeDefined();
  });
});

/** Pods that the supervisor makes of a repository. */
function workerTemplates(manifests: readonly Manifest[]) {
  if (!manifests.some(({ metadata }) => metadata.name === 'samovar-fleet')) return [];
  const worker = { name: 'mtr-d-0', packed: false, repos: [{ owner: 'o', name: 'r' }] };
  const options = {
    ...{ namespace: 'samovar', image: 'samovar', logs: 'gs://b/p', tokenSecret: 't', tokenKeys: ['k'] },
    replayMs: 1000,
  };
  return [templateOf(deploymentOf(worker, options) as Manifest)].filter((each) => each !== undefined);
}

function workersOf(manifests: readonly Manifest[]) {
  return workerTemplates(manifests).map(({ metadata }) => metadata.labels);
}
