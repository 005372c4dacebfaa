import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/core';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { SamovarError } from '../../../errors.ts';
import { errorOf, pauseOf, statusOf } from './errors.ts';
import { createPool, type Headers, type Member, type Quota, type Resource, type TokenPool } from './pool.ts';

export interface GithubOptions {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly tokens: readonly string[];
  /** Installations of an app, instead of tokens or with them. */
  readonly app?: { readonly id: string; readonly privateKey: string };
  /** No answer within this time: tried again. */
  readonly timeoutMs: number;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Base of the pauses between tries after a server's error; 1 s, for tests less. */
  readonly retryBaseMs?: number;
  /** From 0 up to 1: spreads those pauses. */
  readonly random?: () => number;
  readonly onWait?: (ms: number) => void;
}

export interface GithubCall {
  /** The repository's owner: it decides which installation asks. */
  readonly account: string;
  /** As an answer had it. */
  readonly etag?: string;
  readonly signal?: AbortSignal;
}

export interface GithubAnswer {
  /** 301, 302, 307, 308: see `location`; 304: nothing has changed since that ETag, and the request was free. */
  readonly status: number;
  /** Of 200: what the JSON was. */
  readonly data: unknown;
  readonly etag?: string;
  /** A path of this API, as `get` takes it. */
  readonly location?: string;
  /** The server's clock, epoch milliseconds. */
  readonly dateMs?: number;
}

/** GitHub's API with all tokens as one. Throws `missing`, `refused` (with its status), `denied`, `unavailable`, `timeout`, `aborted`. */
export interface Github {
  /** `path` begins with a slash. */
  get(path: string, call: GithubCall): Promise<GithubAnswer>;
  graphql(query: string, variables: Readonly<Record<string, unknown>>, call: GithubCall): Promise<unknown>;
  quotas(): readonly Quota[];
  /** How many were sent, and how many of them were answered by 304. */
  requests(): { readonly sent: number; readonly unchanged: number };
}

const Client = Octokit.plugin(throttling, retry);
type Client = InstanceType<typeof Client>;
const API_VERSION = '2022-11-28';

export async function openGithub(options: GithubOptions): Promise<Github> {
  const members = [...tokenMembers(options), ...(await installationMembers(options))];
  const pool = createPool(members, options);
  const count = { sent: 0, unchanged: 0 };
  return {
    get: (path, call) =>
      ask({ pool, options, count }, 'core', call, {
        method: 'GET',
        url: path,
      }),
    graphql: async (query, variables, call) => {
      const answer = await ask({ pool, options, count }, 'graphql', call, {
        method: 'POST',
        url: '/graphql',
        query,
        variables,
      });
      return dataOf(answer.data);
    },
    quotas: () => pool.quotas(),
    requests: () => ({ ...count }),
  };
}

function tokenMembers(options: GithubOptions): readonly Member<Client>[] {
  const { tokens, app } = options;
  // Without any, GitHub answers 60 requests an hour: enough to look at one small repository.
  if (tokens.length === 0 && app === undefined)
    return [{ name: 'without a token', client: makeClient(options, {}) }];
  return tokens.map((auth, at) => ({ name: `token ${at + 1}`, client: makeClient(options, { auth }) }));
}

async function installationMembers(options: GithubOptions): Promise<readonly Member<Client>[]> {
  const { app } = options;
  if (app === undefined) return [];
  const auth = { appId: app.id, privateKey: app.privateKey };
  const asApp = makeClient(options, { authStrategy: createAppAuth, auth });
  const installations: Member<Client>[] = [];
  for (let page = 1; ; page += 1) {
    const { data } = await asApp
      .request('GET /app/installations', { per_page: 100, page })
      .catch((error: unknown) => {
        throw errorOf(error, 'the GitHub App');
      });
    for (const { id, account } of data) {
      const client = makeClient(options, {
        authStrategy: createAppAuth,
        auth: { ...auth, installationId: id },
      });
      const login = account !== null && 'login' in account ? account.login : undefined;
      installations.push({
        name: `installation ${login ?? id}`,
        client,
        ...(login !== undefined && { account: login }),
      });
    }
    if (data.length < 100) return installations;
  }
}

function makeClient(options: GithubOptions, auth: Readonly<Record<string, unknown>>): Client {
  const quiet = () => undefined;
  const { retryBaseMs = 1000, random = () => 0.5 } = options;
  // The plugin multiplies by it: another one each time, so that many who failed together do not come back together.
  const jittered = { valueOf: () => retryBaseMs * (0.5 + random()) };
  return new Client({
    ...auth,
    baseUrl: options.endpoint,
    userAgent: 'samovar',
    // They tell of every retry, and a URL may hold what a log should not.
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    request: { fetch: boundedFetch(options.timeoutMs), redirect: 'manual' },
    retry: { retryAfterBaseValue: jittered as never, doNotRetry: FINAL },
    // A limit is the pool's: another token may go on at once.
    throttle: { onRateLimit: () => false, onSecondaryRateLimit: () => false, write: ONLY_READS as never },
  });
}

