import { randomBytes } from 'node:crypto';
import type { Hono } from 'hono';
import type { Metrics, Progress } from '../monitor/contract.ts';
import { createFilters } from './filter.ts';
import { type GrpcServer, type GrpcService, startGrpc } from './grpc.ts';
import {
  HEALTH_NAMES,
  HEALTH_SERVICE,
  healthGrpc,
  ISSUE_SERVICE,
  internalGrpc,
  issueGrpc,
  REFLECTION_SERVICE,
  reflectionGrpc,
} from './grpc-services.ts';
import { createHealth } from './health.ts';
import { type HttpServer, startHttp } from './http.ts';
import { keyCheck } from './key.ts';
import { createRequestMetrics } from './metrics.ts';
import { loadProto } from './proto.ts';
import { reflection } from './reflection.ts';
import type { Served } from './served.ts';
import { issueService } from './service.ts';
import { pageTokens } from './token.ts';
import type { EncodeTombstone } from './tombstones.ts';
import { webPages } from './web.ts';

/** Each is `HOST:PORT`, or `PORT` for this machine only; undefined: not served. */
export interface Addresses {
  readonly grpc?: string;
  /** For those who run it: TombstoneIssues. It asks for no key. */
  readonly internal?: string;
  readonly http?: string;
}

export interface ServerOptions {
  readonly served: Served;
  readonly addresses: Addresses;
  readonly encodeTombstone: EncodeTombstone;
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly log: (message: string, error: unknown) => void;
  /** Clients must give it; undefined: anyone may ask. */
  readonly apiKey?: string;
  /** Servers with the same one read each other's page tokens; default: one of this process' own. */
  readonly tokenSecret?: string;
  /** More pages, for instance a webhook's. */
  readonly mount?: { readonly path: string; readonly app: Hono };
  readonly limits?: { readonly pageMs?: number; readonly countMs?: number };
  readonly logLimits?: { readonly waitMs?: number; readonly pollMs?: number };
}

export interface RunningServer {
  readonly grpc?: string;
  readonly internal?: string;
  readonly http?: string;
  /** Takes nothing new, lets those go who wait, and ends within a few seconds. */
  close(): Promise<void>;
}

/** Listens at once, during the replay too: what is not ready says so. Throws `config` for an address that cannot be had. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { served, addresses, apiKey, log } = options;
  const stop = new AbortController();
  const closers: (() => void | Promise<void>)[] = [() => stop.abort()];
  const close = async () => {
    for (const work of closers.splice(0)) await work();
  };
  const service = issueService({ ...options, filters: createFilters(), tokens: tokensOf(options) });
  const requests = createRequestMetrics(options.monotonicMs);
  const proto = await loadProto();
  const health = createHealth({ served, services: HEALTH_NAMES });
  closers.push(health.end, health.close);
  const reflect = reflection(await loadProto({ keepCase: true }), [
    ISSUE_SERVICE,
    HEALTH_SERVICE,
    REFLECTION_SERVICE,
  ]);
  const listen = async (
    address: string | undefined,
    services: readonly GrpcService[],
    allows: (key?: string) => boolean,
  ): Promise<GrpcServer | undefined> => {
    if (address === undefined) return undefined;
    const server = await startGrpc({ address, proto, services, allows, log, begin: requests.begin });
    closers.push(server.close);
    return server;
  };
  try {
    const allows = keyCheck(apiKey);
    const shared = [healthGrpc(health), reflectionGrpc(reflect as never)];
    const grpc = await listen(addresses.grpc, [issueGrpc(service), ...shared], allows);
    const internal = await listen(
      addresses.internal,
      [internalGrpc(served, options.encodeTombstone), healthGrpc(health)],
      keyCheck(undefined),
    );
    const http = await listenHttp(addresses.http, () =>
      webPages({ ...options, service, requests, allows, stopping: stop.signal }),
    );
    if (http !== undefined) closers.push(http.close);
    return {
      ...(grpc && { grpc: grpc.address }),
      ...(internal && { internal: internal.address }),
      ...(http && { http: http.url }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listenHttp(address: string | undefined, pages: () => Hono): Promise<HttpServer | undefined> {
  return address === undefined ? undefined : startHttp({ address, fetch: pages().fetch });
}

function tokensOf({ tokenSecret }: ServerOptions) {
  return pageTokens(tokenSecret === undefined ? randomBytes(32) : Buffer.from(tokenSecret));
}
