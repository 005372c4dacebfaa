import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach } from 'vitest';
import type { HostBudget } from '../../pipeline/collect/sources/http/budgets.ts';
import {
  type HttpUpstreamOptions,
  openUpstream,
  type RequestEvent,
} from '../../pipeline/collect/sources/http/upstream.ts';
import { openStore } from '../../pipeline/store/open.ts';

export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly atMs: number;
}

type Answer = (response: ServerResponse, asked: Asked) => void;

/** A server on this machine; `answer` may be changed. Its requests are in `asked`. */
export async function startServer(answer: Answer) {
  const place = { answer, asked: [] as Asked[], running: 0, most: 0, url: '', host: '', nowMs: () => 0 };
  const server = createServer((request, response) => {
    const asked = { path: request.url ?? '', headers: request.headers, atMs: place.nowMs() };
    place.asked.push(asked);
    place.running += 1;
    place.most = Math.max(place.most, place.running);
    response.on('close', () => {
      place.running -= 1;
    });
    place.answer(response, asked);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  place.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  place.url = `http://${place.host}`;
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return place;
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

export const BUDGET: HostBudget = { concurrency: 4, gapMs: 0, failuresMax: 100, openMs: 60_000 };

/** Sleeping puts the clock on, so nobody waits. */
export function openPlace(
  more: Partial<HttpUpstreamOptions> & {
    readonly budget?: Partial<HostBudget>;
    readonly file?: string;
    readonly clock?: { nowMs: number };
  } = {},
) {
  const { budget = {}, file = ':memory:', clock = { nowMs: Date.UTC(2030, 0, 1) }, ...options } = more;
  const store = openStore(file, { nowMs: () => clock.nowMs });
  const slept: number[] = [];
  const events: RequestEvent[] = [];
  const http = openUpstream({
    hosts: store.cache.hosts,
    budgets: { standard: { ...BUDGET, ...budget }, hosts: {} },
    nowMs: () => clock.nowMs,
    sleep: async (ms) => {
      slept.push(ms);
      clock.nowMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
    random: () => 0.5,
    userAgent: 'samovar-test (admin@example.org)',
    signal: new AbortController().signal,
    onRequest: (event) => events.push(event),
    ...options,
  });
  open.push(async () => {
    await http.close();
    store.close();
  });
  return { http, store, clock, slept, events };
}

export const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
