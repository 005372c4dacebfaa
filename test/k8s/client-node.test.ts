import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ClusterOptions, type ConnectedCluster, openCluster } from '../../pipeline/k8s/client-node.ts';
import { KINDS, type WatchEvent } from '../../pipeline/k8s/cluster.ts';
import { everyNth, type KubeApi, type KubeApiOptions, startKubeApi } from '../support/kube-api.ts';
import { codeOf } from '../support/kube-objects.ts';

const NAME = { name: 'x', namespace: 'default' };

let api: KubeApi;
let folder: string;

async function serve(options: KubeApiOptions = {}): Promise<void> {
  await api?.close();
  api = await startKubeApi(options);
}

async function open(options: ClusterOptions = {}): Promise<ConnectedCluster> {
  const cluster = await openCluster({ kubeconfig: api.kubeconfig, ...options });
  onTestFinished(() => cluster.close());
  return cluster;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'client-node-'));
  api = await startKubeApi();
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('errors of calls', () => {
  it.each([
    [429, 'throttled'],
    [503, 'unavailable'],
    [500, 'unavailable'],
    [504, 'unavailable'],
    [400, 'refused'],
    [413, 'refused'],
    [422, 'refused'],
    [401, 'denied'],
    [403, 'denied'],
    [409, 'conflict'],
    [410, 'conflict'],
    [302, 'refused'],
  ])('%i is %s', async (status, code) => {
    api.setFaults(() => ({ status }));
    const cluster = await open();
    expect(await codeOf(cluster.get(KINDS.configMap, NAME))).toBe(`${code} ${status}`);
    expect(api.requests).toHaveLength(1);
  });

  it('says what was tried, where, and what the server said; and when to come again', async () => {
    api.setFaults(() => ({ status: 429, message: 'too many of you', retryAfterSeconds: 3 }));
    const cluster = await open();
    const error = cluster.patch(KINDS.deployment, NAME, {}, { kind: 'merge' });
    await expect(error).rejects.toMatchObject({
      message: expect.stringMatching(/^cannot patch Deployment default\/x: .*429.*too many of you/),
      retryAfterMs: 3_000,
    });
  });

  it('a 404 that is not about the object is no absence', async () => {
    api.setFaults(() => ({ status: 404, message: 'page not found' }));
    const cluster = await open();
    expect(await codeOf(cluster.get(KINDS.configMap, NAME))).toBe('missing 404');
    expect(await codeOf(cluster.delete(KINDS.configMap, NAME))).toBe('missing 404');
  });

  it('an answer that is no JSON, or no object, is malformed', async () => {
    const cluster = await open();
    for (const raw of [
      '<html>log in</html>',
      '',
      '"x"',
      '{"kind":"X"}',
      '{"items":3,"metadata":{}}',
      '{"items":[1],"metadata":{}}',
    ]) {
      api.setFaults(() => ({ raw }));
      expect(await codeOf(cluster.get(KINDS.configMap, NAME)), raw).toBe('malformed');
      expect(await codeOf(cluster.list(KINDS.configMap)), raw).toBe('malformed');
    }
  });

  it('a broken connection is network, also when the change was made', async () => {
    const cluster = await open();
    api.setFaults(() => 'reset');
    expect(await codeOf(cluster.get(KINDS.configMap, NAME))).toBe('network');
    api.setFaults(() => 'reset-after');
    expect(await codeOf(cluster.create(KINDS.configMap, { metadata: NAME }))).toBe('network');
    expect(api.get(KINDS.configMap, NAME)).toBeDefined();
    await api.close();
    expect(await codeOf(cluster.get(KINDS.configMap, NAME))).toBe('network');
  });

  it('no answer is a timeout, and no connection stays for it', async () => {
    const cluster = await open({ timeoutMs: 100 });
    api.setFaults(() => 'hang');
    expect(await codeOf(cluster.get(KINDS.configMap, NAME))).toBe('timeout');
    expect(await codeOf(cluster.list(KINDS.configMap))).toBe('timeout');
    const next = cluster.watch(KINDS.configMap, { version: '1' })[Symbol.asyncIterator]().next();
    expect(await codeOf(next)).toBe('timeout');
    await vi.waitFor(() => expect(api.connections()).toBe(0));
  });

  it('a call that is stopped is aborted at once; one that was stopped before is not sent', async () => {
    const cluster = await open();
    api.setFaults(() => 'hang');
    const stop = new AbortController();
    const call = cluster.get(KINDS.configMap, NAME, { signal: stop.signal });
    await vi.waitFor(() => expect(api.requests).toHaveLength(1));
    stop.abort();
    expect(await codeOf(call)).toBe('aborted');
    expect(await codeOf(cluster.get(KINDS.configMap, NAME, { signal: stop.signal }))).toBe('aborted');
    expect(api.requests).toHaveLength(1);
  });

  it('a closed cluster ends its calls and watches, and makes no new ones', async () => {
    const cluster = await open();
    const { version } = await cluster.list(KINDS.configMap);
    const next = cluster.watch(KINDS.configMap, { version })[Symbol.asyncIterator]().next();
    await vi.waitFor(() => expect(api.watches()).toBe(1));
    cluster.close();
    expect(await codeOf(next)).toBe('aborted');
    expect(await codeOf(cluster.get(KINDS.configMap, NAME))).toBe('aborted');
    await vi.waitFor(() => expect(api.connections()).toBe(0));
  });

  it('an answer past the limit is too large, and is not read on', async () => {
    api.create(KINDS.configMap, { metadata: NAME, data: { big: 'x'.repeat(200_000) } });
    const cluster = await open({ bodyBytesMax: 100_000 });
    expect(await codeOf(cluster.get(KINDS.configMap, NAME))).toBe('too-large');
    expect(await codeOf(take(cluster, '0', 1))).toBe('too-large');
  });
});

