import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { addressText } from './address.ts';

export interface HttpLimits {
  readonly connectionsMax: number;
  /** A connection on which nothing happens for so long is closed. */
  readonly silenceMs: number;
  /** From a request's first byte to its last. */
  readonly requestMs: number;
  readonly headerBytesMax: number;
}

export type Fetch = (request: Request) => Response | Promise<Response>;

export interface Listening {
  readonly url: string;
  /** Takes nothing new, and lets answers end for a few seconds. */
  close(): Promise<void>;
}

const KEEP_ALIVE_MS = 10_000;
const DRAIN_MS = 5_000;

/** Serves pages. Everything a client can draw out has an end: its head, its body, its silence, its number of connections. */
export function createHttp(fetch: Fetch, limits: HttpLimits): Server {
  const server = createAdaptorServer({
    fetch,
    // Else the Request and Response of the whole process would be replaced.
    overrideGlobalObjects: false,
    serverOptions: {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.requestMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(1_000, limits.requestMs),
    },
  }) as Server;
  server.maxConnections = limits.connectionsMax;
  server.setTimeout(limits.silenceMs);
  return server;
}

/** Throws what the system says against the address. */
export async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const chosen = (server.address() as AddressInfo).port;
  return { url: `http://${addressText(host, chosen)}`, close: () => drain(server) };
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
