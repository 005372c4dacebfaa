import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SamovarError } from '../../../pipeline/errors.ts';
import type { Cluster, Kind } from '../../../pipeline/k8s/cluster.ts';
import { build, type Manifest } from './build.ts';

/** kubectl as the server's administrator. Throws with what it said. */
export function kubectl(kubeconfig: string, args: readonly string[], input: readonly object[] = []): string {
  const items = { apiVersion: 'v1', kind: 'List', items: input };
  const { status, stdout, stderr } = spawnSync('kubectl', ['--kubeconfig', kubeconfig, ...args], {
    encoding: 'utf8',
    input: input.length === 0 ? '' : JSON.stringify(items),
  });
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout + stderr;
}

/** What a base ships of accounts and rights, put into a namespace. Gives the kubeconfig of its account. */
export function grant(kubeconfig: string, base: string, namespace: string): string {
  const kinds = ['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'];
  const shipped = build(base).filter(({ kind }) => kinds.includes(kind));
  const placed = shipped.map((manifest) => {
    const isOfCluster = manifest.kind.startsWith('Cluster');
    const metadata = isOfCluster ? manifest.metadata : { ...manifest.metadata, namespace };
    const subjects = (manifest.subjects as readonly object[] | undefined)?.map((one) => ({
      ...one,
      namespace,
    }));
    return { ...manifest, metadata, ...(subjects && { subjects }) };
  });
  kubectl(kubeconfig, ['create', 'namespace', namespace]);
  kubectl(kubeconfig, ['create', '-f', '-'], placed);
  const account = accountOf(base);
  untilGranted(kubeconfig, { namespace, account, roles: shipped.filter(({ rules }) => rules !== undefined) });
  const token = kubectl(kubeconfig, ['create', 'token', account, '--namespace', namespace]).trim();
  const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { users: object[] };
  const [first] = config.users as { name: string }[];
  // Beside the other: the certificate is named by a relative path.
  const path = join(dirname(kubeconfig), `${account}.kubeconfig`);
  writeFileSync(path, JSON.stringify({ ...config, users: [{ name: first?.name, user: { token } }] }));
  return path;
}

const GRANTED_MS_MAX = 30_000;

interface Granted {
  readonly namespace: string;
  readonly account: string;
  readonly roles: readonly Manifest[];
}

/** The server learns of its own bindings by watching them: what is made is not yet in force. */
function untilGranted(kubeconfig: string, { namespace, account, roles }: Granted): void {
  const user = `system:serviceaccount:${namespace}:${account}`;
  const reviews = roles.map(({ rules }) => {
    const [rule] = rules as readonly Record<string, readonly string[]>[];
    const [resource, subresource] = rule?.resources?.[0]?.split('/') ?? [];
    const name = rule?.resourceNames?.[0];
    const asked = { group: rule?.apiGroups?.[0], resource, subresource, verb: rule?.verbs?.[0], name };
    const spec = { user, resourceAttributes: { ...asked, namespace } };
    return { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  });
  const deadline = Date.now() + GRANTED_MS_MAX;
  const allowed = () =>
    kubectl(kubeconfig, ['create', '-o', 'jsonpath={.status.allowed} ', '-f', '-'], reviews).trim();
  while (allowed() !== reviews.map(() => 'true').join(' '))
    if (Date.now() > deadline) throw new Error(`${user} never got its rights`);
}

export function accountOf(base: string): string {
  return `samovar-${base.split('/').at(-1)}`;
}

/** `list apps/deployments` of each right that a base ships. */
export function shippedRights(base: string): readonly string[] {
  const roles = build(base).filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
  const rules = roles.flatMap((role: Manifest) => role.rules as readonly Record<string, readonly string[]>[]);
  const rights = rules.flatMap(({ apiGroups = [], resources = [], verbs = [] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
    ),
  );
  return [...new Set(rights)].sort();
}

export interface Watched<T extends Cluster> {
  readonly cluster: T;
  /** Rights that were made use of. */
  readonly used: Set<string>;
  /** Calls that were refused for want of a right: modules do without some, and would not tell. */
  readonly denied: string[];
}

const SUBRESOURCE = { scale: '/scale', setScale: '/scale' } as Readonly<Record<string, string>>;
/** Apply creates what is not there, which takes both rights. */
const VERBS: Readonly<Record<string, readonly string[]>> = {
  scale: ['get'],
  setScale: ['patch'],
  apply: ['patch', 'create'],
};

/** The cluster, with a note of what it was asked for. */
export function noting<T extends Cluster>(cluster: T): Watched<T> {
  const used = new Set<string>();
  const denied: string[] = [];
  const note = (method: string, kind: Kind) => {
    const resource = `${kind.group}/${kind.plural}${SUBRESOURCE[method] ?? ''}`;
    for (const verb of VERBS[method] ?? [method]) used.add(`${verb} ${resource}`);
    return `${method} ${resource}`;
  };
  const failed = (call: string) => (error: unknown) => {
    if (error instanceof SamovarError && error.code === 'denied') denied.push(call);
    throw error;
  };
  const proxy = new Proxy(cluster, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || name === 'close') return method;
      return (kind: Kind, ...rest: readonly unknown[]) => {
        const call = note(String(name), kind);
        const answer: unknown = method.call(target, kind, ...rest);
        return answer instanceof Promise ? answer.catch(failed(call)) : answer;
      };
    },
  });
  return { cluster: proxy, used, denied };
}
