import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { frameRecord } from '../../pipeline/records/mutation/framing.ts';

/** What a request is answered with instead of what it asks for: `cut` bytes of the body, then a broken connection; or a status. */
export type Fault = { readonly cut: number } | { readonly status: number; readonly retryAfter?: number };

/** A server of one mutation log as maintner's are: `/logs`, `/logs/N`, and a place for segments that do not grow any more. */
export interface LogServer {
  /** Of the list. */
  readonly url: string;
  /** `GET /logs`, `GET /frozen/0 bytes=5-9`, as they came. */
  readonly requests: string[];
  /** Adds records to the last segment. */
  append(payloads: readonly Uint8Array[]): void;
  /** The next record begins a new segment. */
  rotate(): void;
  /** Replaces the whole log. */
  replace(segments: readonly Buffer[]): void;
  segments(): readonly Buffer[];
  /** Answers the next request whose path matches with a fault, once. */
  fault(path: RegExp, fault: Fault): void;
  /** Whether ranges are understood. */
  ranges: boolean;
}

/** How long a poll waits here: enough for a test to append meanwhile. */
const POLL_MS = 1_000;

export async function startLogServer(): Promise<LogServer> {
  const state: State = {
    segments: [Buffer.alloc(0)],
    faults: [],
    requests: [],
    ranges: true,
    waiting: new Set(),
  };
  const server = createServer((request, response) => void answer(state, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const changed = () => {
    for (const wake of state.waiting) wake();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs`,
    requests: state.requests,
    append: (payloads) => {
      for (const payload of payloads) {
        const last = state.segments.pop() ?? Buffer.alloc(0);
        state.segments.push(Buffer.concat([last, frameRecord(last.length, payload)]));
      }
      changed();
    },
    rotate: () => void state.segments.push(Buffer.alloc(0)),
    replace: (segments) => {
      state.segments = [...segments];
      changed();
    },
    segments: () => state.segments,
    fault: (path, fault) => void state.faults.push({ path, fault }),
    get ranges() {
      return state.ranges;
    },
    set ranges(known: boolean) {
      state.ranges = known;
    },
  };
}

interface State {
  segments: Buffer[];
  readonly faults: { readonly path: RegExp; readonly fault: Fault }[];
  readonly requests: string[];
  ranges: boolean;
  readonly waiting: Set<() => void>;
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', `http://${request.headers.host}`);
  state.requests.push(
    [request.method, url.pathname + url.search, request.headers.range].filter(Boolean).join(' '),
  );
  const at = state.faults.findIndex(({ path }) => path.test(url.pathname));
  const fault = at === -1 ? undefined : state.faults.splice(at, 1)[0]?.fault;
  if (fault !== undefined && 'status' in fault) {
    if (fault.retryAfter !== undefined) response.setHeader('retry-after', String(fault.retryAfter));
    return void response.writeHead(fault.status).end('no\n');
  }
  if (request.method !== 'GET') return void response.writeHead(400).end();
  if (url.pathname === '/logs') return list(state, url, response, fault?.cut);
  const [, place, digits = ''] = /^\/(logs|frozen)\/(\d+)$/.exec(url.pathname) ?? [];
  const number = Number(digits);
  const current = state.segments.length - 1;
  if (place === undefined) return void response.writeHead(404).end();
  if (number > current) return void response.writeHead(400).end();
  if (place === 'logs' && number < current)
    return void response.writeHead(302, { location: `/frozen/${number}` }).end();
  send(state, request, response, state.segments[number] ?? Buffer.alloc(0), fault?.cut);
}

async function list(
  state: State,
  url: URL,
  response: ServerResponse,
  cut: number | undefined,
): Promise<void> {
  const sizeNot = url.searchParams.get('waitsizenot');
  const total = () => state.segments.reduce((sum, { length }) => sum + length, 0);
  if (sizeNot !== null) {
    const end = Date.now() + POLL_MS;
    while (total() === Number(sizeNot) && Date.now() < end) {
      await new Promise<void>((resolve) => {
        state.waiting.add(resolve);
        setTimeout(resolve, end - Date.now());
      });
      state.waiting.clear();
    }
    if (total() === Number(sizeNot)) return void response.writeHead(304).end();
  }
  const entries = state.segments.flatMap((bytes, number) => {
    const sha224 = createHash('sha224').update(bytes).digest('hex');
    const growing = number === state.segments.length - 1;
    if (growing && bytes.length === 0) return [];
    const place = growing ? `/logs/${number}` : `${url.origin}/frozen/${number}`;
    return [{ number, size: bytes.length, sha224, url: place }];
  });
  const body = Buffer.from(JSON.stringify(entries, null, '\t'));
  response.writeHead(200, { 'content-length': body.length, 'x-sum-segment-size': String(total()) });
  write(response, body, cut);
}

function send(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  cut: number | undefined,
): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined || last === undefined || !state.ranges) {
    response.writeHead(200, { 'content-length': bytes.length });
    write(response, bytes, cut);
    return;
  }
  const [start, end] = [Number(first), Math.min(Number(last) + 1, bytes.length)];
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const range = `bytes ${start}-${end - 1}/${bytes.length}`;
  response.writeHead(206, { 'content-length': end - start, 'content-range': range });
  write(response, bytes.subarray(start, end), cut);
}

function write(response: ServerResponse, body: Buffer, cut: number | undefined): void {
  if (cut === undefined) response.end(body);
  else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
}
