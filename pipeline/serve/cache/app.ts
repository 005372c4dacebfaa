import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { harden } from '../harden.ts';
import { accountPages } from './account.ts';
import { clientAddress } from './client.ts';
import { dashboardPages } from './dashboard/pages.ts';
import { dataPages } from './data-pages.ts';
import { createApiMetrics } from './metrics.ts';
import { motdPages } from './motd.ts';
import { operationPages } from './operations.ts';
import { type CacheApiOptions, LIMITS } from './options.ts';
import { createPackageAnswers } from './package-answers.ts';
import { createRateLimit } from './rate.ts';
import { HttpRefusal } from './refusal.ts';
import { createSessions } from './sessions.ts';
import { createWishes } from './wishes.ts';

export interface CacheApi {
  /** `env` is what @hono/node-server gives beside a request: the connection, whose address is the client's. */
  fetch(request: Request, env?: unknown): Response | Promise<Response>;
  /** Every method and path there is, for comparing with the OpenAPI document. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
}

/** Probes must be answered however many ask. */
const UNLIMITED: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** JSON API of both generations, pages for probes and operators, login, message of the day, dashboard. */
export function createCacheApi(options: CacheApiOptions): CacheApi {
  const { cache, nowMs, log, auth, publicUrl } = options;
  const limits = { ...LIMITS, ...options.limits };
  const requests = createApiMetrics(cache);
  const secure = publicUrl?.startsWith('https:') === true;
  const sessions = createSessions({ auth, secure, sessionMs: limits.sessionMs, nowMs });
  const wishes = createWishes(cache, nowMs, log);
  const { packagesMax, answerBytesMax, answerMs } = limits;
  const answers = createPackageAnswers({
    cache,
    wishes,
    nowMs,
    packagesMax,
    bytesMax: answerBytesMax,
    answerMs,
  });
  const hasPrivate = auth.oidc?.privateGroup !== undefined;
  const app = new Hono();
  app.use(async (context, next) => {
    const beganMs = nowMs();
    await next();
    harden(context, secure ? { 'strict-transport-security': 'max-age=31536000' } : {});
    requests.answered(kindOf(context.req.path), context.res.status, nowMs() - beganMs);
  });
  app.onError((error, context) => failed(context, error, log));
  guards(app, options, limits.bodyBytesMax);
  app.route('/', operationPages(options, requests));
  app.route('/', accountPages(options, sessions));
  app.route('/', motdPages(options.messages, auth.motdSecret));
  app.route('/', dashboardPages(options, sessions));
  app.route('/', dataPages({ ...options, wishes, answers, sessions, hasPrivate }));
  app.get('/', (context) => context.json({ samovar: 'cache', openapi: '/api/openapi.json' }));
  app.notFound((context) => context.json({ status: 404, error: 'there is no such page' }, 404));
  return { fetch: (request, env) => app.fetch(request, env as object), routes: app.routes };
}

/** What every request must pass: its client's share, its size, its method, and whose page it comes from. */
function guards(app: Hono, options: CacheApiOptions, bodyBytesMax: number): void {
  const { rate, nowMs, corsOrigins } = options;
  const limit = rate === undefined ? undefined : createRateLimit(rate);
  app.use(async (context, next) => {
    if (limit !== undefined && !UNLIMITED.has(context.req.path)) {
      const waitMs = limit(clientAddress(context, rate?.proxies ?? 0), nowMs());
      if (waitMs > 0) {
        const retryAfterS = Math.ceil(waitMs / 1_000);
        throw new HttpRefusal(429, 'too many requests from this address', { retryAfterS });
      }
    }
    await next();
  });
  app.use(
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: () => {
        throw new HttpRefusal(413, `a body has at most ${bodyBytesMax} bytes here`);
      },
    }),
  );
  if (corsOrigins.length > 0)
    app.use(
      '/api/*',
      cors({
        // No credentials: another site sees what a stranger sees.
        origin: corsOrigins.includes('*') ? '*' : [...corsOrigins],
        allowMethods: ['GET', 'HEAD'],
        exposeHeaders: ['ETag', 'Retry-After'],
        maxAge: 600,
      }),
    );
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (context, methods) => {
        const allow = methods.join(', ');
        return context.json({ status: 405, error: `only ${allow}` }, 405, { allow });
      },
    }),
  );
}

function failed(context: Context, error: Error, log: CacheApiOptions['log']): Response {
  context.header('cache-control', 'no-store');
  if (!(error instanceof HttpRefusal)) {
    log(`the page ${context.req.path} failed`, error);
    return context.json({ status: 503, error: 'this page failed: the log of this server says why' }, 503);
  }
  if (error.retryAfterS !== undefined) context.header('retry-after', String(error.retryAfterS));
  if (error.status === 401) context.header('www-authenticate', 'Bearer');
  return context.json({ status: error.status, error: error.message }, error.status);
}

/** Few values: paths are as many as there are users. */
function kindOf(path: string): string {
  if (path.startsWith('/api/v2/')) return 'v2';
  if (path.startsWith('/api/v1/')) return 'v1';
  return path.startsWith('/dashboard') ? 'dashboard' : 'other';
}
