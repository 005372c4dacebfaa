import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with one request. */
export type ProxyFault =
  /** The answer comes, later. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Never carried out, never answered. */
  | { readonly kind: 'stall' }
  /** Carried out; the answer never comes. */
  | { readonly kind: 'stall-answer' }
  /** The connection is reset before anything is carried out. */
  | { readonly kind: 'reset' }
  /** Carried out; the connection is reset before the answer. */
  | { readonly kind: 'lost-answer' }
  /** Carried out; the connection is reset in the middle of the answer. */
  | { readonly kind: 'reset-body' }
  /** Carried out; Content-Length says more than comes. */
  | { readonly kind: 'short-body' }
  /** Carried out; the first half of the answer, with the right length for that. */
  | { readonly kind: 'truncated-json' }
  /** Not carried out: a page of some proxy's. */
  | { readonly kind: 'html'; readonly status: number }
  /** Not carried out. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** Carried out; the Date header is wrong by so much. */
  | { readonly kind: 'date'; readonly seconds: number };

export interface ProxyRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
}

export interface Exchange extends ProxyRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type ProxyChoice = (request: ProxyRequest) => ProxyFault | undefined;

export interface FaultProxy {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  /** Faults so far. */
  injected(): number;
  /** Decides what goes wrong with each request from now on. */
  choose(choice: ProxyChoice | undefined): void;
  /** Requests that were passed on and change something, in their order. */
  readonly exchanges: readonly Exchange[];
  stop(): Promise<void>;
}

const HTML = '<!DOCTYPE html><html><body><h1>Please sign in to the network</h1></body></html>';

/** Stands before a server on this machine and does to its requests and answers what networks and proxies do. */
export async function startFaultProxy(target: string, first?: ProxyChoice): Promise<FaultProxy> {
  let choice = first;
  let injected = 0;
  const exchanges: Exchange[] = [];
  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    const given = { method: message.method ?? 'GET', path: message.url ?? '/' };
    const body = await readAll(message);
    const fault = choice?.(given);
    if (fault !== undefined) injected += 1;
    if (fault !== undefined && refuses(fault, response)) return;
    const exchange = { ...given, headers: message.headers, body };
    if (given.method !== 'GET') exchanges.push(exchange);
    await answer(response, await forward(target, exchange), fault);
  };
  const server = createServer((message, response) => {
    handle(message, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    injected: () => injected,
    choose: (next) => {
      choice = next;
    },
    exchanges,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Makes requests again, on another server: it then is as the first one was. */
export async function replay(exchanges: readonly Exchange[], target: string): Promise<void> {
  for (const exchange of exchanges) await forward(target, exchange);
}

/** What is answered without the server; true when it is. */
function refuses(fault: ProxyFault, response: ServerResponse): boolean {
  if (fault.kind === 'reset') response.socket?.resetAndDestroy();
  else if (fault.kind === 'html') response.writeHead(fault.status, { 'content-type': 'text/html' }).end(HTML);
  else if (fault.kind === 'status') {
    const { status, retryAfter } = fault;
    response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
  } else return fault.kind === 'stall';
  return true;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function answer(response: ServerResponse, found: Answer, fault: ProxyFault | undefined): Promise<void> {
  if (fault?.kind === 'stall-answer') return;
  if (fault?.kind === 'lost-answer') return void response.socket?.resetAndDestroy();
  if (fault?.kind === 'latency') await sleep(fault.ms);
  const { 'transfer-encoding': _chunked, connection: _connection, ...kept } = found.headers;
  const headers: Record<string, string | string[] | number | undefined> = { ...kept };
  if (fault?.kind === 'date') headers.date = new Date(Date.now() + fault.seconds * 1000).toUTCString();
  const half = found.body.subarray(0, Math.floor(found.body.length / 2));
  const body = fault?.kind === 'truncated-json' ? half : found.body;
  headers['content-length'] = body.length;
  response.writeHead(found.status, headers);
  if (fault?.kind !== 'reset-body' && fault?.kind !== 'short-body') return void response.end(body);
  await new Promise((resolve) => response.write(half, resolve));
  // Long enough for the half to be read: a reset throws away what is still on its way.
  await sleep(20);
  if (fault.kind === 'reset-body') response.socket?.resetAndDestroy();
  else response.socket?.end();
}

function forward(target: string, { method, path, headers, body }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { 'transfer-encoding': _chunked, connection: _connection, ...kept } = headers;
    const sent = request(
      `${target}${path}`,
      { method, headers: { ...kept, ...(method !== 'GET' && { 'content-length': body.length }) } },
      (response) => {
        readAll(response).then(
          (content) =>
            resolve({ status: response.statusCode ?? 502, headers: response.headers, body: content }),
          reject,
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
