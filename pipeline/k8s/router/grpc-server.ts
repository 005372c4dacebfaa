import type { Duplex } from 'node:stream';
import grpc from '@grpc/grpc-js';
import { cannotListen, hostAndPort } from '../listen.ts';
import { type AroundOptions, aroundOf } from './around.ts';
import { textOf } from './bytes.ts';
import { type Around, type Workers, workerError } from './calls.ts';
import type { Forward } from './forward.ts';
import { codeOf, type RouteError, routeError, type StatusName } from './status.ts';
import type { Table } from './table.ts';

/** One request and one answer, as bytes. */
export type UnaryWork = (request: Buffer, around: Around) => Promise<Buffer>;

export interface Method {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Anyone may call it. */
  readonly open?: boolean;
  readonly unary?: UnaryWork;
  /** Streams in either or both directions, to the worker of the repository that this field of the first message names. */
  readonly streamBy?: number;
  /** Sends until the function it gives is called. */
  readonly watch?: (send: (message: Buffer) => void) => () => void;
}

export interface GrpcOptions extends AroundOptions {
  /** `HOST:PORT`, or `PORT` for this machine only. */
  readonly address: string;
  readonly methods: readonly Method[];
  readonly table: () => Table;
  readonly workers: Workers;
  readonly forward: Pick<Forward, 'addressOf'>;
  /** Throws for a key that is wrong. */
  readonly guard: (key: string | undefined) => void;
  readonly begin: () => (method: string, status: StatusName) => void;
  readonly log: (path: string, error: RouteError, trace: string) => void;
}

const REQUEST_BYTES_MAX = 64 * 1024;
const STREAMS_PER_CONNECTION_MAX = 200;
const IDLE_MS = 5 * 60_000;
const DRAIN_MS = 5_000;

const same = (bytes: Buffer): Buffer => bytes;

/** Throws `config` for an address that cannot be had. */
export async function startGrpc(
  options: GrpcOptions,
): Promise<{ readonly address: string; close(): Promise<void> }> {
  const { host, port } = hostAndPort(options.address);
  const server = new grpc.Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
    'grpc.max_connection_idle_ms': IDLE_MS,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  for (const method of options.methods) add(server, method, options);
  const text = host.includes(':') ? `[${host}]` : host;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${text}:${port}`, grpc.ServerCredentials.createInsecure(), (error, chosen) =>
      error ? reject(cannotListen(options.address, error)) : resolve(chosen),
    );
  });
  return { address: `${text}:${bound}`, close: () => drain(server) };
}

function drain(server: grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), DRAIN_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function add(server: grpc.Server, method: Method, options: GrpcOptions): void {
  const streams = method.unary === undefined;
  const definition = {
    path: method.path,
    requestStream: method.streamBy !== undefined,
    responseStream: streams,
    ...{
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  };
  const handler = method.unary
    ? unaryHandler(method, method.unary, options)
    : method.watch
      ? watchHandler(method, method.watch, options)
      : duplexHandler(method, method.streamBy ?? 1, options);
  server.addService({ method: definition }, { method: handler });
}

function unaryHandler(method: Method, work: UnaryWork, options: GrpcOptions): grpc.UntypedHandleCall {
  return (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
    const end = options.begin();
    const around = begun(call, options);
    Promise.resolve()
      .then(() => {
        if (method.open !== true) options.guard(keyOf(call.metadata));
        return work(call.request, around);
      })
      .then(
        (answer) => {
          end(method.path, 'OK');
          callback(null, answer);
        },
        (error: unknown) => callback(failure(method, error, around, { ...options, end })),
      );
  };
}

function watchHandler(
  method: Method,
  watch: NonNullable<Method['watch']>,
  { begin }: GrpcOptions,
): grpc.UntypedHandleCall {
  return (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
    const end = begin();
    const stop = watch((message) => void call.write(message));
    call.once('close', () => {
      stop();
      end(method.path, 'OK');
    });
    call.on('error', () => undefined);
  };
}

/** What the first message names decides; after that both sides are coupled, each as fast as the other reads. */
function duplexHandler(method: Method, field: number, options: GrpcOptions): grpc.UntypedHandleCall {
  return (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
    const end = options.begin();
    const around = begun(call, options);
    let isOver = false;
    const fail = (error: unknown) => {
      if (isOver) return;
      isOver = true;
      call.emit('error', failure(method, error, around, { ...options, end }));
    };
    // Broken off by the client: nothing is left to say.
    call.on('error', () => undefined);
    call.once('data', (first: Buffer) => {
      call.pause();
      try {
        options.guard(keyOf(call.metadata));
        const repo = options.table().find(textOf(first, field));
        const worker = options.workers.duplex(options.forward.addressOf(repo), method.path, around);
        worker.on('error', (error: grpc.ServiceError) => fail(workerError(error)));
        worker.on('status', ({ code }: grpc.StatusObject) => {
          if (code !== 0 || isOver) return;
          isOver = true;
          end(method.path, 'OK');
          call.end();
        });
        worker.write(first);
        couple(call as unknown as Duplex, worker as unknown as Duplex);
      } catch (error) {
        fail(error);
      }
    });
  };
}

/** The worker's end comes with its status, which is told apart. */
function couple(client: Duplex, worker: Duplex): void {
  worker.pipe(client, { end: false });
  client.pipe(worker);
}

interface AnyCall extends Pick<grpc.ServerUnaryCall<Buffer, Buffer>, 'metadata' | 'getDeadline'> {
  on(event: 'cancelled', listener: () => void): unknown;
}

function begun(call: AnyCall, options: AroundOptions): Around {
  const gone = new AbortController();
  // With a reason, so that no exception is made for it.
  call.on('cancelled', () => gone.abort('the client is gone'));
  const deadline = call.getDeadline();
  const get = (name: string) => textIn(call.metadata, name);
  return aroundOf(get, deadline instanceof Date ? deadline.getTime() : deadline, gone.signal, options);
}

function keyOf(metadata: grpc.Metadata): string | undefined {
  return textIn(metadata, 'x-api-key');
}

function textIn(metadata: grpc.Metadata, name: string): string | undefined {
  const [value] = metadata.get(name);
  return value === undefined ? undefined : String(value);
}

interface Ending extends Pick<GrpcOptions, 'log'> {
  readonly end: (method: string, status: StatusName) => void;
}

function failure({ path }: Method, error: unknown, { metadata }: Around, { end, log }: Ending) {
  const found = routeError(error);
  end(path, found.status);
  log(path, found, textIn(metadata, 'traceparent') ?? '');
  return Object.assign(new Error(found.message), { code: codeOf(found.status), details: found.message });
}
