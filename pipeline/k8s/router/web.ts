import { type Context, Hono } from 'hono';
import { codeOf, httpOf, type StatusName, statusOf } from '../../net/grpc-status.ts';
import { type AroundOptions, aroundOf } from './around.ts';
import type { UnaryWork } from './grpc-server.ts';
import type { Messages } from './messages.ts';
import { issueQuery, listQuery, pullClosedQuery } from './query.ts';
import { RouteError, routeError } from './status.ts';
import type { Tracing } from './trace.ts';

export interface WebOptions extends AroundOptions {
  readonly tracing: Tracing;
  readonly messages: Messages;
  readonly list: UnaryWork;
  readonly issues: UnaryWork;
  readonly issue: UnaryWork;
  /** Has the supervisor look at everything, and reads the list anew. */
  readonly update: () => Promise<void>;
  readonly guard: (key: string | undefined) => void;
  /** Undefined: ready. */
  readonly notReady: () => string | undefined;
  readonly render: () => Promise<string>;
  readonly begin: () => (method: string, status: StatusName) => void;
  readonly log: (path: string, error: RouteError, trace: string) => void;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The JSON form of the service, as the original's gateway had it, and the pages of those who run it. */
export function routerPages(options: WebOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header('cache-control', 'no-store');
    context.header('x-content-type-options', 'nosniff');
  });
  const api = apiOf(options);
  app.get('/api/v1/owners/:owner/repositories', api.repositories);
  app.get('/api/v1/:owner/repositories', api.repositories);
  for (const repo of ['/api/v1/owners/:owner/repositories/:repo', '/api/v1/:owner/:repo']) {
    app.get(`${repo}/issues`, api.issues);
    app.get(`${repo}/issues/:number`, api.issue);
  }
  app.post('/api/v1/update', api.update);
  for (const path of ['/healthz', '/_healthz']) app.get(path, (context) => context.text('ok'));
  app.get('/readyz', (context) => {
    const why = options.notReady();
    return why === undefined ? context.text('ready\n') : context.text(`${why}\n`, 503);
  });
  app.get('/metrics', async (context) =>
    context.body(await options.render(), 200, { 'content-type': METRICS_TYPE }),
  );
  app.notFound((context) => {
    if (!context.req.path.startsWith('/api/')) return context.text('no such page\n', 404);
    return problem(context, new RouteError('NOT_FOUND', 'there is no such method'));
  });
  return app;
}

function apiOf(options: WebOptions) {
  const { messages, list, issues, issue, update } = options;
  /** Asked for as a message, answered as one. */
  const page = (method: string, work: UnaryWork, ask: (context: Context) => object, show = plain) =>
    answering(options, method, async (context, around) => {
      const answer = await work(messages.encode(`${method}Request`, ask(context)), around);
      return show(messages.json(`${method}Response`, answer));
    });
  return {
    repositories: page(
      'ListRepositories',
      list,
      (context) => ({ parent: `owners/${context.req.param('owner')}`, ...listQuery(context) }),
      withStatuses,
    ),
    issues: page('ListIssues', issues, (context) => ({
      parent: repoOf(context),
      ...listQuery(context),
      ...issueQuery(context),
      ...pullClosedQuery(context),
    })),
    issue: page('GetIssue', issue, (context) => ({
      name: `${repoOf(context)}/issues/${context.req.param('number')}`,
      ...issueQuery(context),
    })),
    update: answering(options, 'UpdateTrackedRepos', async () => {
      await update();
      return {};
    }),
  };
}

const plain = (json: object): object => json;

type Answering = (context: Context, around: ReturnType<typeof aroundOf>) => Promise<object>;

function answering(options: WebOptions, method: string, work: Answering) {
  return async (context: Context): Promise<Response> => {
    const ended = options.begin();
    const get = (name: string) => (name === 'x-api-key' ? keyOf(context) : context.req.header(name));
    const span = options.tracing.begin(method, 'json', get);
    const end = (status: StatusName) => {
      ended(method, status);
      span.end(status);
    };
    const call = { timeoutMs: Number.POSITIVE_INFINITY, signal: context.req.raw.signal, span };
    try {
      options.guard(keyOf(context));
      const body = await work(context, aroundOf(get, call, options));
      end('OK');
      return context.json(body);
    } catch (error) {
      const found = routeError(error);
      end(found.status);
      options.log(method, found, span.traceparent);
      return problem(context, found);
    }
  };
}

function problem(context: Context, { status, message }: RouteError): Response {
  return context.json({ code: codeOf(status), message, status }, httpOf(status) as 500);
}

function keyOf(context: Context): string | undefined {
  return context.req.query('key') ?? context.req.header('x-api-key');
}

function repoOf(context: Context): string {
  return `${context.req.param('owner')}/${context.req.param('repo')}`;
}

/** Which repositories' workers did not answer, and why: their codes by name too. */
function withStatuses(json: { readonly statuses?: readonly { readonly code?: number }[] }): object {
  if (json.statuses === undefined) return json;
  const { statuses, ...rest } = json;
  return { ...rest, statuses: statuses.map((one) => ({ ...one, status: statusOf(one.code ?? 2) })) };
}
