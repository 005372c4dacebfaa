import { type Context, Hono } from 'hono';
import { reportAssets } from '../../report/assets.ts';
import { PAGE_POLICY } from '../../report/layout.ts';
import type { Links } from '../../report/links.ts';
import type { SiteHead } from '../../report/models.ts';
import type { Html, PageContext } from '../../report/page.ts';
import { buildPage } from '../../report/pages/build.ts';
import { clusterPage, clustersPage } from '../../report/pages/clusters.ts';
import { jobPage } from '../../report/pages/job.ts';
import { jobsPage } from '../../report/pages/jobs.ts';
import { messagePage } from '../../report/pages/message.ts';
import { overviewPage } from '../../report/pages/overview.ts';
import { testPage } from '../../report/pages/test.ts';
import { testsPage } from '../../report/pages/tests.ts';
import { isKnown } from '../cache/motd.ts';
import { markAge } from './api.ts';
import { type Answer, etagOf } from './keep.ts';
import type { ReportRefusal } from './refusal.ts';
import type { Views } from './views.ts';

const SEARCH_CHARS_MAX = 300;

/** Pages for people: what pipeline/report draws, of what the views say. */
export function htmlPages(views: Views, links: Links): Hono {
  const app = new Hono();
  const at = <T>(
    path: string,
    read: (context: Context) => Promise<Answer<T>>,
    draw: (model: T, page: PageContext, context: Context) => Html,
  ) =>
    app.get(path, async (context) => {
      const answer = await read(context);
      return drawn(context, answer, draw(answer.model, pageContext(answer, links), context));
    });
  at('/', views.overview, overviewPage);
  at('/jobs', views.jobs, jobsPage);
  at('/job', (context) => views.job(query(context, 'name')), jobPage);
  at(
    '/tests',
    (context) => views.tests(search(context)),
    (tests, page, context) => testsPage({ search: search(context), tests }, page),
  );
  at('/test', (context) => views.test(query(context, 'name')), testPage);
  at('/build', (context) => views.build(query(context, 'path')), buildPage);
  at('/clusters', views.clusters, clustersPage);
  at('/cluster', (context) => views.cluster(query(context, 'id')), clusterPage);
  app.get('/assets/:file', (context) => {
    const asset = reportAssets().find(({ file }) => file === context.req.param('file'));
    if (asset === undefined) return context.notFound();
    // Named by its content.
    context.header('cache-control', 'public, max-age=31536000, immutable');
    return context.body(asset.text, 200, { 'content-type': asset.type });
  });
  return app;
}

async function drawn(context: Context, answer: Answer<unknown>, page: Html): Promise<Response> {
  const text = String(await page);
  const etag = etagOf(text);
  markAge(context, answer);
  context.header('etag', etag);
  context.header('content-security-policy', PAGE_POLICY);
  if (isKnown(context.req.header('if-none-match'), etag)) return context.body(null, 304);
  return context.html(text);
}

function pageContext({ head, stale, ageS }: Answer<unknown>, links: Links): PageContext {
  const notice = stale === undefined ? undefined : `This is ${ageText(ageS)} old: ${stale}.`;
  return { head, links, notice };
}

function ageText(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3_600)} hours`;
}

/** A page that says why there is none. */
export async function refusalPage(
  context: Context,
  { status, message, remedy }: ReportRefusal,
  page: { readonly head: SiteHead; readonly links: Links },
): Promise<Response> {
  const title = TITLES[status] ?? 'This did not work';
  const text = [
    `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
    ...(remedy === undefined ? [] : [remedy]),
  ];
  const command = /`([^`]+)`/.exec(remedy ?? '')?.[1];
  const html = await messagePage({ title, text, ...(command !== undefined && { command }) }, page);
  context.header('content-security-policy', PAGE_POLICY);
  return context.html(String(html), status);
}

const TITLES: Readonly<Partial<Record<number, string>>> = {
  404: 'Nothing here',
  503: 'No answer yet',
};

function query(context: Context, name: string): string {
  return context.req.query(name) ?? '';
}

function search(context: Context): string {
  return query(context, 'q').slice(0, SEARCH_CHARS_MAX).trim();
}