/** Statuses that asking again does not change; a 429 is the pool's. */
const FINAL = [400, 401, 403, 404, 410, 422, 429, 451];

/** The plugin holds every POST back for a second, as changes should be; those of GraphQL here change nothing. */
const ONLY_READS = {
  key: () => ({ schedule: <T>(_job: unknown, work: () => Promise<T>): Promise<T> => work() }),
};

/** The deadline is for the whole answer, its body too. */
function boundedFetch(timeoutMs: number): typeof fetch {
  return (url, init) => {
    const signals = [AbortSignal.timeout(timeoutMs), ...(init?.signal ? [init.signal] : [])];
    return fetch(url, { ...init, signal: AbortSignal.any(signals) });
  };
}

interface Asking {
  readonly pool: TokenPool<Client>;
  readonly options: GithubOptions;
  readonly count: { sent: number; unchanged: number };
}

type Request = Parameters<Client['request']>[0] & Readonly<Record<string, unknown>>;

/** A body that was cut off comes as text, not as JSON: asked again so often. */
const CUT_MAX = 3;

async function ask(
  { pool, options, count }: Asking,
  resource: Resource,
  { account, etag, signal }: GithubCall,
  request: Record<string, unknown> & { readonly url: string },
): Promise<GithubAnswer> {
  for (let cut = 0; ; ) {
    const known = etagOf(etag);
    const member = await pool.take(resource, { account, signal, prefer: known?.member });
    const what = `${String(request.method)} ${request.url}`;
    try {
      count.sent += 1;
      const { status, headers, data } = await member.client.request({
        ...request,
        headers: {
          'x-github-api-version': API_VERSION,
          ...(known?.member === member.name && { 'if-none-match': known.etag }),
        },
        ...(signal !== undefined && { request: { signal } }),
      } as unknown as Request);
      pool.note(member, resource, headers as Headers);
      if (status < 300 && (typeof data !== 'object' || data === null)) {
        cut += 1;
        if (cut < CUT_MAX) continue;
        throw new SamovarError('unavailable', `${what}: the answer is cut off, or no JSON`, {
          subject: what,
        });
      }
      return answerOf({ member, options }, status, headers as Headers, data);
    } catch (error) {
      const { status, headers } = statusOf(error);
      pool.note(member, resource, headers);
      if (status === 304) {
        count.unchanged += 1;
        return answerOf({ member, options }, 304, headers, undefined);
      }
      if (signal?.aborted) throw new SamovarError('aborted', 'given up, the run is ending', { cause: error });
      const untilMs = pauseOf(error, options.nowMs());
      if (untilMs !== undefined) pool.pause(member, untilMs);
      else if (status !== 401 || !pool.refuse(member, account)) throw errorOf(error, what);
    }
  }
}

/** GitHub knows an ETag only from the token that got it. */
function etagOf(text: string | undefined): { readonly member: string; readonly etag: string } | undefined {
  const [member, etag] = text?.split('\n') ?? [];
  return member === undefined || etag === undefined ? undefined : { member, etag };
}

interface Answering {
  readonly member: Member<Client>;
  readonly options: GithubOptions;
}

function answerOf(
  { member, options }: Answering,
  status: number,
  headers: Headers,
  data: unknown,
): GithubAnswer {
  const { etag } = headers;
  const location = pathOf(headers.location, options.endpoint);
  const dateMs = Date.parse(String(headers.date ?? ''));
  return {
    status,
    data,
    ...(etag !== undefined && { etag: `${member.name}\n${String(etag)}` }),
    ...(location !== undefined && { location }),
    ...(Number.isFinite(dateMs) && { dateMs }),
  };
}

/** Only the path below the endpoint, which may have one too: a redirection never takes a token to another host. */
function pathOf(location: string | number | undefined, endpoint: string): string | undefined {
  if (typeof location !== 'string' || !URL.canParse(location, endpoint)) return undefined;
  const { pathname } = new URL(location, endpoint);
  const base = new URL(endpoint).pathname.replace(/\/$/, '');
  return pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : pathname;
}

function dataOf(body: unknown): unknown {
  const { data, errors } = (body ?? {}) as { readonly data?: unknown; readonly errors?: readonly unknown[] };
  if (data !== undefined && data !== null) return data;
  const [first] = (errors ?? []) as readonly { readonly message?: string }[];
  throw new SamovarError(
    'refused',
    `GitHub refuses a GraphQL query: ${first?.message ?? 'it gives no reason'}`,
  );
}
