import grpc from '@grpc/grpc-js';
import { addressText, cannotListen, parseAddress } from '../net/address.ts';
import { type GrpcMethod, type Proto, serviceDefinition } from './proto.ts';
import { answerOf, Refusal } from './status.ts';

/** Requests are small: a filter and a few names. */
const REQUEST_BYTES_MAX = 64 * 1024;
const STREAMS_PER_CONNECTION_MAX = 100;
const IDLE_MS = 5 * 60_000;
const DRAIN_MS = 5_000;

export interface CallAround {
  /** The client is gone, or its deadline is over. */
  readonly signal: AbortSignal;
}

export type Unary = (request: never, around: CallAround) => object | Promise<object>;
/** Sends until the function it gives is called, which the end of the call does. */
export type Stream = (request: never, send: (message: object) => void, end: () => void) => () => void;
/** As many answers as requests. */
export type Duplex = (request: never) => object;

export interface GrpcService {
  /** `drghs.v1.IssueService`. */
  readonly name: string;
  readonly unary?: Readonly<Record<string, Unary>>;
  readonly streams?: Readonly<Record<string, Stream>>;
  readonly duplex?: Readonly<Record<string, Duplex>>;
  /** Anyone may ask. */
  readonly open?: boolean;
}

export interface GrpcOptions {
  /** `HOST:PORT`, or `PORT` for this machine only. */
  readonly address: string;
  readonly proto: Proto;
  readonly services: readonly GrpcService[];
  /** Whether the key that a client gave, undefined for none, is right. */
  readonly allows: (key: string | undefined) => boolean;
  readonly log: (message: string, error: unknown) => void;
  /** A call begins; what it gives is called when it ends. */
  readonly begin: () => (method: string, status: string) => void;
}

export interface GrpcServer {
  /** `HOST:PORT`. */
  readonly address: string;
  /** Takes nothing new, and lets calls end for a few seconds. */
  close(): Promise<void>;
}

/** Serves without TLS, as within a cluster. Throws `config` for an address that cannot be listened on. */
export async function startGrpc(options: GrpcOptions): Promise<GrpcServer> {
  const { host, port } = parseAddress(options.address);
  const server = new grpc.Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
    'grpc.max_connection_idle_ms': IDLE_MS,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  for (const service of options.services) addService(server, service, options);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(addressText(host, port), grpc.ServerCredentials.createInsecure(), (error, chosen) =>
      error ? reject(cannotListen(options.address, error, { how: 'gRPC' })) : resolve(chosen),
    );
  });
  return { address: addressText(host, bound), close: () => drain(server) };
}

function drain(server: grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, DRAIN_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function addService(server: grpc.Server, service: GrpcService, options: GrpcOptions): void {
  const definition = serviceDefinition(options.proto, service.name);
  const handlers = Object.keys(definition).map(
    (method) => [method, handlerOf(service, method, options)] as const,
  );
  server.addService(definition as Readonly<Record<string, GrpcMethod>>, Object.fromEntries(handlers));
}

function handlerOf(service: GrpcService, method: string, options: GrpcOptions): grpc.UntypedHandleCall {
  const around: Around = { ...options, path: `${service.name}/${method}`, open: service.open ?? false };
  const unary = service.unary?.[method];
  if (unary !== undefined) return unaryHandler(unary, around);
  const stream = service.streams?.[method];
  if (stream !== undefined) return streamHandler(stream, around);
  const duplex = service.duplex?.[method];
  if (duplex !== undefined) return duplexHandler(duplex, around);
  throw new TypeError(`nobody answers ${around.path}`);
}

interface Around extends GrpcOptions {
  readonly path: string;
  readonly open: boolean;
}

function unaryHandler(work: Unary, around: Around): grpc.UntypedHandleCall {
  return (call: grpc.ServerUnaryCall<object, object>, callback: grpc.sendUnaryData<object>) => {
    const end = around.begin();
    const stop = new AbortController();
    call.on('cancelled', () => stop.abort(new Refusal('CANCELLED', 'the client is gone')));
    Promise.resolve()
      .then(() => {
        assertAllowed(call.metadata, around);
        return work(call.request as never, { signal: stop.signal });
      })
      .then(
        (answer) => {
          end(around.path, 'OK');
          callback(null, answer);
        },
        (error: unknown) => callback(failure(error, around, end)),
      );
  };
}

function streamHandler(work: Stream, around: Around): grpc.UntypedHandleCall {
  return (call: grpc.ServerWritableStream<object, object>) => {
    try {
      assertAllowed(call.metadata, around);
      const stop = work(
        call.request as never,
        (message) => void call.write(message),
        () => call.end(),
      );
      for (const event of ['cancelled', 'close', 'error'] as const) call.on(event, stop);
    } catch (error) {
      call.emit('error', failure(error, around));
    }
  };
}

function duplexHandler(work: Duplex, around: Around): grpc.UntypedHandleCall {
  return (call: grpc.ServerDuplexStream<object, object>) => {
    call.on('data', (request) => {
      try {
        assertAllowed(call.metadata, around);
        call.write(work(request as never));
      } catch (error) {
        call.emit('error', failure(error, around));
      }
    });
    call.on('end', () => call.end());
    // Broken off by the client: nothing is left to do.
    call.on('error', () => undefined);
  };
}

function assertAllowed(metadata: grpc.Metadata, { open, allows }: Around): void {
  const [key] = metadata.get('x-api-key');
  if (open || allows(key === undefined ? undefined : String(key))) return;
  throw new Refusal('UNAUTHENTICATED', 'give the API key in the metadata x-api-key');
}

function failure(error: unknown, { path, log }: Around, end?: (method: string, status: string) => void) {
  const { code, message, status, ours } = answerOf(error);
  if (ours) log(`the call ${path} failed`, error);
  end?.(path, status);
  return Object.assign(new Error(message), { code, details: message });
}
