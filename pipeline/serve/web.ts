import { type Context, Hono } from 'hono';
import type { Metrics, Progress, Readiness } from '../monitor/contract.ts';
import { createPages } from '../monitor/pages.ts';
import { apiPages } from './api.ts';
import { logPages } from './logs.ts';
import type { RequestMetrics } from './metrics.ts';
import type { Served } from './served.ts';
import type { IssueService } from './service.ts';
import { startPage } from './start-page.ts';
import { answerOf, Refusal } from './status.ts';

const BODY_BYTES_MAX = 64 * 1024;
const READY_MS = 5_000;

export interface WebOptions {
  readonly served: Served;
  readonly service: IssueService;
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly requests: RequestMetrics;
  /** Whether the key that a client gave, undefined for none, is right. */
  readonly allows: (key: string | undefined) => boolean;
  readonly stopping: AbortSignal;
  readonly log: (message: string, error: unknown) => void;
  /** More pages, for instance a webhook's. */
  readonly mount?: { readonly path: string; readonly app: Hono };
  readonly logLimits?: { readonly waitMs?: number; readonly pollMs?: number };
}

/** All pages: the JSON form, logs, and the monitor's. Health, readiness, metrics and the start page need no key. */
export function webPages(options: WebOptions): Hono {
  const { served, service, stopping, log, requests, logLimits, mount } = options;
  const app = new Hono();
  app.use(async (context, next) => {
    const end = requests.begin();
    await next();
    context.header('x-content-type-options', 'nosniff');
    context.header('cache-control', 'no-store');
    end(kindOf(context.req.path), String(context.res.status));
  });
  app.onError((error, context) => failed(context, error, log));
  if (mount !== undefined) app.route(mount.path, mount.app);
  app.use('/api/*', guard(options));
  const logGuard = guard(options);
  for (const path of ['/logs', '/logs/*', '/:owner/:repo/logs', '/:owner/:repo/logs/*'])
    app.use(path, logGuard);
  app.route('/api/v1', apiPages(service));
  app.route('/', logPages({ served, stopping, ...(logLimits && { limits: logLimits }) }));
  app.get('/', (context) => context.html(startPage(served), 200, { 'content-security-policy': PAGE_POLICY }));
  app.all('/api/*', (context) =>
    failed(
      context,
      new Refusal(context.req.method === 'GET' ? 'NOT_FOUND' : 'UNIMPLEMENTED', 'there is no such method'),
      log,
    ),
  );
  const metrics = {
    ...options.metrics,
    render: async () => (await options.metrics.render()) + requests.render(served),
  };
  const ready = async () => readiness(served);
  app.route('/', createPages({ progress: options.progress, metrics, ready, readyMs: READY_MS, log }));
  app.notFound((context) => context.text('no such page\n', 404));
  return app;
}

const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

function guard({ allows }: WebOptions) {
  return async (context: Context, next: () => Promise<void>) => {
    if (!allows(context.req.query('key') ?? context.req.header('x-api-key')))
      throw new Refusal('UNAUTHENTICATED', 'give the API key: ?key=…, or the header x-api-key');
    if (Number(context.req.header('content-length') ?? 0) > BODY_BYTES_MAX)
      throw new Refusal(
        'INVALID_ARGUMENT',
        `a body is not read here, and must not be over ${BODY_BYTES_MAX} bytes`,
      );
    await next();
  };
}

function failed(context: Context, error: unknown, log: WebOptions['log']): Response {
  const { code, message, status, http, ours } = answerOf(error);
  if (ours) log(`the page ${context.req.path} failed`, error);
  return context.json({ code, message, status }, http as 500);
}

/** Few values: paths are as many as there are issues. */
function kindOf(path: string): string {
  if (path.startsWith('/api/')) return path.endsWith('/repositories') ? 'repositories' : 'issues';
  return /\/logs(\/|$)/.test(path) ? 'logs' : 'page';
}

function readiness(served: Served): readonly Readiness[] {
  return served.repos().map(({ repo, state }) => ({ name: `${repo.owner}/${repo.name}`, ...state() }));
}
