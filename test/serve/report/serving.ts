import { createProgress } from '../../../pipeline/monitor/progress.ts';
import { liveLinks } from '../../../pipeline/report/links.ts';
import type { LiveReport, SiteHead } from '../../../pipeline/report/models.ts';
import { createReportApp } from '../../../pipeline/serve/report/app.ts';
import type { Limits, QueryPages } from '../../../pipeline/serve/report/options.ts';
import { type Got, NO_METRICS } from '../doubles.ts';

export const NOW_MS = Date.UTC(2026, 10, 20, 10);

const NO_QUERIES: QueryPages = { list: [], run: async () => ({ columns: [], rows: [] }) };

interface Made {
  readonly source: LiveReport;
  readonly queries?: QueryPages;
  readonly hosts?: readonly string[];
  readonly limits?: Partial<Limits>;
}

/** The server's pages, asked without a network. */
export function serverOf({ source, queries = NO_QUERIES, hosts = [], limits = {} }: Made) {
  const clock = { ms: NOW_MS };
  const logged: string[] = [];
  const nowMs = () => clock.ms;
  const app = createReportApp({
    ...{ source, queries, hosts, limits, nowMs, links: liveLinks(), metrics: NO_METRICS },
    progress: createProgress({ nowMs, monotonicMs: nowMs, limitMs: 60_000 }),
    log: (message, error) => logged.push(`${message}: ${String(error)}`),
  });
  const get = async (path: string, init: RequestInit = {}): Promise<Got> => {
    const answer = await app.fetch(new Request(`http://localhost:8080${path}`, init));
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
  return { app, clock, logged, get };
}

export const HEAD: SiteHead = {
  ...{ generatedS: NOW_MS / 1000, table: 'all', warehouse: 'duckdb:w.duckdb', windowDays: 14 },
};

/** Only what a test gives it; anything else fails. */
export function sourceOf(parts: Partial<LiveReport>): LiveReport {
  const none = async (): Promise<never> => {
    throw new RangeError('not asked for');
  };
  return {
    ...{ overview: none, jobs: none, job: none, test: none, build: none, clusters: none, searchTests: none },
    ...{ grid: none, buildsOf: none, head: () => HEAD },
    ...parts,
  };
}
