import { readFileSync } from 'node:fs';
import { type Context, Hono } from 'hono';
import { shippedFile } from '../../config/shipped.ts';
import { isKnown } from '../cache/motd.ts';
import { type Answer, etagOf } from './keep.ts';
import { ReportRefusal } from './refusal.ts';
import { QUERY_ROWS, type Views } from './views.ts';

const BUILDS_MAX = 500;
const TESTS_MAX = 1_000;
const QUERY_ROWS_MAX = 10_000;
const TEXT_CHARS_MAX = 300;

/** The JSON interface: schemas/openapi/report.json describes it. */
export function apiPages(views: Views): Hono {
  const app = new Hono();
  let openApi: string | undefined;
  const at = (path: string, read: (context: Context) => Promise<Answer<unknown>>) =>
    app.get(`/api/v1/${path}`, async (context) => answered(context, await read(context)));
  at('overview', views.overview);
  at('jobs', views.jobs);
  at('jobs/:job', (context) => views.job(param(context, 'job')));
  at('jobs/:job/grid', (context) =>
    views.grid(param(context, 'job'), {
      builds: wholeNumber(context, 'builds', 100, BUILDS_MAX),
      tests: wholeNumber(context, 'tests', 200, TESTS_MAX),
    }),
  );
  at('jobs/:job/builds', (context) =>
    views.buildsOf(param(context, 'job'), wholeNumber(context, 'limit', 100, BUILDS_MAX)),
  );
  at('tests', (context) => views.tests(shortText(context, 'q') ?? ''));
  at('tests/:test', (context) => views.test(param(context, 'test')));
  at('builds', (context) => {
    const path = context.req.query('path');
    if (path === undefined) throw new ReportRefusal(400, 'path is missing: the URL of a build');
    return views.build(path);
  });
  at('clusters', views.clusters);
  at('clusters/:id', (context) => views.cluster(param(context, 'id')));
  at('queries/:name', (context) =>
    views.query(param(context, 'name'), {
      days: daysOf(context),
      job: shortText(context, 'job'),
      limit: wholeNumber(context, 'limit', QUERY_ROWS, QUERY_ROWS_MAX),
    }),
  );
  app.get('/api/v1/queries', (context) => plainAnswer(context, JSON.stringify(views.queries)));
  app.get('/api/openapi.json', (context) => {
    openApi ??= readFileSync(shippedFile('schemas/openapi/report.json'), 'utf8');
    return plainAnswer(context, openApi);
  });
  return app;
}

const TYPE = { 'content-type': 'application/json' };

function plainAnswer(context: Context, json: string): Response {
  const etag = etagOf(json);
  context.header('etag', etag);
  context.header('cache-control', 'no-cache');
  if (isKnown(context.req.header('if-none-match'), etag)) return context.body(null, 304);
  return context.body(json, 200, TYPE);
}

function answered(context: Context, answer: Answer<unknown>): Response {
  if (answer.json === undefined) throw new ReportRefusal(404, 'there is no such thing');
  markAge(context, answer);
  context.header('etag', answer.etag);
  if (isKnown(context.req.header('if-none-match'), answer.etag)) return context.body(null, 304);
  return context.body(answer.json, 200, TYPE);
}

/** How old an answer is, and whether it is older than it should be. */
export function markAge(context: Context, { ageS, stale }: Pick<Answer<unknown>, 'ageS' | 'stale'>): void {
  context.header('age', String(ageS));
  context.header('cache-control', 'no-cache');
  // Words of ours, in ASCII.
  if (stale !== undefined) context.header('samovar-stale', stale);
}

function param(context: Context, name: string): string {
  return context.req.param(name) ?? '';
}

function wholeNumber(context: Context, name: string, otherwise: number, max: number): number {
  const text = context.req.query(name);
  if (text === undefined) return otherwise;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= max) return value;
  throw new ReportRefusal(400, `${name} is no whole number from 1 to ${max}`);
}

function daysOf(context: Context): number | undefined {
  return context.req.query('days') === undefined ? undefined : wholeNumber(context, 'days', 1, 3_660);
}

function shortText(context: Context, name: string): string | undefined {
  const text = context.req.query(name);
  if (text !== undefined && text.length > TEXT_CHARS_MAX)
    throw new ReportRefusal(400, `${name} has more than ${TEXT_CHARS_MAX} characters`);
  return text;
}
