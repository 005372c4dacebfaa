import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeRegistry {
  /** `127.0.0.1:port`, as names of images have it. */
  readonly host: string;
  readonly url: string;
  /** `HEAD /v2/team/api/manifests/v1` */
  readonly requests: string[];
  /** What it does instead of its work: answers so, or never. */
  broken: number | 'hang' | undefined;
  close(): Promise<void>;
}

export interface RegistryOptions {
  /** `team/api:v1`, `team/api:sha256:…` */
  readonly images: readonly string[];
  /** Who gets tokens for what is here; undefined: everybody. */
  readonly login?: { readonly user: string; readonly password: string };
  readonly auth?: 'bearer' | 'basic' | 'none';
  /** Where it sends for tokens; default: itself. */
  readonly realm?: string;
}

/** As much of a registry as looking up manifests needs, with tokens for one image each. */
export async function startRegistry(options: RegistryOptions): Promise<FakeRegistry> {
  const requests: string[] = [];
  const state: { broken: FakeRegistry['broken'] } = { broken: undefined };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (state.broken === 'hang') return;
    if (state.broken !== undefined) response.writeHead(state.broken).end();
    else answer(options, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    requests,
    get broken() {
      return state.broken;
    },
    set broken(how) {
      state.broken = how;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(options: RegistryOptions, request: IncomingMessage, response: ServerResponse): void {
  const { images, auth = 'bearer', login } = options;
  const host = String(request.headers.host);
  const url = new URL(request.url ?? '/', `http://${host}`);
  const given = request.headers.authorization ?? '';
  const basic =
    login === undefined ? '' : `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
  if (url.pathname === '/token') {
    if (given !== basic) return void response.writeHead(401).end();
    if (url.searchParams.get('service') !== 'test registry') return void response.writeHead(400).end();
    return void response.end(JSON.stringify({ token: tokenFor(url.searchParams.get('scope') ?? '') }));
  }
  const [, name = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? [];
  const wanted = auth === 'basic' ? basic : `Bearer ${tokenFor(`repository:${name}:pull`)}`;
  if (auth !== 'none' && given !== wanted) {
    const realm = options.realm ?? `http://${host}/token`;
    const challenge =
      auth === 'basic'
        ? 'Basic realm="it"'
        : `Bearer realm="${realm}",service="test registry",scope="repository:${name}:pull"`;
    return void response.writeHead(401, { 'www-authenticate': challenge }).end();
  }
  const accepts = String(request.headers.accept).includes('application/vnd.oci.image.index.v1+json');
  const isThere = request.method === 'HEAD' && accepts && images.includes(`${name}:${reference}`);
  response.writeHead(isThere ? 200 : 404).end();
}

function tokenFor(scope: string): string {
  return Buffer.from(scope).toString('base64url');
}
