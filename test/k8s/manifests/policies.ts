import { type Container, type Manifest, nameOf, type PodTemplate, templateOf } from './build.ts';

const NOBODY = 65_532;

/** What keeps a pod from being as small a risk as it can be: one line for each thing. */
export function podProblems(manifest: Manifest): readonly string[] {
  const template = templateOf(manifest);
  if (template === undefined) return [];
  const { spec } = template;
  const pod = spec.securityContext ?? {};
  const wrong = (holds: boolean, what: string) => (holds ? [] : [`${nameOf(manifest)}: ${what}`]);
  return [
    ...wrong(pod.runAsNonRoot === true, 'may run as root'),
    ...wrong(pod.runAsUser === NOBODY && pod.runAsGroup === NOBODY, 'runs as another user than the image'),
    ...wrong(JSON.stringify(pod.seccompProfile) === '{"type":"RuntimeDefault"}', 'has no seccomp profile'),
    ...wrong(spec.enableServiceLinks === false, 'is told of every Service by variables'),
    ...wrong(
      spec.serviceAccountName !== undefined && spec.serviceAccountName !== 'default',
      'has no account of its own',
    ),
    ...wrong(spec.automountServiceAccountToken !== undefined, 'does not say whether it needs a token'),
    ...spec.containers.flatMap((container) => containerProblems(manifest, template, container)),
  ];
}

function containerProblems(manifest: Manifest, { spec }: PodTemplate, container: Container) {
  const security = container.securityContext ?? {};
  const { requests, limits } = container.resources ?? { requests: {}, limits: {} };
  const where = `${nameOf(manifest)}/${container.name}`;
  const wrong = (holds: boolean, what: string) => (holds ? [] : [`${where}: ${what}`]);
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  for (const name of claimsOf(manifest)) volumes.add(name);
  return [
    ...wrong(security.allowPrivilegeEscalation === false, 'may get more rights'),
    ...wrong(security.readOnlyRootFilesystem === true, 'may write to its root'),
    ...wrong(JSON.stringify(security.capabilities) === '{"drop":["ALL"]}', 'keeps capabilities'),
    ...wrong(security.privileged === undefined, 'is privileged'),
    ...wrong(requests.cpu !== undefined && requests.memory !== undefined, 'requests nothing'),
    ...wrong(limits.memory !== undefined, 'may use all memory'),
    ...wrong(limits.cpu === undefined, 'is throttled by a CPU limit'),
    ...wrong(!isLongRunning(manifest) || container.livenessProbe !== undefined, 'has no liveness probe'),
    ...wrong(
      (container.volumeMounts ?? []).some(({ mountPath }) => mountPath === '/tmp'),
      'has nowhere to write',
    ),
    ...(container.volumeMounts ?? []).flatMap(({ name }) => wrong(volumes.has(name), `mounts ${name}`)),
  ];
}

function isLongRunning({ kind }: Manifest): boolean {
  return kind === 'Deployment' || kind === 'StatefulSet';
}

function claimsOf({ spec }: Manifest): readonly string[] {
  const claims = (spec?.volumeClaimTemplates ?? []) as readonly {
    readonly metadata: { readonly name: string };
  }[];
  return claims.map(({ metadata }) => metadata.name);
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Rights that nobody here needs. */
export function roleProblems(manifest: Manifest): readonly string[] {
  if (!['Role', 'ClusterRole'].includes(manifest.kind)) return [];
  const rules = manifest.rules as readonly Rule[];
  return rules.flatMap(({ apiGroups, resources, verbs }) => {
    const words = [...apiGroups, ...resources, ...verbs];
    return [
      ...words.filter((word) => word.includes('*')).map(() => `${nameOf(manifest)}: a wildcard`),
      ...['secrets', 'pods/exec', 'serviceaccounts/token', 'roles', 'rolebindings', 'clusterroles']
        .filter((resource) => resources.includes(resource))
        .map((resource) => `${nameOf(manifest)}: ${resource}`),
      ...['escalate', 'bind', 'impersonate', 'deletecollection']
        .filter((verb) => verbs.includes(verb))
        .map((verb) => `${nameOf(manifest)}: ${verb}`),
    ];
  });
}
