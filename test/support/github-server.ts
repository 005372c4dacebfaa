import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerQuery } from './github-graphql.ts';
import { type Budgets, createBudgets, type Limits, tokenOf } from './github-limits.ts';
import { type RestAnswer, restAnswer } from './github-lists.ts';
import { createWorld, findRepo, type World, type WorldRepo } from './github-world.ts';

export interface GithubRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string;
  readonly conditional: boolean;
  /** Of what was sent to /graphql. */
  readonly graphql?: string;
  /** What it was answered. */
  status: number;
}

/** What goes wrong with a request: another answer, a connection that breaks, a body that is cut off, no answer at all. */
export type GithubFault =
  | {
      readonly status: number;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | 'reset'
  | 'cut'
  | 'hang';

export interface GithubServerOptions {
  readonly nowMs?: number;
  /** GitHub's clock runs by so much before what answers' `Date` says of it. */
  readonly limits?: Limits;
  /** Tokens that are accepted; default: any. Others get a 401. */
  readonly tokens?: readonly string[];
  /** An ETag is good for the token that got it, as on GitHub (default); false: for every one. */
  readonly etagsByToken?: boolean;
  readonly sinceIsExclusive?: boolean;
  /** Decides what goes wrong with the n-th request, from 1 on. Things may be done in the world here, too. */
  readonly before?: (request: GithubRequest, n: number) => GithubFault | undefined;
}

export interface GithubServer {
  /** `http://127.0.0.1:port`, as the API's endpoint. */
  readonly endpoint: string;
  readonly world: World;
  readonly budgets: Budgets;
  readonly requests: GithubRequest[];
  setBefore(before: GithubServerOptions['before']): void;
  close(): Promise<void>;
}

/** A strict GitHub that keeps what it is told: what it does not know is refused. */
export async function startGithub(options: GithubServerOptions = {}): Promise<GithubServer> {
  const world = createWorld(options.nowMs ?? Date.parse('2026-11-20T12:00:00Z'));
  const around: Around = {
    ...{ world, options, base: '', requests: [], before: options.before },
    budgets: createBudgets(world, options.limits ?? {}),
  };
  const server = createServer((request, response) => {
    handle(around, request, response).catch((error: unknown) => {
      if (!response.headersSent) send(around, response, { status: 599, body: { message: String(error) } });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  around.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ endpoint: around.base, world, budgets: around.budgets, requests: around.requests },
    setBefore: (before) => {
      around.before = before;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Around {
  readonly world: World;
  readonly options: GithubServerOptions;
  base: string;
  readonly requests: GithubRequest[];
  readonly budgets: Budgets;
  before: GithubServerOptions['before'];
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function handle(around: Around, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', around.base);
  const posted = await bodyOf(request);
  const graphql = url.pathname === '/graphql' ? posted : undefined;
  const seen: GithubRequest = {
    ...{ method: request.method ?? '', path: url.pathname, query: url.searchParams, token: tokenOf(request) },
    conditional: request.headers['if-none-match'] !== undefined,
    ...(graphql !== undefined && { graphql }),
    status: 0,
  };
  around.requests.push(seen);
  const fault = around.before?.(seen, around.requests.length);
  if (fault === 'hang') return;
  if (fault === 'reset') return void request.socket.destroy();
  const reply =
    fault !== undefined && fault !== 'cut'
      ? {
          status: fault.status,
          body: { message: fault.message ?? 'Server Error' },
          headers: fault.headers ?? {},
        }
      : answer(around, seen, { request, posted });
  seen.status = reply.status;
  send(around, response, reply, fault === 'cut');
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly posted: string;
}

function answer(around: Around, seen: GithubRequest, incoming: Incoming): Reply {
  const wrong = wrongRequest(around, seen, incoming.request);
  if (wrong !== undefined) return wrong;
  const resource = seen.graphql === undefined ? 'core' : 'graphql';
  const refused = around.budgets.refusal(seen.token, resource);
  if (refused !== undefined)
    return { status: refused.status, body: { message: refused.message }, headers: refused.headers };
  const reply =
    seen.graphql === undefined ? restReply(around, seen) : graphqlReply(around, seen, seen.graphql);
  const etag = reply.status === 200 && seen.method === 'GET' ? etagOf(around, seen, reply) : undefined;
  const same = etag !== undefined && incoming.request.headers['if-none-match'] === etag;
  // Only who says who it is gets them for nothing.
  const free = same && seen.token !== '';
  if (!free) around.budgets.count(seen.token, resource, reply.cost ?? 1);
  const headers = {
    ...around.budgets.headers(seen.token, resource),
    ...reply.headers,
    ...(etag !== undefined && { etag, 'cache-control': 'private, max-age=60, s-maxage=60' }),
  };
  return same ? { status: 304, body: undefined, headers } : { ...reply, headers };
}

function wrongRequest(
  { options }: Around,
  { token, graphql, method }: GithubRequest,
  { headers }: IncomingMessage,
): Reply | undefined {
  if (!headers['user-agent'])
    return { status: 403, body: { message: 'Request forbidden by administrative rules.' } };
  if (!/json|\*\/\*/.test(headers.accept ?? ''))
    return { status: 415, body: { message: "Unsupported 'Accept' header" } };
  if (token !== '' && options.tokens?.includes(token) === false)
    return { status: 401, body: { message: 'Bad credentials' } };
  if (graphql !== undefined && token === '')
    return { status: 401, body: { message: 'This endpoint requires you to be authenticated.' } };
  if (method === (graphql === undefined ? 'GET' : 'POST')) return undefined;
  return { status: 404, body: { message: 'Not Found' } };
}

type Costed = Reply & { readonly cost?: number };

function graphqlReply({ world }: Around, _seen: GithubRequest, posted: string): Costed {
  const { query, variables = {} } = JSON.parse(posted) as {
    query: string;
    variables?: Record<string, unknown>;
  };
  const { cost, ...body } = answerQuery(world, query, variables);
  return { status: 200, body, cost };
}

function restReply(around: Around, seen: GithubRequest): Costed {
  const place = placeOf(around.world, seen.path);
  if (place === undefined) return { status: 404, body: { message: 'Not Found' } };
  const { repo, rest, moved } = place;
  if (repo.state === 'gone') return { status: 404, body: { message: 'Not Found' } };
  if (repo.state === 'blocked') return { status: 451, body: { message: 'Repository access blocked' } };
  if (moved) return movedTo(around, `/repositories/${repo.id}${rest}`, seen.query);
  const { base, world } = around;
  const sinceIsExclusive = around.options.sinceIsExclusive === true;
  const found = restAnswer(rest, { base, world, repo, query: seen.query, sinceIsExclusive });
  return replyOf(around, seen, repo, rest, found);
}

function placeOf(world: World, path: string): { repo: WorldRepo; rest: string; moved: boolean } | undefined {
  const [, id, byId = ''] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? [];
  const numbered = world.repos.find((repo) => repo.id === Number(id));
  if (numbered !== undefined) return { repo: numbered, rest: byId, moved: false };
  const [, fullName = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(path) ?? [];
  const found = findRepo(world, fullName);
  return found && { ...found, rest };
}

function replyOf(
  around: Around,
  { query }: GithubRequest,
  repo: WorldRepo,
  rest: string,
  found: RestAnswer,
): Reply {
  if ('json' in found) return { status: 200, body: found.json };
  if ('status' in found) return { status: found.status, body: { message: found.message } };
  if ('moved' in found) return movedTo(around, found.moved, new URLSearchParams());
  const link = (page: number, rel: string) => {
    const params = new URLSearchParams(query);
    params.set('page', String(page));
    // GitHub links to a repository by its id.
    return `<${around.base}/repositories/${repo.id}${rest}?${params}>; rel="${rel}"`;
  };
  const links = [
    ...(found.page > 1 ? [link(found.page - 1, 'prev'), link(1, 'first')] : []),
    ...(found.page < found.last ? [link(found.page + 1, 'next'), link(found.last, 'last')] : []),
  ];
  return { status: 200, body: found.items, ...(links.length > 0 && { headers: { link: links.join(', ') } }) };
}

function movedTo({ base }: Around, path: string, query: URLSearchParams): Reply {
  const location = `${base}${path}${query.size > 0 ? `?${query}` : ''}`;
  return { status: 301, body: { message: 'Moved Permanently', url: location }, headers: { location } };
}

function etagOf({ options }: Around, { token }: GithubRequest, { body, headers }: Reply): string {
  const hash = createHash('sha256').update(JSON.stringify([body, headers?.link]));
  if (options.etagsByToken !== false) hash.update(token);
  return `W/"${hash.digest('hex')}"`;
}

function send(
  { world }: Around,
  response: ServerResponse,
  { status, body, headers }: Reply,
  cut = false,
): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    date: new Date(world.nowMs).toUTCString(),
    ...(status !== 304 && { 'content-type': 'application/json; charset=utf-8' }),
    ...(cut && { 'content-length': String(Buffer.byteLength(text)) }),
    ...headers,
  });
  if (!cut) return void response.end(text);
  response.write(text.slice(0, Math.floor(text.length / 2)), () => response.destroy());
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
