import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { StatusName } from '../../net/grpc-status.ts';
import { createConnections, type Target, unreachable, type WorkerLimits } from './connections.ts';
import { framed, HEAD_BYTES, messageIn, tooLarge } from './frames.ts';
import { RouteError } from './status.ts';
import type { CallSpan } from './trace.ts';
import { endOf, timeoutText } from './words.ts';

/** What a call brings along. */
export interface Around {
  /** Wall clock; the worker is told the same. */
  readonly deadlineMs: number;
  /** For the worker. */
  readonly headers: Readonly<Record<string, string>>;
  /** The client is gone. */
  readonly signal: AbortSignal;
  readonly span: CallSpan;
}

export interface Workers {
  /** One call, once. `path`: `/package.Service/Method`. Throws RouteError. */
  unary(target: Target, path: string, request: Buffer, around: Around): Promise<Buffer>;
  /** Begins a call whose bytes go both ways as they are; `onEnd` is told once, with undefined where all went well. */
  open(target: Target, path: string, around: Around, onEnd: OnEnd): ClientHttp2Stream;
  /** How many connections there are. */
  size(): number;
  close(): void;
}

type OnEnd = (error: RouteError | undefined) => void;

/** Calls over HTTP/2 as gRPC has them. Bytes go through as they are: a library that knows more of them is half of a call's cost. */
export function createWorkers(limits: WorkerLimits, nowMs: () => number): Workers {
  const connections = createConnections(limits, nowMs);
  const open = (target: Target, path: string, around: Around, onEnd: OnEnd) => {
    const { session, release } = connections.take(target);
    const end: OnEnd = (error) => {
      release();
      onEnd(error);
    };
    return begin(session, { target, path, around, leftMs: around.deadlineMs - nowMs() }, end);
  };
  return {
    open,
    unary: (target, path, request, around) =>
      new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        let error: RouteError | undefined;
        const stream = open(target, path, around, (failed) => {
          try {
            if (error ?? failed) throw error ?? failed;
            resolve(answerIn(chunks, target, limits.answerBytesMax));
          } catch (cause) {
            reject(cause);
          }
        });
        stream.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes <= limits.answerBytesMax + HEAD_BYTES || error !== undefined) return;
          error = tooLarge(limits.answerBytesMax);
          chunks.length = 0;
          stream.close(constants.NGHTTP2_CANCEL);
        });
        const pieces = framed(request);
        for (const piece of pieces.slice(0, -1)) stream.write(piece);
        stream.end(pieces.at(-1));
      }),
    size: connections.size,
    close: connections.close,
  };
}

function answerIn(chunks: readonly Buffer[], { repo }: Target, bytesMax: number): Buffer {
  const [first = Buffer.alloc(0)] = chunks;
  if (first.length === 0) throw new RouteError('UNKNOWN', `the worker of ${repo} gave no answer`);
  try {
    return messageIn(chunks.length === 1 ? first : Buffer.concat(chunks), undefined, bytesMax);
  } catch (cause) {
    throw new RouteError('INTERNAL', `the worker of ${repo} answered with what is no message`, { cause });
  }
}

interface Beginning {
  readonly target: Target;
  readonly path: string;
  readonly around: Around;
  readonly leftMs: number;
}

/** Sends the headers. Whatever happens, `onEnd` is told once. Throws UNAVAILABLE where the session takes no call. */
function begin(
  session: ClientHttp2Session,
  { target, path, around, leftMs }: Beginning,
  onEnd: OnEnd,
): ClientHttp2Stream {
  const stream = requested(session, path, around, leftMs);
  let why: RouteError | undefined;
  let broken: unknown;
  let ended: IncomingHttpHeaders | undefined;
  const cancel = (error: RouteError) => {
    why ??= error;
    stream.close(constants.NGHTTP2_CANCEL);
  };
  const late = setTimeout(
    () => cancel(new RouteError('DEADLINE_EXCEEDED', `the worker of ${target.repo} did not answer in time`)),
    Math.max(0, leftMs),
  );
  const gone = () => cancel(new RouteError('CANCELLED', 'the client is gone'));
  stream.once('response', (headers) => {
    if (headers[':status'] !== 200) cancel(httpError(target, headers[':status']));
    if (headers['grpc-status'] !== undefined) ended = headers;
  });
  stream.once('trailers', (trailers) => {
    ended = trailers;
  });
  stream.on('error', (error) => {
    broken = error;
  });
  stream.once('close', () => {
    clearTimeout(late);
    around.signal.removeEventListener('abort', gone);
    onEnd(why ?? (ended ? saidIn(ended, target) : lost(session, stream, target, broken)));
  });
  if (around.signal.aborted) gone();
  else around.signal.addEventListener('abort', gone, { once: true });
  return stream;
}

function requested(session: ClientHttp2Session, path: string, { headers }: Around, leftMs: number) {
  return session.request({
    ...headers,
    ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    'grpc-timeout': timeoutText(leftMs),
  });
}

function saidIn(trailers: IncomingHttpHeaders, { repo }: Target): RouteError | undefined {
  const { 'grpc-status': code, 'grpc-message': words = '' } = trailers;
  if (typeof code === 'string' && /^\d{1,3}$/.test(code)) return endOf(code, String(words));
  return new RouteError('INTERNAL', `the worker of ${repo} answered with what is no gRPC`);
}

/** HTTP's statuses of what stands between, or of what is no worker, as gRPC has them. */
const HTTP: Readonly<Record<number, StatusName>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

function httpError({ repo }: Target, status = 0): RouteError {
  return new RouteError(
    HTTP[status] ?? 'UNKNOWN',
    `the worker of ${repo} answered with HTTP status ${status}`,
  );
}

/** It ended without a status. */
function lost(
  session: ClientHttp2Session,
  stream: ClientHttp2Stream,
  target: Target,
  cause: unknown,
): RouteError {
  const { NGHTTP2_REFUSED_STREAM, NGHTTP2_ENHANCE_YOUR_CALM } = constants;
  if (session.destroyed || session.closed || stream.rstCode === NGHTTP2_REFUSED_STREAM)
    return unreachable(target, cause);
  if (stream.rstCode === NGHTTP2_ENHANCE_YOUR_CALM)
    return new RouteError('RESOURCE_EXHAUSTED', `the worker of ${target.repo} has too much to do`, { cause });
  return new RouteError('INTERNAL', `the worker of ${target.repo} broke off without a status`, { cause });
}
