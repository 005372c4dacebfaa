import { subscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { patch, point } from './points.ts';

interface UndiciRequest {
  readonly method: string;
  readonly path: string;
}

interface NodeRequest {
  readonly method: string;
  readonly path: string;
}

/**
 * Requests of Node's own http and of undici (fetch too). One that only reads leaves the world as it was: it has one point.
 * Another has three: before it is sent, when all of it is sent and nobody knows whether it was carried out, and when its
 * answer begins.
 */
export function watchHttp(): void {
  for (const module of [http, https])
    patch(
      module,
      'request',
      (original) =>
        function (this: unknown, ...args) {
          const { method = 'GET', path = '' } = optionsOf(args);
          point('http', 'before', `${method} ${path}`);
          return original.apply(this, args);
        },
    );
  syncBuiltinESMExports();
  on<{ readonly request: NodeRequest }>('http.client.request.start', ({ request }) => later('sent', request));
  on<{ readonly request: NodeRequest }>('http.client.response.finish', ({ request }) =>
    later('after', request),
  );
  on<{ readonly request: UndiciRequest }>('undici:request:create', ({ request }) =>
    point('http', 'before', `${request.method} ${request.path}`),
  );
  on<{ readonly request: UndiciRequest }>('undici:request:bodySent', ({ request }) => later('sent', request));
  on<{ readonly request: UndiciRequest }>('undici:request:headers', ({ request }) => later('after', request));
}

function later(when: 'sent' | 'after', { method, path }: UndiciRequest): void {
  if (method !== 'GET') point('http', when, `${method} ${path}`);
}

function on<T>(channel: string, handle: (message: T) => void): void {
  subscribe(channel, (message) => handle(message as T));
}

function optionsOf(args: readonly unknown[]): { readonly method?: string; readonly path?: string } {
  const found = args.find((one) => typeof one === 'object' && one !== null && !(one instanceof URL));
  return (found ?? {}) as { readonly method?: string; readonly path?: string };
}
