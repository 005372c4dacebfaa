import { reportAssets } from '../report/assets.ts';
import { type Links, type StaticKind, staticFile, staticLinks } from '../report/links.ts';
import type { JobSummary, ReportBulk, TestPage } from '../report/models.ts';
import type { Html, PageContext } from '../report/page.ts';
import { buildPage } from '../report/pages/build.ts';
import { clusterPage, clustersPage } from '../report/pages/clusters.ts';
import { jobPage } from '../report/pages/job.ts';
import { jobsPage } from '../report/pages/jobs.ts';
import { overviewPage } from '../report/pages/overview.ts';
import { testPage } from '../report/pages/test.ts';
import { testsPage } from '../report/pages/tests.ts';
import { openSiteFiles, type SiteFiles } from './report-site-files.ts';

/** What a site holds at most: beyond that it would be neither written in seconds nor easily copied. */
export interface SiteLimits {
  /** Pages of builds in all; each job has its newest. */
  readonly builds: number;
  readonly tests: number;
  readonly jobs: number;
}

export const SITE_LIMITS: SiteLimits = { builds: 5_000, tests: 200, jobs: 3_000 };

export interface SiteOptions {
  readonly source: ReportBulk;
  readonly folder: string;
  readonly artifactsUrl?: string | undefined;
  readonly limits?: SiteLimits;
  /** Draws everything, writes nothing. */
  readonly dryRun?: boolean;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly onPage?: (written: number, expected: number) => void;
  /** What is read next: that may take longer than to draw it. */
  readonly onRead?: (what: string) => void;
}

export interface SiteWritten {
  readonly pages: Readonly<Record<StaticKind, number>>;
  /** Builds of the window; more than there are pages of where the limit was reached. */
  readonly buildsTotal: number;
  readonly files: number;
  readonly bytes: number;
  /** Files of an earlier report that this one has no more. */
  readonly removed: number;
}

/** Writes a whole site, or where it is stopped leaves the one that is there. */
export async function writeSite(options: SiteOptions): Promise<SiteWritten> {
  const files = options.dryRun === true ? countOnly() : await openSiteFiles(options.folder, options.nowMs);
  try {
    const { pages, buildsTotal } = await drawSite(options, files);
    options.signal.throwIfAborted();
    return { pages, buildsTotal, ...(await files.finish()) };
  } catch (error) {
    await files.drop();
    throw error;
  }
}

function countOnly(): SiteFiles {
  let [files, bytes] = [0, 0];
  return {
    add: async (_, text) => {
      files += 1;
      bytes += Buffer.byteLength(text);
    },
    finish: async () => ({ files, bytes, removed: 0 }),
    drop: async () => {},
  };
}

async function drawSite(options: SiteOptions, files: SiteFiles) {
  const { source, signal, artifactsUrl, limits = SITE_LIMITS, onRead = () => {} } = options;
  onRead('jobs');
  const overview = await source.overview(signal);
  const list = await source.jobs(signal);
  const jobs = list.jobs.slice(0, limits.jobs);
  const clusters = await source.clusters();
  onRead('tests');
  const tests = new Map<string, TestPage>();
  for await (const page of source.tests(limits.tests, signal)) tests.set(page.test, page);
  const known = {
    jobs: new Set(jobs.map(({ job }) => job)),
    tests: new Set(tests.keys()),
    builds: new Set<string>(),
    clusters: new Set(clusters.result.clusters.map(({ id }) => id)),
  };
  const buildsTotal = jobs.reduce((sum, { runs }) => sum + runs, 0);
  const perJob = fairShare(jobs, limits.builds);
  const notice =
    perJob < Infinity
      ? `Only the newest ${perJob} builds of each job have pages of their own here: there are ${buildsTotal}.`
      : undefined;
  const at = (depth: 0 | 1, said?: string): PageContext => {
    const links: Links = staticLinks(depth, known, { artifactsUrl });
    return { head: source.head(), links, notice: said };
  };
  const site = counting(files, options, {
    expected:
      jobs.reduce((sum, { runs }) => sum + Math.min(runs, perJob), 0) +
      jobs.length +
      tests.size +
      known.clusters.size,
  });
  for (const { file, text } of reportAssets()) await files.add(`assets/${file}`, text);
  const below = at(1);
  onRead('builds');
  // Builds first: other pages link only to those that have a page.
  for (const { job } of jobs)
    await drawBuilds(job, { source, perJob, site, below, signal, known: known.builds });
  onRead('grids');
  for (const { job } of jobs) {
    const model = await source.job(job, signal);
    if (model !== undefined) await site.below('job', job, jobPage(model, below));
  }
  for (const model of tests.values()) await site.below('test', model.test, testPage(model, below));
  for (const one of clusters.result.clusters) await site.below('cluster', one.id, clusterPage(one, below));
  await site.top('jobs', jobsPage({ ...list, jobs }, at(0)));
  await site.top('tests', testsPage({ search: '', tests: await source.searchTests('', signal) }, at(0)));
  await site.top('clusters', clustersPage(clusters, at(0)));
  await site.top('index', overviewPage(overview, at(0, notice)));
  return { pages: site.pages, buildsTotal };
}

interface Drawing {
  readonly source: ReportBulk;
  readonly perJob: number;
  readonly site: ReturnType<typeof counting>;
  readonly below: PageContext;
  readonly signal: AbortSignal;
  readonly known: Set<string>;
}

async function drawBuilds(
  job: string,
  { source, perJob, site, below, signal, known }: Drawing,
): Promise<void> {
  let left = perJob;
  for await (const model of source.builds(job, signal)) {
    if (left <= 0) return;
    left -= 1;
    known.add(model.build.path);
    await site.below('build', model.build.path, buildPage(model, below));
  }
}

function counting(
  files: SiteFiles,
  { signal, onPage }: SiteOptions,
  { expected }: { readonly expected: number },
) {
  const pages = { job: 0, test: 0, build: 0, cluster: 0 };
  let written = 0;
  const add = async (file: string, html: Html) => {
    signal.throwIfAborted();
    await files.add(file, String(await html));
    written += 1;
    onPage?.(written, expected);
  };
  return {
    pages,
    top: (name: string, html: Html) => add(`${name}.html`, html),
    below: async (kind: StaticKind, name: string, html: Html) => {
      pages[kind] += 1;
      await add(staticFile(kind, name), html);
    },
  };
}

/** The most builds of each job with which all stay within the limit; Infinity where all builds do. */
export function fairShare(jobs: readonly Pick<JobSummary, 'runs'>[], limit: number): number {
  const counts = jobs.map(({ runs }) => runs).sort((a, b) => a - b);
  let left = limit;
  for (const [at, runs] of counts.entries()) {
    const share = Math.floor(left / (counts.length - at));
    if (runs > share) return Math.max(1, share);
    left -= runs;
  }
  return Infinity;
}
