import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { SamovarError } from '../errors.ts';
import type { Metrics, Progress, Readiness } from './contract.ts';
import { createPages } from './pages.ts';

/** From a request's first byte to its last, and for a client that neither sends nor takes anything. */
const REQUEST_DEADLINE_MS = 10_000;
const SILENCE_MAX_MS = 30_000;
const HEADER_BYTES_MAX = 8_192;
const CONNECTIONS_MAX = 64;
const READY_DEADLINE_MS = 5_000;

interface MonitorLimits {
  readonly requestMs?: number;
  readonly silenceMs?: number;
  readonly readyMs?: number;
}

export interface MonitorOptions {
  /** `HOST:PORT`, or `PORT`, which listens on this machine only. */
  readonly address: string;
  readonly progress: Progress;
  readonly metrics: Metrics;
  /** Asked by /readyz, once at a time; without an answer after 5 s that is the answer. */
  readonly ready: () => Promise<readonly Readiness[]>;
  /** Told why a page failed: the page itself does not say. */
  readonly log?: (message: string, error: unknown) => void;
  /** For tests, in milliseconds. */
  readonly limits?: MonitorLimits;
}

export interface Monitor {
  readonly url: string;
  /** Ends at once, whatever connections are open. */
  close(): Promise<void>;
}

/**
 * Serves /healthz (is anything stuck?), /readyz (can it work?) and /metrics (Prometheus). Throws `config` for an address that is
 * none or cannot be listened on.
 */
export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const { address, limits = {}, log = () => undefined } = options;
  const { host, port } = parseAddress(address);
  const pages = createPages({ ...options, log, readyMs: limits.readyMs ?? READY_DEADLINE_MS });
  const server = createServer(pages.fetch, limits);
  await new Promise<void>((resolve, reject) => {
    server.on('error', (cause) => {
      log('the monitor failed', cause);
      // Of no effect once it listens.
      reject(cannotListen(address, cause));
    });
    server.listen(port, host, resolve);
  });
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Everything a client can draw out has an end: its head, its body, its silence, its number of connections. */
function createServer(
  fetch: (request: Request) => Response | Promise<Response>,
  limits: MonitorLimits,
): Server {
  const { requestMs = REQUEST_DEADLINE_MS, silenceMs = SILENCE_MAX_MS } = limits;
  const server = createAdaptorServer({
    fetch,
    // Else the Request and Response of the whole process would be replaced.
    overrideGlobalObjects: false,
    serverOptions: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      keepAliveTimeout: REQUEST_DEADLINE_MS,
      connectionsCheckingInterval: Math.min(1_000, requestMs),
    },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(silenceMs);
  return server;
}

/** `9109`, `0.0.0.0:9109`, `[::]:9109`. Throws `config`. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const [, host = '127.0.0.1', digits = ''] =
    /^(?:([^\s:/[\]]+|\[[0-9a-fA-F:.]+\]):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits !== '' && port <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port };
  throw new SamovarError('config', `${JSON.stringify(text)} is no address to listen on`, {
    remedy: 'Write PORT (this machine only) or HOST:PORT, for instance 0.0.0.0:9109.',
  });
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'there is no such host',
};

function cannotListen(address: string, cause: Error): SamovarError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  return new SamovarError('config', `cannot listen on ${address}: ${WHY[code] ?? cause.message}`, {
    subject: address,
    remedy: 'Choose another address with --monitor or monitor_address, or end what listens there.',
    cause,
  });
}
