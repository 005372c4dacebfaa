import type { MonitorReport } from '../../pipeline/jobs/monitor.ts';
import type { Bot } from '../../pipeline/k8s/gitops/bot.ts';
import { createGitopsMetrics } from '../../pipeline/k8s/gitops/metrics.ts';
import { createIdlerMetrics } from '../../pipeline/k8s/idler/metrics.ts';
import { createRouterMetrics } from '../../pipeline/k8s/router/metrics.ts';
import { createSupervisorMetrics } from '../../pipeline/k8s/supervisor/metrics.ts';
import { createUnidlerMetrics } from '../../pipeline/k8s/unidler/metrics.ts';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { createApiMetrics } from '../../pipeline/serve/cache/metrics.ts';
import { createRequestMetrics } from '../../pipeline/serve/metrics.ts';
import { createReportMetrics } from '../../pipeline/serve/report/metrics.ts';
import { monitorPrometheus } from '../../pipeline/show/monitor-prometheus.ts';
import { withClocks } from '../monitor/clocks.ts';
import { type Page, parsePage } from '../monitor/page.ts';
import { memoryCache } from '../serve/cache/memory-cache.ts';

/** Every page of metrics that the program has, made by the code that makes it in earnest, with each metric seen at least once. */
export async function exportedPages(): Promise<readonly Page[]> {
  const texts = await Promise.all([
    streamPage(),
    logPage(),
    dashboardPage(),
    cachePage(),
    routerPage(),
    supervisorPage(),
    idlerPage(),
    unidlerPage(),
    gitopsPage(),
    monitorPage(),
  ]);
  return texts.map(parsePage);
}

function streamPage(): Promise<string> {
  const { progress } = withClocks();
  progress.stage('collect').task('a');
  const metrics = createMetrics(progress);
  metrics.rowWritten('day', 1);
  metrics.retry('queue');
  metrics.onScrape(() => ({
    deadLetters: 1,
    outstandingMessages: 1,
    diskFreeBytes: 1,
    diskSizeBytes: 1,
    sqlitePagesLeft: 1,
    ledger: [{ table: 'day', state: 'open', items: 1 }],
    loadsLeft: [{ table: 'day', left: 1 }],
    mutationTables: [{ repository: 'o/r', table: 'issues', rows: 2, missing: 1, lagSeconds: 60 }],
  }));
  return metrics.render();
}

function logPage(): string {
  const metrics = createRequestMetrics(() => 0);
  metrics.begin()('issues', '200');
  const repo = { owner: 'o', name: 'r', counts: () => ({ issues: 1, pulls: 1 }) };
  const served = { repos: () => [{ repo, state: () => ({ ready: true, detail: '' }) }] };
  return metrics.render(served as unknown as Parameters<typeof metrics.render>[0]);
}

function dashboardPage(): string {
  const metrics = createReportMetrics();
  metrics.answered('jobs', 200, 1);
  const counts = { fresh: 1, read: 1, stale: 1, refused: 1 };
  return metrics.render({ entries: 1, bytes: 1, reading: 0, counts });
}

function cachePage(): string {
  const cache = memoryCache(() => 0);
  cache.shown.states = [
    {
      ...{ provider: 'p', generation: 1, paused: false, retired: false, bytes: 1, oldestAgeMs: 1 },
      ...{ waiting: 0, running: 0, failed: 0, entries: { fresh: 1, stale: 0, error: 1, missing: 0 } },
      ...{ lastOkAtMs: 1, lastError: undefined, durationMs: undefined, nextAtMs: undefined },
    },
  ];
  cache.shown.hosts = [
    {
      ...{ host: 'h', breaker: 'open', openUntilMs: 1, failures: 1, inFlight: 0, requests: 1 },
      ...{ budget: { concurrency: 1, gapMs: 0 }, lastError: undefined },
    } as (typeof cache.shown.hosts)[number],
  ];
  const metrics = createApiMetrics(cache);
  metrics.answered('v2', 200, 1);
  return metrics.render();
}

function routerPage(): Promise<string> {
  const metrics = createRouterMetrics(() => 0, { repositories: () => 1, connections: () => 1 });
  metrics.begin()('ListIssues', 'UNAVAILABLE');
  return metrics.render();
}

function supervisorPage(): Promise<string> {
  const metrics = createSupervisorMetrics();
  metrics.leads(true);
  metrics.step(
    { deed: 'create', part: 'service', name: 'n' } as unknown as Parameters<typeof metrics.step>[0],
    undefined,
  );
  const none = { done: [], failed: [], held: [], paused: [], ignored: [] };
  metrics.report({ outcome: 'done', repositories: 1, workers: 1, dryRun: false, ...none }, 1);
  return metrics.render();
}

function idlerPage(): Promise<string> {
  const metrics = createIdlerMetrics();
  const none = { mended: [], idled: [], kept: [], failed: [] };
  metrics.report({ dryRun: false, at: '2026-01-01T00:00:00Z', seconds: 1, ...none });
  return metrics.render();
}

function unidlerPage(): Promise<string> {
  const metrics = createUnidlerMetrics(() => 1);
  metrics.news({ what: 'ready', host: 'h', app: undefined, text: '', ms: 1 });
  return metrics.render();
}

async function gitopsPage(): Promise<string> {
  const metrics = createGitopsMetrics(() => 0, { queue: () => ({ repository: 'r', waiting: 1 }) });
  const bot: Bot = { handle: async () => ({ state: 'done', lines: [] }) };
  await metrics
    .watched(bot)
    .handle({ id: '1', person: { from: 'api', id: 'a', name: 'a' }, text: 'help' } as never);
  return metrics.render();
}

function monitorPage(): string {
  const at = '2026-01-01T00:00:00.000Z';
  const report: MonitorReport = {
    at,
    tables: [
      {
        ...{
          table: 'day',
          warehouse: 'duckdb:w',
          seen: 'warehouse',
          rows: 1,
          bytes: 1,
          modifiedAt: at,
          hoursOld: 0,
        },
        ...{ committed: 1, waiting: 1, oldestWaitingAt: at, lagHours: 0 },
      },
    ],
    buckets: [{ bucket: 'gs://b/logs/', builds: 1, newestAt: at, hoursOld: 0 }],
    deadLetters: { count: 1, kinds: [{ kind: 'load', count: 1 }], newInDay: 1 },
    database: {
      ...{ file: 'b.db', pageBytes: 1, pages: 1, pagesFree: 0, pagesLeft: 1, fileBytes: 1, walBytes: 0 },
      ...{ diskFreeBytes: 1, diskSizeBytes: 1 },
    },
    unseen: [],
    problems: [],
  };
  return `${monitorPrometheus(report)}\n`;
}
