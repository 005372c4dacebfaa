import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const VARIABLES = {
  gcs: 'SAMOVAR_GCS_SERVER',
  bigquery: 'SAMOVAR_BIGQUERY_EMULATOR',
  pubsub: 'SAMOVAR_PUBSUB_EMULATOR',
  /** kube-apiserver; an etcd is on the path or beside it. */
  kubernetes: 'SAMOVAR_KUBE_APISERVER',
} as const;
const PROJECT = 'samovar-test';
const DATASET = 'samovar';
/** What `scripts/emulators path` exits with where the binary could not even be built. */
const CANNOT_BUILD = 3;
const START_TRIES_MAX = 300;
const START_DELAY_MS = 100;

type EmulatorName = keyof typeof VARIABLES;

export interface BigQueryEmulator {
  readonly endpoint: string;
  /** Of its Storage Write API: `127.0.0.1:port`. */
  readonly grpcEndpoint: string;
  readonly project: string;
  readonly dataset: string;
  stop(): Promise<void>;
}

/** Path of an emulator's binary: from its variable, else as `scripts/emulators path NAME` prints it; undefined when there is none. */
export function emulatorPath(name: EmulatorName): string | undefined {
  const found = lookUp(name);
  return 'path' in found ? found.path : undefined;
}

/**
 * The binary, or why the suite must be skipped. Throws where a skip would hide something: in CI, on a machine that has the Go
 * to build it.
 */
export function emulatorOrSkip(name: EmulatorName): { readonly path: string } | { readonly skip: string } {
  const found = lookUp(name);
  if ('path' in found) return found;
  if (process.env.CI === 'true' && found.buildable)
    throw new Error(`CI must test against the ${name} emulator: ${found.reason}`);
  return { skip: `needs the ${name} emulator: ${found.reason}` };
}

/** Starts bigquery-emulator on free ports with a store of its own, one empty dataset in it. */
export async function startBigQueryEmulator(): Promise<BigQueryEmulator> {
  const found = emulatorOrSkip('bigquery');
  if ('skip' in found) throw new Error(found.skip);
  const folder = mkdtempSync(join(tmpdir(), 'bigquery-'));
  const [port, grpcPort] = await freePorts();
  const flags = [`--port=${port}`, `--grpc-port=${grpcPort}`, `--database=${join(folder, 'store.db')}`];
  const child = spawn(
    found.path,
    [`--project=${PROJECT}`, `--dataset=${DATASET}`, '--host=127.0.0.1', ...flags],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await answers(`${endpoint}/bigquery/v2/projects/${PROJECT}/datasets/${DATASET}`, child);
  } catch (cause) {
    await stop();
    throw new Error(`the bigquery emulator did not start: ${said}`, { cause });
  }
  return { endpoint, grpcEndpoint: `127.0.0.1:${grpcPort}`, project: PROJECT, dataset: DATASET, stop };
}

export interface PubSubEmulator {
  /** `127.0.0.1:8085` */
  readonly endpoint: string;
  /** Google's emulator, or Google's in-memory test server. */
  readonly kind: 'google' | 'pstest';
  /** It answers nobody, and its connections stay open, until it is thawed. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Starts a Pub/Sub server on a free port, with nothing in it. */
export async function startPubSubEmulator(): Promise<PubSubEmulator> {
  const found = emulatorOrSkip('pubsub');
  if ('skip' in found) throw new Error(found.skip);
  const folder = mkdtempSync(join(tmpdir(), 'pubsub-'));
  const [port] = await freePorts();
  const kind = found.path.endsWith('pstest') ? 'pstest' : 'google';
  const flags =
    kind === 'google'
      ? ['--host=127.0.0.1', `--port=${port}`, `--data-dir=${folder}`]
      : ['-port', String(port)];
  // Its start script runs Java in its own place: a group, so that all of it ends.
  const child = spawn(found.path, flags, { stdio: 'ignore', detached: true, cwd: folder });
  const signal = (name: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    return process.kill(-child.pid, name);
  };
  const stop = async () => {
    const ended = once(child, 'exit');
    if (signal('SIGKILL')) await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await listens(port, child);
  } catch (cause) {
    await stop();
    throw new Error('the Pub/Sub emulator did not start', { cause });
  }
  return {
    endpoint: `127.0.0.1:${port}`,
    kind,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    stop,
  };
}

async function listens(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    if (tries > START_TRIES_MAX || child.exitCode !== null) throw new Error(`nobody listens on port ${port}`);
    await sleep(START_DELAY_MS);
  }
}

function lookUp(
  name: EmulatorName,
): { readonly path: string } | { readonly reason: string; readonly buildable: boolean } {
  const set = process.env[VARIABLES[name]];
  if (set !== undefined && set !== '') return { path: set };
  if (!existsSync('scripts/emulators')) return { reason: 'there is no scripts/emulators', buildable: false };
  const asked = spawnSync('scripts/emulators', ['path', name], { encoding: 'utf8', timeout: 10_000 });
  if (asked.status === 0) return { path: asked.stdout.trim() };
  return {
    reason: asked.stderr.trim() || 'scripts/emulators gave no answer',
    buildable: asked.status !== CANNOT_BUILD,
  };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await fetch(url);
      await answer.arrayBuffer();
      if (answer.ok) return;
      throw new Error(`${url}: ${answer.status}`);
    } catch (error) {
      if (tries > START_TRIES_MAX || child.exitCode !== null) throw error;
      await sleep(START_DELAY_MS);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Two ports nobody listens on: both held before either is let go. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = servers.map(async (server) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  });
  const [first, second] = await Promise.all(ports);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  if (first === undefined || second === undefined) throw new Error('no free ports');
  return [first, second];
}