describe('requests', () => {
  it('use one connection for many calls', async () => {
    const cluster = await open();
    for (let at = 0; at < 20; at += 1) await cluster.get(KINDS.configMap, NAME);
    expect(api.connections()).toBe(1);
  });

  it('name their patch, the manager, and that unknown fields be refused', async () => {
    api.create(KINDS.configMap, { metadata: NAME });
    const cluster = await open();
    await cluster.patch(KINDS.configMap, NAME, { data: { a: '1' } }, { kind: 'strategic' });
    await cluster.patch(KINDS.configMap, NAME, { data: { a: '2' } }, { kind: 'merge' });
    await cluster.patch(KINDS.configMap, NAME, [], { kind: 'json' });
    await cluster.apply(KINDS.configMap, { metadata: NAME }, { manager: 'me', force: true });
    expect(
      api.requests.map(({ headers, query }) => [
        headers['content-type'],
        query.get('fieldManager'),
        query.get('force'),
      ]),
    ).toEqual([
      ['application/strategic-merge-patch+json', 'samovar', null],
      ['application/merge-patch+json', 'samovar', null],
      ['application/json-patch+json', 'samovar', null],
      ['application/apply-patch+yaml', 'me', 'true'],
    ]);
    expect(api.requests.every(({ query }) => query.get('fieldValidation') === 'Strict')).toBe(true);
  });

  it('a list whose later pages are gone is read once more, whole', async () => {
    for (let at = 0; at < 5; at += 1)
      api.create(KINDS.configMap, { metadata: { name: `c-${at}`, namespace: 'default' } });
    api.setFaults((_, n) => {
      if (n === 2) api.expireVersions();
      return undefined;
    });
    const cluster = await open({ pageSize: 2 });
    const { items } = await cluster.list(KINDS.configMap, { namespace: 'default' });
    expect(items).toHaveLength(5);
    expect(api.requests.map(({ query }) => query.get('limit'))).toEqual(['2', '2', null]);
  });

  it('a body that names another namespace or kind is refused by the server', async () => {
    const cluster = await open();
    const wrong = { apiVersion: 'v1', kind: 'Secret', metadata: NAME };
    expect(await codeOf(cluster.create(KINDS.configMap, wrong))).toBe('refused 400');
  });

  it('a server that fails every third call fails these only', async () => {
    api.setFaults(everyNth(3));
    const cluster = await open();
    const codes: string[] = [];
    for (let at = 0; at < 6; at += 1)
      codes.push(
        await cluster.get(KINDS.configMap, NAME).then(
          () => 'ok',
          (error) => error.code,
        ),
      );
    expect(codes).toEqual(['ok', 'ok', 'unavailable', 'ok', 'ok', 'unavailable']);
  });
});

