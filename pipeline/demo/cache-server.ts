import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CacheUpstreamsOptions,
  cacheUpstreams,
  UPSTREAM_NAMES,
  type UpstreamReply,
} from './cache-upstreams.ts';

/** What is to go wrong with an upstream until it is called off. */
export interface UpstreamTrouble {
  /** Answered instead: 500, 429, 503. */
  readonly status?: number;
  /** Goes with `status`. */
  readonly retryAfterS?: number;
  /** Each answer waits so long. */
  readonly delayMs?: number;
  /** The answer's body instead of the right one. */
  readonly body?: string;
}

export interface RunningUpstreams {
  /** Base URL of each, on a port of its own: each is a host with a budget of its own. */
  readonly urls: Readonly<Record<string, string>>;
  /** Requests so far: of one upstream, or of all. */
  requests(host?: string): number;
  /** The latest first: `PATH?QUERY`. */
  log(host: string): readonly string[];
  /** Undefined: it is well again. */
  trouble(host: string, trouble: UpstreamTrouble | undefined): void;
  /** Something of it is another from now on. */
  change(host: string): void;
  close(): Promise<void>;
}

const LOG_MAX = 10_000;

/** Serves `cacheUpstreams` on this machine: `http://127.0.0.1:PORT/bodhi`, and so on. */
export async function startCacheUpstreams(options: CacheUpstreamsOptions): Promise<RunningUpstreams> {
  const upstreams = cacheUpstreams(options);
  const troubles = new Map<string, UpstreamTrouble>();
  const logs = new Map<string, string[]>(UPSTREAM_NAMES.map((name) => [name, []]));
  const counts = new Map<string, number>();
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://upstream');
    const [, host = '', rest = ''] = /^\/([^/]*)(.*)$/.exec(url.pathname) ?? [];
    counts.set(host, (counts.get(host) ?? 0) + 1);
    const log = logs.get(host);
    if (log !== undefined && log.length < LOG_MAX) log.push(`${rest}${url.search}`);
    const { delayMs = 0, ...trouble } = troubles.get(host) ?? {};
    const headers = request.headers as Readonly<Record<string, string | undefined>>;
    const answer = () => upstreams.answer({ host, path: rest || '/', query: url.searchParams, headers });
    const send = () => write(response, troubled(trouble) ?? answer());
    if (delayMs > 0) setTimeout(send, delayMs);
    else send();
  };
  const servers = await Promise.all(
    UPSTREAM_NAMES.map(async (name) => [name, await listen(handle)] as const),
  );
  return {
    urls: Object.fromEntries(servers.map(([name, server]) => [name, urlOf(server, name)])),
    requests: (host) =>
      host === undefined
        ? [...counts.values()].reduce((sum, count) => sum + count, 0)
        : (counts.get(host) ?? 0),
    log: (host) => (logs.get(host) ?? []).toReversed(),
    trouble: (host, trouble) => {
      if (trouble === undefined) troubles.delete(host);
      else troubles.set(host, trouble);
    },
    change: (host) => upstreams.change(host),
    close: async () => {
      await Promise.all(servers.map(([, server]) => close(server)));
    },
  };
}

function troubled({ status, retryAfterS, body }: UpstreamTrouble): UpstreamReply | undefined {
  if (status === undefined && body === undefined) return undefined;
  const wait: Record<string, string> = {};
  if (retryAfterS !== undefined) wait['retry-after'] = String(retryAfterS);
  return { status: status ?? 200, headers: wait, body: body ?? '{"error": "so it was asked for"}' };
}

function write(response: ServerResponse, { status, headers, body }: UpstreamReply): void {
  response.writeHead(status, headers);
  response.end(body);
}

function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(handle);
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function urlOf(server: Server, name: string): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
