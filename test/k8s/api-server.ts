import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A Deployment of the server; `pods` are what is there of it. */
export interface FakeDeployment {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>>;
  replicas: number;
  ready: number;
  pods: number;
}

export interface FakeCluster {
  readonly url: string;
  readonly deployments: FakeDeployment[];
  /** `PATCH /apis/apps/v1/…` */
  readonly requests: string[];
  /** Answers every request with this status. */
  refuse: number | undefined;
}

const NAMESPACE = 'workers';

/** As much of a Kubernetes API server as kubectl needs to find, count and scale Deployments of one namespace. */
export async function startCluster(deployments: FakeDeployment[]): Promise<FakeCluster> {
  const cluster: { -readonly [Key in keyof FakeCluster]: FakeCluster[Key] } = {
    url: '',
    deployments,
    requests: [],
    refuse: undefined,
  };
  const server = createServer((request, response) => {
    void answer(cluster, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  cluster.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return cluster;
}

async function answer(
  cluster: FakeCluster,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server');
  cluster.requests.push(`${request.method} ${pathname}`);
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  const send = (status: number, value: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (cluster.refuse !== undefined) {
    const reason = cluster.refuse === 403 ? 'Forbidden' : 'InternalError';
    send(cluster.refuse, {
      ...STATUS,
      code: cluster.refuse,
      reason,
      message: `it is ${reason.toLowerCase()}`,
    });
    return;
  }
  const found =
    DISCOVERY[pathname] ?? resourceAt(cluster, pathname, searchParams.get('labelSelector') ?? '', body);
  if (found === undefined) send(404, { ...STATUS, code: 404, reason: 'NotFound', message: `no ${pathname}` });
  else send(200, found);
}

const STATUS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };

const DISCOVERY: Readonly<Record<string, unknown>> = {
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
  '/apis': {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: [
      {
        name: 'apps',
        versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
        preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
      },
    ],
  },
  '/api/v1': resources('v1', [['pods', 'Pod']]),
  '/apis/apps/v1': resources('apps/v1', [
    ['deployments', 'Deployment'],
    ['deployments/scale', 'Scale'],
  ]),
};

function resources(groupVersion: string, names: readonly (readonly [string, string])[]) {
  const verbs = ['get', 'list', 'patch', 'update'];
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: names.map(([name, kind]) => ({
      ...{ name, singularName: '', namespaced: true, kind, verbs },
      ...(kind === 'Scale' && { group: 'autoscaling', version: 'v1' }),
    })),
  };
}

function resourceAt({ deployments }: FakeCluster, pathname: string, selector: string, body: string): unknown {
  const wanted = selector.split(',').map((one) => one.split('='));
  const has = (labels: Readonly<Record<string, string>>) =>
    wanted.every(([key = '', value]) => labels[key] === value);
  const list = (kind: string, apiVersion: string, items: readonly unknown[]) => ({
    ...{ kind: `${kind}List`, apiVersion, metadata: { resourceVersion: '1' } },
    items,
  });
  if (pathname === `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`)
    return list('Deployment', 'apps/v1', deployments.filter(({ labels }) => has(labels)).map(deploymentJson));
  if (pathname === `/api/v1/namespaces/${NAMESPACE}/pods`)
    return list('Pod', 'v1', deployments.filter((one) => has(one.selector)).flatMap(podsJson));
  const [, name, scale] = /\/deployments\/([\w-]+)(\/scale)?$/.exec(pathname) ?? [];
  const found = deployments.find((one) => one.name === name);
  if (found === undefined) return undefined;
  if (scale === undefined) return deploymentJson(found);
  if (body !== '') found.replicas = (JSON.parse(body) as { spec: { replicas: number } }).spec.replicas;
  return {
    ...{
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, namespace: NAMESPACE, resourceVersion: '1' },
    },
    spec: { replicas: found.replicas },
    status: { replicas: found.pods },
  };
}

function deploymentJson({ name, labels, selector, replicas, ready }: FakeDeployment) {
  return {
    ...{ kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name, namespace: NAMESPACE, labels } },
    spec: { replicas, selector: { matchLabels: selector }, template: { metadata: { labels: selector } } },
    status: ready === 0 ? {} : { readyReplicas: ready },
  };
}

function podsJson({ name, selector, pods }: FakeDeployment) {
  return Array.from({ length: pods }, (_, at) => ({
    ...{ kind: 'Pod', apiVersion: 'v1' },
    metadata: { name: `${name}-${at}`, namespace: NAMESPACE, labels: selector },
  }));
}