describe('watches', () => {
  it('that the server ends are over without an error', async () => {
    const cluster = await open();
    const { version } = await cluster.list(KINDS.configMap);
    const all = collect(cluster, version);
    await vi.waitFor(() => expect(api.watches()).toBe(1));
    api.create(KINDS.configMap, { metadata: NAME });
    api.sendBookmarks();
    api.closeWatches('ended');
    expect((await all).map(({ type }) => type)).toEqual(['added', 'bookmark']);
  });

  it('whose connection breaks are a network error', async () => {
    const cluster = await open();
    const { version } = await cluster.list(KINDS.configMap);
    const all = collect(cluster, version);
    await vi.waitFor(() => expect(api.watches()).toBe(1));
    api.closeWatches('broken');
    expect(await codeOf(all)).toBe('network');
  });

  it('of a version that is gone are a conflict, as an event or as an answer', async () => {
    const cluster = await open();
    const { version } = await cluster.list(KINDS.configMap);
    api.expireVersions();
    expect(await codeOf(collect(cluster, version))).toBe('conflict 410');
    api.setFaults(() => ({ status: 410 }));
    expect(await codeOf(collect(cluster, version))).toBe('conflict 410');
  });

  it('are let go when nobody reads on', async () => {
    const cluster = await open();
    api.create(KINDS.configMap, { metadata: NAME });
    await take(cluster, '0', 1);
    await vi.waitFor(() => expect(api.watches()).toBe(0));
  });

  it('take events in pieces, many at once, and letters of many bytes', async () => {
    const events = Array.from({ length: 50 }, (_, at) => ({
      type: 'ADDED',
      object: { metadata: { name: `é-日本-\u{1f525}-${at}`, resourceVersion: String(at) } },
    }));
    api.setFaults(() => ({ raw: `${events.map((each) => JSON.stringify(each)).join('\n')}\n{"type":"ADD` }));
    const cluster = await open();
    const all = await collect(cluster, '1');
    expect(all.map(({ object }) => object.metadata.name)).toEqual(
      events.map(({ object }) => object.metadata.name),
    );
  });

  it('that say what no server says are malformed', async () => {
    const cluster = await open();
    for (const raw of [
      'hello\n',
      '{"type":"WHAT","object":{"metadata":{}}}\n',
      '[]\n',
      '{"type":"ADDED"}\n',
    ]) {
      api.setFaults(() => ({ raw }));
      expect(await codeOf(collect(cluster, '1')), raw).toBe('malformed');
    }
  });
});

async function collect(cluster: ConnectedCluster, version: string): Promise<readonly WatchEvent[]> {
  return take(cluster, version, Number.POSITIVE_INFINITY);
}

async function take(
  cluster: ConnectedCluster,
  version: string,
  count: number,
): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of cluster.watch(KINDS.configMap, { version })) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

