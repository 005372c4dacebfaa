import { createHash } from 'node:crypto';
import { type Context, Hono } from 'hono';
import type { CacheRead } from '../../cache/contract.ts';
import type { Cache } from '../../cache/engine.ts';
import type { Answer } from './answers.ts';
import { SINGLE_PAGES } from './blocks.ts';
import { isKnown } from './motd.ts';
import { assertName, type Query, queryOf } from './names.ts';
import type { CacheApiOptions } from './options.ts';
import type { PackageAnswers } from './package-answers.ts';
import { HttpRefusal } from './refusal.ts';
import type { Sessions } from './sessions.ts';
import { V1 } from './v1.ts';
import { V2 } from './v2.ts';
import { isMissing, type Wishes } from './wishes.ts';

const JSON_TYPE = 'application/json';
const RETRY_S = 10;
const KEY_CHARS_MAX = 256;

export interface DataPagesOptions extends Pick<CacheApiOptions, 'cache' | 'environment' | 'visitDays'> {
  readonly wishes: Wishes;
  readonly answers: PackageAnswers;
  readonly sessions: Sessions;
  /** Whether anybody may see more than the public: else no answer depends on who asks. */
  readonly hasPrivate: boolean;
}

/** What is cached, as both generations of clients ask for it. */
export function dataPages(options: DataPagesOptions): Hono {
  const app = new Hono();
  const { answers } = options;
  const audience = (context: Context) => audienceOf(context, options);
  const page = (query: (context: Context) => Query, form: typeof V2 | typeof V1) => (context: Context) =>
    send(context, answers.answer(form as typeof V2, query(context), audience(context)));
  singlePages(app, options);
  app.get(
    '/api/v2/packager_dashboard',
    page((context) => queryOf(new URL(context.req.url)), V2),
  );
  app.get('/api/v1/packager_dashboard/package/:package', page(packageQuery, V1));
  app.get('/api/v1/packager_dashboard/:user', page(userQuery, V1));
  app.get('/api/v2/entries/:provider', (context) => entryPage(context, options, audience(context)));
  app.get('/api/v1/packager_dashboard_caching', (context) =>
    context.json({ visits_required_every_n_days: options.visitDays }),
  );
  app.get('/api/v1/deployment_env', (context) => context.json({ deployment_env: options.environment }));
  return app;
}

function singlePages(app: Hono, options: DataPagesOptions): void {
  for (const { path, provider, empty } of SINGLE_PAGES) {
    app.get(path, (context) => {
      const read = readOf(options.cache, provider, '');
      options.wishes.wantRead(provider, [read]);
      if (read.json === undefined) return notYet(context, provider, read, empty);
      return sendText(context, read.json, `"${provider}-${read.seq}"`);
    });
  }
}

/** Nothing is cached: a list is empty, all else says so. */
function notYet(context: Context, provider: string, { isAbsent }: CacheRead, empty?: string): Response {
  if (isAbsent) throw new HttpRefusal(404, `the upstream of ${provider} knows nothing of this`);
  context.header('retry-after', String(RETRY_S));
  context.header('cache-control', 'no-store');
  const said = JSON.stringify({ status: 202, error: `nothing is cached of ${provider} yet: ask again` });
  return context.body(empty ?? said, 202, { 'content-type': JSON_TYPE });
}

/** Private answers are kept by nobody but the one who asked. */
function audienceOf(context: Context, { sessions, hasPrivate }: DataPagesOptions): boolean {
  if (!hasPrivate) {
    context.header('cache-control', 'no-cache');
    return false;
  }
  const allowed = sessions.read(context)?.maySeePrivate === true;
  context.header('vary', 'Cookie', { append: true });
  context.header('cache-control', allowed ? 'private, no-cache' : 'no-cache');
  return allowed;
}

function send(context: Context, { status, etag, body, retryAfterS }: Answer): Response {
  context.header('etag', etag);
  if (retryAfterS !== undefined) context.header('retry-after', String(retryAfterS));
  // Whoever polls for the rest of a partial answer shall not be told that nothing has changed by a browser's cache.
  if (status === 200 && isKnown(context.req.header('if-none-match'), etag)) return context.body(null, 304);
  return context.body(body as Uint8Array<ArrayBuffer>, status, { 'content-type': JSON_TYPE });
}

function sendText(context: Context, json: string, etag: string): Response {
  context.header('etag', etag);
  context.header('cache-control', 'no-cache');
  if (isKnown(context.req.header('if-none-match'), etag)) return context.body(null, 304);
  return context.body(json, 200, { 'content-type': JSON_TYPE });
}

function packageQuery(context: Context): Query {
  const name = assertName(context.req.param('package') ?? '', 'package');
  return { users: [], groups: [], packages: [name], acl: 'commit' };
}

function userQuery(context: Context): Query {
  const name = assertName(context.req.param('user') ?? '', 'user');
  return { users: [name], groups: [], packages: [], acl: 'commit' };
}

/** One entry with what is known of it: for providers that no dashboard has a block for. */
function entryPage(context: Context, { cache, wishes }: DataPagesOptions, withPrivate: boolean): Response {
  const name = context.req.param('provider') ?? '';
  const key = context.req.query('key') ?? '';
  const provider = cache.providers.find((one) => one.name === name);
  if (provider === undefined || (provider.isPrivate === true && !withPrivate))
    throw new HttpRefusal(404, 'there is no such provider: /status names them');
  if (key.length > KEY_CHARS_MAX) throw new HttpRefusal(400, `key: at most ${KEY_CHARS_MAX} characters`);
  const read = readOf(cache, name, key);
  // A key that nobody has heard of is not fetched because a stranger asks for it.
  if (key === '' || !isMissing(read)) wishes.wantRead(name, [read]);
  if (read.json === undefined && key !== '')
    throw new HttpRefusal(404, `nothing is cached of this key of ${name}`);
  if (read.json === undefined) return notYet(context, name, read);
  const { json, ...rest } = read;
  const head = JSON.stringify(headOf(rest)).slice(0, -1);
  const hash = createHash('sha256').update(`${read.seq} ${read.state} ${name} ${key}`).digest('base64url');
  return sendText(context, `${head},"value":${json}}`, `W/"${hash.slice(0, 22)}"`);
}

function headOf({ provider, key, state, checkedAtMs, changedAtMs, error }: Omit<CacheRead, 'json'>) {
  const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    ...{ provider, key, state },
    checked_at: iso(checkedAtMs),
    changed_at: iso(changedAtMs),
    error: error === undefined ? null : { code: error.code, at: iso(error.atMs) },
  };
}

function readOf(cache: Cache, provider: string, key: string): CacheRead {
  if (cache.providers.some(({ name }) => name === provider)) return cache.read(provider, key);
  throw new HttpRefusal(404, `this server has no provider ${provider}`);
}
