import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { type RouterOptions, startRouter } from '../../../pipeline/k8s/router/router.ts';
import { type Repo, serviceName } from '../../../pipeline/k8s/supervisor/names.ts';
import { loadProto, serviceDefinition } from '../../../pipeline/serve/proto.ts';

export const ISSUES = 'drghs.v1.IssueService';
export const proto = await loadProto();

export interface Answer {
  readonly [field: string]: unknown;
  /** Of a failure. */
  readonly code?: number;
  readonly details?: string;
}

/** Calls of one address; a failure is `{code, details}`. */
export function callerOf(address: string) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const call = (name: string, request: object, options: grpc.CallOptions & { key?: string } = {}) => {
    const method = serviceDefinition(proto, ISSUES)[name];
    if (method === undefined) throw new Error(`no method ${name}`);
    const metadata = new grpc.Metadata();
    if (options.key !== undefined) metadata.set('x-api-key', options.key);
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise<Answer>((resolve) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        (error, answer) =>
          resolve(error === null ? (answer as Answer) : { code: error.code, details: error.details }),
      );
    });
  };
  return { client, call };
}

export const same = (bytes: Buffer): Buffer => bytes;

/** A method of bytes, for what no schema has. */
export function rawMethod(path: string, streams = false) {
  const codecs = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  return { path, requestStream: streams, responseStream: streams, ...codecs };
}

type Handler = (request: never, metadata: grpc.Metadata) => object | Promise<object>;

/** Status codes that a test's worker throws. */
export function refusal(code: number, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

/** A worker that answers as a test says. */
export async function workerOf(handlers: Readonly<Record<string, Handler>>): Promise<string> {
  const server = new grpc.Server({ 'grpc.max_send_message_length': -1 });
  const definition = serviceDefinition(proto, ISSUES);
  const all = Object.entries(definition).map(([name]) => [
    name,
    (call: grpc.ServerUnaryCall<object, object>, callback: grpc.sendUnaryData<object>) =>
      void Promise.resolve()
        .then(() => handlers[name]?.(call.request as never, call.metadata) ?? {})
        .then(
          (answer) => callback(null, answer),
          (error: Error) => callback(error),
        ),
  ]);
  server.addService(definition as grpc.ServiceDefinition, Object.fromEntries(all));
  return listening(server);
}

export async function listening(server: grpc.Server): Promise<string> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  onTestFinished(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

/** A router in front of workers, by `owner/name`. */
export async function routerOf(workers: Readonly<Record<string, string>>, more: Partial<RouterOptions> = {}) {
  const byService = new Map(Object.entries(workers).map(([full, address]) => [serviceName(full), address]));
  const asked: string[] = [];
  const logged: string[] = [];
  const list: { repos: readonly Repo[] } = {
    repos: Object.keys(workers).map((full) => ({
      owner: full.split('/')[0] ?? '',
      name: full.split('/')[1] ?? '',
    })),
  };
  const stop = new AbortController();
  const router = await startRouter({
    addresses: { grpc: '0', http: '0' },
    readList: async () => list.repos,
    reloadMs: 3_600_000,
    workerAddress: (service) => {
      asked.push(service);
      // A port that nothing listens on: reserved.
      return byService.get(service) ?? '127.0.0.1:1';
    },
    updateFleet: async () => undefined,
    callMs: 20_000,
    retry: { attemptsMax: 5, firstMs: 1, lastMs: 4 },
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    random: () => 0.5,
    sleep: (ms, signal) =>
      sleep(ms, undefined, { signal: signal ?? stop.signal }).catch(() => undefined) as Promise<void>,
    log: { failed: (what, error) => void logged.push(`${what}: ${String(error)}`), list: () => undefined },
    signal: stop.signal,
    ...more,
  });
  onTestFinished(async () => {
    stop.abort();
    await router.done;
  });
  const get = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`${router.http}${path}`, init);
    return { status: answer.status, body: (await answer.json()) as Answer };
  };
  return { router, asked, logged, list, stop, get, ...callerOf(router.grpc) };
}
