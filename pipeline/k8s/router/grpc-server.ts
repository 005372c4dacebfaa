import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { addressText, cannotListen } from '../../net/address.ts';
import { hostAndPort } from '../listen.ts';
import type { Around } from './calls.ts';
import { pinging } from './connections.ts';
import { HEAD_BYTES, messageIn, tooLarge } from './frames.ts';
import { beginCall, type Call, type CallOptions } from './grpc-call.ts';
import { RouteError } from './status.ts';
import { joinStreams, type StreamOptions } from './streams.ts';

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

export interface GrpcOptions extends CallOptions, StreamOptions {
  /** `HOST:PORT`, or `PORT` for this machine only. */
  readonly address: string;
  readonly methods: readonly Method[];
}

const REQUEST_BYTES_MAX = 64 * 1024;
const STREAMS_PER_CONNECTION_MAX = 200;
const CONNECTIONS_MAX = 2_000;
const HEADER_BYTES_MAX = 16_384;
const IDLE_MS = 5 * 60_000;
const DRAIN_MS = 5_000;

/** gRPC without TLS, as within a cluster, on Node's own HTTP/2: a library's layers are most of a call's cost. Throws `config` for an address that cannot be had. */
export async function startGrpc(
  options: GrpcOptions,
): Promise<{ readonly address: string; close(): Promise<void> }> {
  const { host, port } = hostAndPort(options.address);
  const sessions = new Set<ServerHttp2Session>();
  const methods = new Map(options.methods.map((method) => [method.path, method]));
  const server = createServer({
    // Streams and their sizes have limits of their own, and so has their number.
    maxSessionMemory: Number.MAX_SAFE_INTEGER,
    settings: {
      enablePush: false,
      maxConcurrentStreams: STREAMS_PER_CONNECTION_MAX,
      maxHeaderListSize: HEADER_BYTES_MAX,
    },
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => undefined);
    pinging(session, () => true);
    // Pings are no use of it.
    closeWhenIdle(session);
  });
  server.on('stream', (stream, headers) => serve(stream, headers, methods, options));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(options.address, cause)));
    server.listen(port, host, resolve);
  });
  const chosen = (server.address() as AddressInfo).port;
  const close = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, DRAIN_MS);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      for (const session of sessions) session.close();
    });
  return { address: addressText(host, chosen), close };
}

function closeWhenIdle(session: ServerHttp2Session): void {
  let open = 0;
  let timer: NodeJS.Timeout | undefined;
  const idle = () => {
    timer = setTimeout(() => session.close(), IDLE_MS);
    timer.unref();
  };
  idle();
  session.on('stream', (stream) => {
    if (open === 0) clearTimeout(timer);
    open += 1;
    stream.once('close', () => {
      open -= 1;
      if (open === 0 && !session.closed) idle();
    });
  });
  session.once('close', () => clearTimeout(timer));
}

function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  methods: ReadonlyMap<string, Method>,
  options: GrpcOptions,
): void {
  if (headers[':method'] !== 'POST' || !headers['content-type']?.startsWith('application/grpc')) {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 415 }, { endStream: true });
    stream.close(constants.NGHTTP2_NO_ERROR);
    return;
  }
  const path = String(headers[':path']);
  const method = methods.get(path);
  const call = beginCall(stream, headers, method?.path ?? 'unknown', options);
  if (method === undefined) call.fail(new RouteError('UNIMPLEMENTED', 'there is no such method'));
  else if (method.streamBy !== undefined) joinStreams(call, method.path, method.streamBy, options);
  else bodyOf(stream, (error, body) => void answer(call, method, error, body, options));
}

async function answer(
  call: Call,
  { open, unary, watch }: Method,
  error: unknown,
  body: Buffer,
  { guard }: GrpcOptions,
): Promise<void> {
  try {
    if (error !== undefined) throw error;
    if (open !== true) guard(call.key);
    const request = messageIn(body, call.encoding, REQUEST_BYTES_MAX);
    if (watch) return void call.stream.once('close', watch(call.send));
    const answered = await unary?.(request, call.around);
    if (answered) call.send(answered);
    call.end();
  } catch (cause) {
    call.fail(cause);
  }
}

/** Nobody is told where the client breaks off. */
function bodyOf(stream: ServerHttp2Stream, done: (error: unknown, body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const isMore = () => bytes > REQUEST_BYTES_MAX + HEAD_BYTES;
  stream.on('data', (chunk: Buffer) => {
    if (isMore()) return;
    bytes += chunk.length;
    if (isMore()) done(tooLarge(REQUEST_BYTES_MAX), Buffer.alloc(0));
    else chunks.push(chunk);
  });
  stream.once('end', () => {
    const [first = Buffer.alloc(0)] = chunks;
    if (!stream.aborted && !isMore()) done(undefined, chunks.length > 1 ? Buffer.concat(chunks) : first);
  });
}
