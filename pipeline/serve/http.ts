import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { SamovarError } from '../errors.ts';
import { parseAddress } from '../monitor/server.ts';

const HEADER_BYTES_MAX = 16_384;
const REQUEST_MS = 10_000;
/** Longer than a follower waits for news. */
const SILENCE_MS = 90_000;
const CONNECTIONS_MAX = 1_000;
const DRAIN_MS = 5_000;

export interface HttpServer {
  readonly url: string;
  /** Takes nothing new, and lets answers end for a few seconds. */
  close(): Promise<void>;
}

export interface HttpOptions {
  /** `HOST:PORT`, or `PORT` for this machine only. */
  readonly address: string;
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** Everything a client can draw out has an end. Throws `config` for an address that cannot be listened on. */
export async function startHttp({ address, fetch }: HttpOptions): Promise<HttpServer> {
  const { host, port } = parseAddress(address);
  const server = createAdaptorServer({
    fetch,
    // Else the Request and Response of the whole process would be replaced.
    overrideGlobalObjects: false,
    serverOptions: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1_000,
    },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(SILENCE_MS);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(address, cause)));
    server.listen(port, host, resolve);
  });
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`,
    close: () => drain(server),
  };
}

function cannotListen(address: string, cause: Error): SamovarError {
  const code = (cause as NodeJS.ErrnoException).code ?? cause.message;
  return new SamovarError('config', `cannot listen on ${address} for HTTP: ${code}`, {
    subject: address,
    remedy: 'Choose another address with --http, or end what listens there.',
    cause,
  });
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
