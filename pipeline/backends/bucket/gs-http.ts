import type { IncomingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import type * as Undici from 'undici';
import type { Dispatcher } from 'undici';
import { SamovarError } from '../../errors.ts';
import { abortedError, connectionError, timeoutError } from './gs-errors.ts';
import { createSlots, type Slots } from './gs-slots.ts';
import { createBody } from './whole-body.ts';

/** Requests that may wait for each socket; more means a caller that does not limit itself. */
const WAITING_PER_SOCKET_MAX = 256;
/** Of an error's body only the start is of use. */
const ERROR_BODY_BYTES_MAX = 64 * 1024;

export interface HttpRequest {
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Until the headers, waiting for a socket included; then until each next byte of the body. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** A successful body larger than this, as sent, is a `too-large`. */
  readonly bytesMax?: number;
  /** The thing asked for, for messages. */
  readonly subject: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As sent: a Content-Encoding is not yet undone. */
  readonly bytes: Buffer;
}

export interface HttpStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Dispatcher.ResponseData['body'];
}

/** Sends GETs over a bounded set of kept-alive sockets; one attempt each. */
export interface HttpClient {
  get(request: HttpRequest): Promise<HttpAnswer>;
  /** Resolves at the headers. The body must be read or destroyed, or its socket stays taken. */
  open(request: HttpRequest): Promise<HttpStream>;
  close(): Promise<void>;
}

/** A client for one origin (`https://host:port`). */
export function createHttpClient(
  origin: string,
  options: { readonly connections: number; readonly timeoutMs: number },
): HttpClient {
  // Read with the first client: see gs.ts.
  const { Pool } = createRequire(import.meta.url)('undici') as typeof Undici;
  const pool = new Pool(origin, {
    connections: options.connections,
    pipelining: 1,
    connect: { timeout: options.timeoutMs },
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 300_000,
  });
  const slots = createSlots(options.connections, options.connections * WAITING_PER_SOCKET_MAX);
  return {
    get: (request) => getWhole(pool, slots, request),
    open: (request) => openStream(pool, slots, request),
    close: () => pool.destroy(),
  };
}

/** The lean path: one handler, one timer, no stream object. The deadline starts now, so it covers waiting for a socket too. */
function getWhole(pool: Undici.Pool, slots: Slots, request: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    if (request.signal?.aborted) return reject(abortedError(request.subject, request.signal.reason));
    let leave: (() => void) | undefined;
    const handler = collectBody(request, { resolve, reject, ended: () => leave?.() });
    const { path, headers } = request;
    leave = slots.enter(() => {
      pool.dispatch(
        { method: 'GET', path, headers: { ...headers }, headersTimeout: 0, bodyTimeout: 0 },
        handler,
      );
    });
    if (leave === undefined) handler.onResponseError?.(NOT_STARTED, queueFull(request.subject));
  });
}

/** Stands for the controller of a request that was never sent; nothing calls it. */
const NOT_STARTED: Dispatcher.DispatchController = {
  aborted: true,
  paused: false,
  reason: null,
  abort: () => {},
  pause: () => {},
  resume: () => {},
};

function collectBody(
  request: HttpRequest,
  done: { resolve: (answer: HttpAnswer) => void; reject: (error: SamovarError) => void; ended: () => void },
): Dispatcher.DispatchHandler {
  const { subject, signal, timeoutMs } = request;
  let body = createBody(0);
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  let controller: Dispatcher.DispatchController | undefined;
  let settled = false;
  const settle = (end: () => void) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    end();
  };
  const stop = (error: SamovarError) => {
    settle(() => done.reject(error));
    controller?.abort(error);
    done.ended();
  };
  const onAbort = () => stop(abortedError(subject, signal?.reason));
  const timer = setTimeout(
    () => stop(timeoutError(subject, timeoutMs, status !== 0, body.size())),
    timeoutMs,
  );
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    onRequestStart: (started) => {
      controller = started;
      if (settled) started.abort(abortedError(subject, 'given up before it was sent'));
    },
    onResponseStart: (_controller, statusCode, responseHeaders) => {
      timer.refresh();
      status = statusCode;
      headers = responseHeaders;
      const length = Number(headers['content-length'] ?? 0);
      if (isSuccess(status) && length > limitOf(request))
        stop(tooLarge(request, `Content-Length is ${length}`));
      else if (isSuccess(status)) body = createBody(length);
    },
    onResponseData: (_controller, chunk) => {
      if (settled) return;
      timer.refresh();
      body.add(chunk);
      if (isSuccess(status) && body.size() > limitOf(request))
        return stop(tooLarge(request, `${body.size()} bytes have come`));
      if (isSuccess(status) || body.size() <= ERROR_BODY_BYTES_MAX) return;
      settle(() => done.resolve({ status, headers, bytes: body.whole() }));
      stop(abortedError(subject, 'enough seen of an error'));
    },
    onResponseEnd: () => {
      settle(() => done.resolve({ status, headers, bytes: body.whole() }));
      done.ended();
    },
    onResponseError: (_controller, error) => {
      settle(() => done.reject(connectionError(subject, error, body.size())));
      done.ended();
    },
  };
}

async function openStream(pool: Undici.Pool, slots: Slots, request: HttpRequest): Promise<HttpStream> {
  const { subject, signal, timeoutMs, path } = request;
  if (signal?.aborted) throw abortedError(subject, signal.reason);
  const abort = new AbortController();
  const onAbort = () => abort.abort(abortedError(subject, signal?.reason));
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => abort.abort(timeoutError(subject, timeoutMs, false, 0)), timeoutMs);
  const slot = enterWithin(slots, abort.signal);
  const ended = () => {
    signal?.removeEventListener('abort', onAbort);
    slot.leave?.();
  };
  try {
    if (slot.leave === undefined) throw queueFull(subject);
    await slot.entered;
    const options = {
      signal: abort.signal,
      headers: { ...request.headers },
      headersTimeout: 0,
      bodyTimeout: timeoutMs,
    };
    const { statusCode, headers, body } = await pool.request({ method: 'GET', path, ...options });
    body.once('close', ended);
    return { status: statusCode, headers, body };
  } catch (error) {
    ended();
    throw connectionError(subject, error, 0);
  } finally {
    clearTimeout(timer);
  }
}

/** A turn that is given up, with the signal's reason, when the signal aborts first. */
function enterWithin(
  slots: Slots,
  signal: AbortSignal,
): { entered: Promise<void>; leave: (() => void) | undefined } {
  let leave: (() => void) | undefined;
  const entered = new Promise<void>((resolve, reject) => {
    leave = slots.enter(resolve);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // After the turn has come nobody waits for this promise any more.
  entered.catch(() => {});
  return { entered, leave };
}

function queueFull(subject: string): SamovarError {
  const message = `${subject}: not asked, ${WAITING_PER_SOCKET_MAX} requests wait for each socket; the caller must limit itself`;
  return new SamovarError('internal', message, { subject });
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function limitOf(request: HttpRequest): number {
  return request.bytesMax ?? Number.POSITIVE_INFINITY;
}

function tooLarge(request: HttpRequest, seen: string): SamovarError {
  return new SamovarError(
    'too-large',
    `${request.subject}: not read, ${seen} and the limit is ${request.bytesMax}`,
    {
      subject: request.subject,
    },
  );
}
