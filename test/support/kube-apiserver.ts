import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What `scripts/emulators path` exits with where it would be built. */
const NOT_BUILT = 1;
/** A loaded machine takes its time. */
const START_MS_MAX = 240_000;
const POLL_MS = 200;

export interface Binaries {
  readonly etcd: string;
  readonly apiserver: string;
}

export interface KubeApiserver {
  readonly url: string;
  /** Of a user who may do everything. */
  readonly kubeconfig: string;
  /** Of a user who may do nothing until RBAC says so. Gives the path of another kubeconfig. */
  user(name: string): string;
  /** Ends the API server and starts it again on the same port; etcd stays. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** kube-apiserver and etcd, or why there are none. Throws in CI, where they could have been built. */
export function kubeApiserverOrSkip(): Binaries | { readonly skip: string } {
  const { folder, buildable } = assets();
  const apiserver = folder === undefined ? undefined : join(folder, 'kube-apiserver');
  const etcd = [folder, ...(process.env.PATH ?? '').split(delimiter)]
    .map((each) => join(each ?? '', 'etcd'))
    .find((path) => path !== 'etcd' && existsSync(path));
  if (apiserver !== undefined && existsSync(apiserver) && etcd !== undefined) return { apiserver, etcd };
  const reason = `${etcd === undefined ? 'etcd is not there; ' : ''}set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd, or run scripts/emulators build kubernetes`;
  if (process.env.CI === 'true' && buildable)
    throw new Error(`CI must test against kube-apiserver: ${reason}`);
  return { skip: `needs kube-apiserver: ${reason}` };
}

function assets(): { readonly folder: string | undefined; readonly buildable: boolean } {
  const set = process.env.KUBEBUILDER_ASSETS;
  if (set !== undefined && set !== '') return { folder: set, buildable: true };
  if (!existsSync('scripts/emulators')) return { folder: undefined, buildable: false };
  const asked = spawnSync('scripts/emulators', ['path', 'kubernetes'], { encoding: 'utf8', timeout: 10_000 });
  if (asked.status !== 0) return { folder: undefined, buildable: asked.status === NOT_BUILT };
  const path = asked.stdout.trim();
  return { folder: statSync(path).isDirectory() ? path : dirname(path), buildable: true };
}

/** Starts both on free ports, empty, with RBAC; nothing runs beside them, so no pod starts and nothing is ever ready by itself. */
export async function startKubeApiserver(
  binaries: Binaries,
  flags: readonly string[] = [],
): Promise<KubeApiserver> {
  const folder = mkdtempSync(join(tmpdir(), 'kube-apiserver-'));
  const [etcdPort, peerPort, port] = await freePorts();
  const url = `https://127.0.0.1:${port}`;
  const token = randomBytes(16).toString('hex');
  // Users have to be known when the server starts.
  const users = ['limited', 'other'].map((name) => ({ name, token: randomBytes(16).toString('hex') }));
  writeTokens(folder, [{ name: 'admin', token, group: 'system:masters' }, ...users]);
  const etcd = startEtcd(binaries, folder, etcdPort, peerPort);
  const serve = async () => {
    const child = startServer(binaries, folder, { port, etcdPort, flags });
    await ready(child, folder, url, token);
    return child;
  };
  const stopAll = async (server: ChildProcess | undefined) => {
    if (server) await end(server);
    await end(etcd);
    rmSync(folder, { recursive: true, force: true });
  };
  let server: ChildProcess | undefined;
  try {
    server = await serve();
  } catch (cause) {
    const said = logOf(folder);
    await stopAll(server);
    throw new Error(`kube-apiserver did not start: ${said}`, { cause });
  }
  return {
    url,
    kubeconfig: writeKubeconfig(folder, url, 'admin', token),
    user: (name) => writeKubeconfig(folder, url, name, users.find((user) => user.name === name)?.token ?? ''),
    restart: async () => {
      if (server) await end(server);
      server = await serve();
    },
    stop: () => stopAll(server),
  };
}

interface User {
  readonly name: string;
  readonly token: string;
  readonly group?: string;
}

function writeTokens(folder: string, users: readonly User[]): void {
  const lines = users.map(
    ({ name, token, group }) => `${token},${name},${name}${group ? `,"${group}"` : ''}`,
  );
  writeFileSync(join(folder, 'tokens.csv'), `${lines.join('\n')}\n`, { mode: 0o600 });
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  writeFileSync(join(folder, 'sa.key'), keys.privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'sa.pub'), keys.publicKey);
}

function startEtcd({ etcd }: Binaries, folder: string, port: number, peerPort: number): ChildProcess {
  const client = `http://127.0.0.1:${port}`;
  const args = [
    `--data-dir=${join(folder, 'etcd')}`,
    ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
  ];
  return run(etcd, args, folder, 'etcd.log');
}

function startServer(
  { apiserver }: Binaries,
  folder: string,
  {
    port,
    etcdPort,
    flags,
  }: { readonly port: number; readonly etcdPort: number; readonly flags: readonly string[] },
): ChildProcess {
  const args = [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    ...[`--secure-port=${port}`, '--bind-address=127.0.0.1', '--advertise-address=127.0.0.1'],
    // It makes its own certificate there.
    `--cert-dir=${join(folder, 'certs')}`,
    '--service-cluster-ip-range=10.0.0.0/16',
    '--endpoint-reconciler-type=none',
    // Nobody would make the default account of a namespace.
    '--disable-admission-plugins=ServiceAccount',
    '--authorization-mode=RBAC',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(folder, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(folder, 'sa.key')}`,
    ...flags,
  ];
  return run(apiserver, args, folder, 'apiserver.log');
}

function run(command: string, args: readonly string[], folder: string, log: string): ChildProcess {
  const file = openSync(join(folder, log), 'a');
  return spawn(command, args, { stdio: ['ignore', file, file], cwd: folder });
}

async function ready(child: ChildProcess, folder: string, url: string, token: string): Promise<void> {
  const untilMs = Date.now() + START_MS_MAX;
  while ((await statusOf(folder, `${url}/readyz`, token)) !== 200) {
    if (child.exitCode !== null || Date.now() > untilMs) {
      await end(child);
      throw new Error('it is not ready');
    }
    await sleep(POLL_MS);
  }
}

function statusOf(folder: string, url: string, token: string): Promise<number> {
  const certificate = join(folder, 'certs', 'apiserver.crt');
  if (!existsSync(certificate)) return Promise.resolve(0);
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve) => {
    const request = get(url, { ca: readFileSync(certificate), headers, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(0));
  });
}

function writeKubeconfig(folder: string, server: string, name: string, token: string): string {
  const path = join(folder, `${name}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server, 'certificate-authority': join('certs', 'apiserver.crt') } },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: name, namespace: 'default' } }],
    'current-context': 'test',
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

function logOf(folder: string): string {
  const path = join(folder, 'apiserver.log');
  return existsSync(path) ? readFileSync(path, 'utf8').slice(-3_000) : 'it said nothing';
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function freePorts(): Promise<readonly [number, number, number]> {
  const servers = [createServer(), createServer(), createServer()] as const;
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports as unknown as readonly [number, number, number];
}
