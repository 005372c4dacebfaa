import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { reportAssets } from '../../pipeline/report/assets.ts';
import { gridView, scriptJson } from '../../pipeline/report/grid.ts';
import { PAGE_POLICY } from '../../pipeline/report/layout.ts';
import { liveLinks } from '../../pipeline/report/links.ts';
import { buildPage } from '../../pipeline/report/pages/build.ts';
import { clusterPage, clustersPage } from '../../pipeline/report/pages/clusters.ts';
import { jobPage } from '../../pipeline/report/pages/job.ts';
import { jobsPage } from '../../pipeline/report/pages/jobs.ts';
import { messagePage } from '../../pipeline/report/pages/message.ts';
import { overviewPage } from '../../pipeline/report/pages/overview.ts';
import { testPage } from '../../pipeline/report/pages/test.ts';
import { testsPage } from '../../pipeline/report/pages/tests.ts';
import { clipped, lasted, percent, plain } from '../../pipeline/report/words.ts';
import { buildOf, CLUSTERS, fixtureReport, gridOf, HEAD, HOSTILE, JOBS } from './fixture.ts';

const SCRIPT_BYTES_MAX = 500_000;
const source = fixtureReport();
const { signal } = new AbortController();
const context = { head: HEAD, links: liveLinks(), notice: `This is old: ${HOSTILE.image}` };

async function there<T>(model: Promise<T | undefined>): Promise<T> {
  const value = await model;
  if (value === undefined) throw new Error('the fixture has no such page');
  return value;
}

async function allPages(): Promise<readonly (readonly [string, string])[]> {
  const [cluster] = CLUSTERS;
  if (cluster === undefined) throw new Error('the fixture has no clusters');
  const made = {
    overview: overviewPage(await source.overview(signal), context),
    jobs: jobsPage(await source.jobs(signal), context),
    job: jobPage(await there(source.job(HOSTILE.script, signal)), context),
    'a job without tests': jobPage(await there(source.job('', signal)), context),
    tests: testsPage({ search: HOSTILE.image, tests: await source.searchTests('', signal) }, context),
    test: testPage(await there(source.test(HOSTILE.image, signal)), context),
    build: buildPage(await there(source.build(buildOf(HOSTILE.image, 0).path, signal)), context),
    clusters: clustersPage(await source.clusters(), context),
    'clusters of nobody': clustersPage({ ...(await source.clusters()), known: false }, context),
    cluster: clusterPage(cluster, context),
    message: messagePage(
      { title: HOSTILE.script, text: Object.values(HOSTILE), command: HOSTILE.image },
      context,
    ),
  };
  return Promise.all(Object.entries(made).map(async ([name, html]) => [name, String(await html)] as const));
}

const pages = new Map(await allPages());
const pageOf = (name: string) => pages.get(name) ?? '';

describe.each([...pages.keys()])('the page of %s', (name) => {
  const html = pageOf(name);

  it('holds hostile names as text only', () => {
    const tags = html.match(/<[a-z!/][^>]*>/gi) ?? [];
    expect(tags.filter((tag) => /^<(img|iframe|object|embed|svg|base|style)/i.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /^<!--/.test(tag))).toEqual([]);
    const scripts = tags.filter((tag) => /^<script/i.test(tag));
    for (const script of scripts)
      expect(script).toMatch(/^<script (src="\/assets\/[\w.]+" defer|type="application\/json")>$/);
    expect(html.match(/\shref="?(javascript|data:text)/gi)).toBeNull();
    expect(html.match(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\ud800-\udfff]/g)).toBeNull();
  });

  it('has nothing that its policy forbids', () => {
    const tags = html.match(/<[a-z][^>]*>/gi)?.join('\n') ?? '';
    const outsideQuotes = tags.replace(/"[^"]*"/g, '""');
    expect(outsideQuotes.match(/\s(style|on\w+)=/gi)).toBeNull();
    expect(PAGE_POLICY).toContain("script-src 'self'");
    expect(PAGE_POLICY).not.toContain('unsafe');
  });

  it('has one heading of the first order, a title, and says where it comes from', () => {
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html).toMatch(/<title>[^<]+<\/title>/);
    expect(html.includes('read <time datetime="2026-11-21T12:00:00.000Z">')).toBe(true);
    expect(html.includes('This is old: ')).toBe(true);
  });
});

describe('what is behind a view', () => {
  it('is beside each table and picture: SQL, command, JSON', () => {
    const job = pageOf('job');
    expect(job.match(/<summary>The query<\/summary>/g)).toHaveLength(3);
    expect(job.includes('samovar query job-health --days 14')).toBe(true);
    expect(job.includes(`href="/api/v1/jobs/${encodeURIComponent(HOSTILE.script)}"`)).toBe(true);
    for (const figure of job.match(/<figure[\s\S]*?<\/figure>/g) ?? []) {
      expect(figure).toMatch(/role="img" aria-label="[^"]{10,}"/);
      expect(figure).toMatch(/<summary>As a table/);
    }
  });
});

describe('the grid', () => {
  it('gives its data to the script whole, whatever the names are', async () => {
    const grid = gridOf(JOBS[0], Object.values(HOSTILE), 40);
    const html = String(await gridView(grid, context));
    const [, json = ''] = /<script type="application\/json">([\s\S]*?)<\/script>/.exec(html) ?? [];
    const data = JSON.parse(json) as { rows: { test: string; marks: string }[]; builds: { href: string }[] };
    expect(data.rows.map(({ marks }) => marks)).toEqual(grid.rows.map(({ marks }) => marks));
    expect(data.rows.map(({ test }) => test)).toEqual(
      Object.values(HOSTILE).map((test) => clipped(plain(test), 500)),
    );
    expect(data.builds).toHaveLength(40);
    expect(html.includes(`${grid.rows.length} of ${grid.testsTotal} tests`)).toBe(true);
  });

  it('cannot be ended by its own data', () => {
    const text = '</script><!--\u2028\u2029<script>';
    expect(scriptJson({ text })).not.toMatch(/[<>\u2028\u2029]/);
    expect(JSON.parse(scriptJson({ text }))).toEqual({ text });
  });
});

describe('assets', () => {
  it('are scripts that can be read, small, and named by what they hold', () => {
    const assets = reportAssets();
    const scripts = assets.filter(({ type }) => type.startsWith('text/javascript'));
    for (const { text, file } of scripts) expect(() => new Script(text, { filename: file })).not.toThrow();
    const bytes = scripts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(SCRIPT_BYTES_MAX);
    for (const { file } of assets) expect(file).toMatch(/^[a-z]+\.[0-9a-f]{16}\.(css|js)$/);
  });

  it('ask for nothing from anywhere', () => {
    const asks = /@import|url\(|\bfetch\(|XMLHttpRequest|import\(|sendBeacon/g;
    for (const { text } of reportAssets()) expect(text.match(asks)).toBeNull();
  });
});

describe('words', () => {
  it.each([
    [1, 3, '33.3%'],
    [3, 3, '100%'],
    [9_999, 10_000, '>99.9%'],
    [1, 10_000, '<0.1%'],
    [0, 5, '0%'],
    [0, 0, '–'],
  ])('%d of %d is %s', (part, whole, said) => expect(percent(part, whole)).toBe(said));

  it.each([
    [null, '–'],
    [0, '0 s'],
    [0.0004, '1 ms'],
    [9.96, '10 s'],
    [59.6, '60 s'],
    [3_599, '1 h'],
    [3_900, '1 h 5 min'],
    [864_000, '10 days'],
  ])('%s seconds are %s', (seconds, said) => expect(lasted(seconds)).toBe(said));
});
