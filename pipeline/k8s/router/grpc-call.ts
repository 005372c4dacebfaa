import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { StatusName } from '../../net/grpc-status.ts';
import { type AroundOptions, aroundOf } from './around.ts';
import type { Around } from './calls.ts';
import { framed } from './frames.ts';
import { RouteError, routeError } from './status.ts';
import type { Tracing } from './trace.ts';
import { OK_TRAILERS, readTimeout, trailersOf } from './words.ts';

export interface CallOptions extends AroundOptions {
  readonly tracing: Tracing;
  readonly begin: () => (method: string, status: StatusName) => void;
  readonly log: (path: string, error: RouteError, trace: string) => void;
}

/** A client's call: it ends once, whichever way. */
export interface Call {
  readonly stream: ServerHttp2Stream;
  readonly around: Around;
  readonly key: string | undefined;
  /** How the client's messages are packed. */
  readonly encoding: string | undefined;
  /** The headers of an answer, before its first message. `encoding`: how its messages are packed. */
  start(encoding?: string | readonly string[]): void;
  send(message: Buffer): void;
  end(): void;
  fail(error: unknown): void;
}

const HEADERS = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': 'identity,gzip,deflate',
} as const;
/** After the deadline: what waits for a worker says it in better words. */
const LATE_MS = 100;
const TIMER_MS_MAX = 2 ** 31 - 1;

export function beginCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  path: string,
  options: CallOptions,
): Call {
  const ended = options.begin();
  const get = (name: string) => textIn(headers, name);
  const span = options.tracing.begin(path, 'grpc', get);
  const gone = new AbortController();
  const timeoutMs = timeoutIn(headers);
  const around = aroundOf(get, { timeoutMs, signal: gone.signal, span }, options);
  const answer = answering(stream);
  let isOver = false;
  const over = (status: StatusName) => {
    if (isOver) return false;
    isOver = true;
    ended(path, status);
    span.end(status);
    return true;
  };
  const fail = (error: unknown) => {
    const found = routeError(error);
    if (!over(found.status)) return;
    options.log(path, found, span.traceparent);
    answer.end(trailersOf(found));
  };
  const late = setTimeout(
    () => {
      fail(new RouteError('DEADLINE_EXCEEDED', 'the call was not answered in time'));
      gone.abort('the deadline is over');
      // Whoever reads no answer must not keep it here.
      stream.close(constants.NGHTTP2_CANCEL);
    },
    Math.min(around.deadlineMs - options.nowMs() + LATE_MS, TIMER_MS_MAX),
  );
  stream.once('close', () => {
    clearTimeout(late);
    if (!over('CANCELLED')) return;
    // With a reason, so that no exception is made for it.
    gone.abort('the client is gone');
  });
  // Broken off by the client: nothing is left to say.
  stream.on('error', () => undefined);
  return {
    ...{ stream, around, key: get('x-api-key'), encoding: get('grpc-encoding') },
    ...{ start: answer.start, send: answer.send, fail },
    end: () => {
      if (over('OK')) answer.end(OK_TRAILERS);
    },
  };
}

/** A call without a deadline has none; one that cannot be read is as one that has none: the router's own holds. */
function timeoutIn(headers: IncomingHttpHeaders): number {
  try {
    return readTimeout(textIn(headers, 'grpc-timeout'));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function answering(stream: ServerHttp2Stream) {
  let trailers: Readonly<Record<string, string>> = OK_TRAILERS;
  const isShut = () => stream.destroyed || stream.closed;
  const start = (encoding?: string | readonly string[]) => {
    if (isShut() || stream.headersSent) return;
    stream.once('wantTrailers', () => stream.sendTrailers(trailers));
    const headers = encoding === undefined ? HEADERS : { ...HEADERS, 'grpc-encoding': String(encoding) };
    stream.respond(headers, { waitForTrailers: true });
  };
  return {
    start,
    send: (message: Buffer) => {
      start();
      if (!isShut()) for (const piece of framed(message)) stream.write(piece);
    },
    end: (last: Readonly<Record<string, string>>) => {
      if (isShut()) return;
      trailers = last;
      if (stream.headersSent) stream.end();
      else stream.respond({ ...HEADERS, ...last }, { endStream: true });
      // What the client still has to say is not waited for.
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
    },
  };
}

function textIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