describe('configuration', () => {
  const writeText = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const write = (name: string, config: object) =>
    writeText(name, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
  const cluster = (name: string, server: string) => ({
    name,
    cluster: { server, 'insecure-skip-tls-verify': true },
  });
  const context = (name: string, of: string, user: string, namespace?: string) => ({
    name,
    context: { cluster: of, user, namespace },
  });

  it('a token of a file is read again when it changes, without its line end', async () => {
    await serve({ token: 'second' });
    writeFileSync(join(folder, 'token'), 'first\n');
    const kubeconfig = write('config', {
      clusters: [cluster('c', api.url)],
      users: [{ name: 'u', user: { tokenFile: 'token' } }],
      contexts: [context('a', 'c', 'u')],
      'current-context': 'a',
    });
    vi.useFakeTimers({ toFake: ['Date'] });
    const opened = await open({ kubeconfig });
    expect(await codeOf(opened.get(KINDS.configMap, NAME))).toBe('denied 401');
    writeFileSync(join(folder, 'token'), 'second\n');
    vi.setSystemTime(Date.now() + 61_000);
    expect(await opened.get(KINDS.configMap, NAME)).toBeUndefined();
  });

  it('many files are one, the first that has a name wins; a context may be chosen', async () => {
    await serve({ token: 'right' });
    const paths = [
      write('one', {
        clusters: [cluster('c', api.url)],
        contexts: [context('a', 'c', 'u', 'mine')],
        'current-context': 'a',
      }),
      write('two', {
        clusters: [cluster('c', 'http://127.0.0.1:1')],
        users: [
          { name: 'u', user: { token: 'right' } },
          { name: 'v', user: { token: 'wrong' } },
        ],
        contexts: [context('b', 'c', 'v'), context('a', 'c', 'v')],
        'current-context': 'b',
      }),
    ];
    const first = await open({ kubeconfig: paths.join(':') });
    expect(first.namespace).toBe('mine');
    expect(await first.get(KINDS.configMap, NAME)).toBeUndefined();
    const second = await open({ kubeconfig: paths.join(':'), context: 'b' });
    expect(second.namespace).toBeUndefined();
    expect(await codeOf(second.get(KINDS.configMap, NAME))).toBe('denied 401');
  });

  it('in a pod the service account is used, if no kubeconfig is given', async () => {
    await serve({ token: 'of-the-pod' });
    const account = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount');
    mkdirSync(account, { recursive: true });
    writeFileSync(join(account, 'token'), 'of-the-pod');
    writeFileSync(join(account, 'namespace'), 'here\n');
    writeFileSync(join(account, 'ca.crt'), '');
    vi.stubEnv('KUBERNETES_SERVICE_HOST', 'fd00::1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
    const { where, namespace } = await openCluster({ podRoot: folder });
    expect([where, namespace]).toEqual(['the Kubernetes cluster https://[fd00::1]:443', 'here']);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    await expect(openCluster({ podRoot: folder })).rejects.toMatchObject({ code: 'config' });
  });

  it.each([
    ['no such file', () => join(folder, 'none')],
    ['no YAML', () => writeText('bad', 'a: [b')],
    ['no context', () => write('empty', {})],
    [
      'a context without a cluster',
      () => write('lost', { contexts: [context('a', 'none', 'u')], 'current-context': 'a' }),
    ],
    [
      'no address',
      () =>
        write('odd', {
          clusters: [cluster('c', 'ftp://x')],
          contexts: [context('a', 'c', 'u')],
          'current-context': 'a',
        }),
    ],
  ])('%s is a mistake of the configuration', async (_, path) => {
    await expect(openCluster({ kubeconfig: path() })).rejects.toMatchObject({ code: 'config' });
  });

  it('a context that is not there is told with those that are', async () => {
    await expect(openCluster({ kubeconfig: api.kubeconfig, context: 'prod' })).rejects.toMatchObject({
      code: 'config',
      remedy: 'It has: fake.',
    });
  });

  it('plain http is used only where the kubeconfig says so', async () => {
    const plain = {
      clusters: [{ name: 'c', cluster: { server: api.url } }],
      users: [{ name: 'u', user: {} }],
    };
    const path = write('plain', { ...plain, contexts: [context('a', 'c', 'u')], 'current-context': 'a' });
    const opened = await open({ kubeconfig: path });
    expect(await codeOf(opened.get(KINDS.configMap, NAME))).toBe('config');
    expect(api.requests).toHaveLength(0);
  });
});
