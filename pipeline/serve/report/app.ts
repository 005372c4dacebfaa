import { type Context, Hono } from 'hono';
import type { Readiness } from '../../monitor/contract.ts';
import { createPages } from '../../monitor/pages.ts';
import { harden } from '../harden.ts';
import { apiPages } from './api.ts';
import { createHostCheck } from './hosts.ts';
import { createKeep, type Keep } from './keep.ts';
import { createReportMetrics } from './metrics.ts';
import { LIMITS, type ReportServerOptions } from './options.ts';
import { htmlPages, refusalPage } from './pages.ts';
import { ReportRefusal, refusalOf } from './refusal.ts';
import { createViews, type Views } from './views.ts';

const READY_MS = 5_000;
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

export interface ReportApp {
  fetch(request: Request): Response | Promise<Response>;
  /** Every method and path there is, for comparing with the OpenAPI document. */
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  /** Ends what is being read. */
  close(): void;
}

/** Pages for people, the JSON interface, and pages for probes, over what is kept of the warehouse's answers. */
export function createReportApp(options: ReportServerOptions): ReportApp {
  const { source, queries, links, nowMs, log } = options;
  const limits = { ...LIMITS, ...options.limits };
  const keep = createKeep({ limits, head: () => source.head(), nowMs, log });
  const views = createViews(source, keep, queries);
  const requests = createReportMetrics();
  const app = new Hono();
  app.use(async (context, next) => {
    const beganMs = nowMs();
    await next();
    harden(context, { 'cross-origin-resource-policy': 'same-origin' });
    requests.answered(kindOf(context.req.path), context.res.status, nowMs() - beganMs);
  });
  app.onError((error, context) => refused(context, error, options));
  app.notFound((context) => refused(context, new ReportRefusal(404, 'there is no such page'), options));
  guard(app, options, limits.addressCharsMax);
  app.route('/', apiPages(views));
  app.route('/', htmlPages(views, links));
  app.route('/', probes(options, keep, views, requests));
  return { fetch: (request) => app.fetch(request), routes: app.routes, close: () => keep.close() };
}

function guard(app: Hono, { hosts }: ReportServerOptions, addressCharsMax: number): void {
  const mayBeCalled = createHostCheck(hosts);
  app.use(async (context, next) => {
    const { method, path, url } = context.req;
    if (method !== 'GET' && method !== 'HEAD') {
      context.header('allow', 'GET, HEAD');
      throw new ReportRefusal(405, 'only GET and HEAD');
    }
    if (url.length > addressCharsMax) throw new ReportRefusal(414, 'this address is too long');
    if (!PROBES.has(path) && !mayBeCalled(context.req.header('host') ?? new URL(url).host))
      throw new ReportRefusal(403, 'this server is not known by that name', {
        remedy: 'Whoever runs it can allow the name: --allowed-host NAME.',
      });
    await next();
  });
}

function probes(
  { progress, metrics, log }: ReportServerOptions,
  keep: Keep,
  views: Views,
  requests: ReturnType<typeof createReportMetrics>,
): Hono {
  const render = async () => (await metrics.render()) + requests.render(keep.stats());
  const ready = async (): Promise<readonly Readiness[]> => {
    try {
      const { ageS, stale } = await views.overview();
      return [{ name: 'warehouse', ready: true, detail: stale ?? `answered ${ageS} seconds ago` }];
    } catch (error) {
      return [{ name: 'warehouse', ready: false, detail: refusalOf(error).message }];
    }
  };
  return createPages({ progress, metrics: { ...metrics, render }, ready, readyMs: READY_MS, log });
}

function refused(context: Context, error: Error, options: ReportServerOptions): Response | Promise<Response> {
  const { source, links, log } = options;
  const refusal = refusalOf(error);
  const { status, message, remedy, retryAfterS } = refusal;
  if (status === 500) log(`the page ${context.req.path.slice(0, 200)} failed`, error);
  context.header('cache-control', 'no-store');
  if (retryAfterS !== undefined) context.header('retry-after', String(retryAfterS));
  if (context.req.path.startsWith('/api/') || PROBES.has(context.req.path))
    return context.json({ status, error: message, ...(remedy !== undefined && { remedy }) }, status);
  return refusalPage(context, refusal, { head: source.head(), links });
}

/** Few values: addresses are as many as there are tests. */
function kindOf(path: string): string {
  if (path.startsWith('/api/')) return 'api';
  if (path.startsWith('/assets/')) return 'asset';
  return PROBES.has(path) ? 'probe' : 'page';
}
