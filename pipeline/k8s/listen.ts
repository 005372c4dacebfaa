import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { SamovarError } from '../errors.ts';

export interface ListenLimits {
  readonly connectionsMax: number;
  /** A connection on which nothing happens for so long is closed. */
  readonly silenceMs: number;
}

export interface Listening {
  readonly url: string;
  /** Takes nothing new, and lets answers end for a few seconds. */
  close(): Promise<void>;
}

const DRAIN_MS = 5_000;

/** Serves pages at `HOST:PORT`, or at `PORT` of this machine only. Throws `config` for an address that cannot be had. */
export async function listenHttp(
  address: string,
  fetch: (request: Request) => Response | Promise<Response>,
  { connectionsMax, silenceMs }: ListenLimits,
): Promise<Listening> {
  const { host, port } = hostAndPort(address);
  const clientMs = Math.min(silenceMs, 10_000);
  const server = createAdaptorServer({
    fetch,
    // Else Request and Response of the whole process would be others.
    overrideGlobalObjects: false,
    serverOptions: { maxHeaderSize: 16_384, headersTimeout: clientMs, requestTimeout: clientMs },
  }) as Server;
  server.maxConnections = connectionsMax;
  server.setTimeout(silenceMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(address, cause)));
    server.listen(port, host, resolve);
  });
  const chosen = (server.address() as AddressInfo).port;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`, close: () => drain(server) };
}

/** `9109`, `0.0.0.0:9109`, `[::]:9109`, and Go's `:9109` for every address. Throws `config`. */
export function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const [, given, digits = ''] = /^(?:([^\s:/[\]]*|\[[0-9a-fA-F:.]+\]):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = given === undefined ? '127.0.0.1' : given.replace(/^\[|\]$/g, '') || '0.0.0.0';
  if (digits !== '' && port <= 65_535) return { host, port };
  throw new SamovarError('config', `${JSON.stringify(text)} is no address to listen on`, {
    remedy: 'Write PORT (this machine only) or HOST:PORT, for instance 0.0.0.0:6343.',
  });
}

export function cannotListen(address: string, cause: Error): SamovarError {
  return new SamovarError('config', `cannot listen on ${address}: ${cause.message}`, {
    subject: address,
    remedy: 'Choose another address, or end what listens there.',
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
