import { describe, expect, onTestFinished, test } from 'vitest';
import type { IdlerReport } from '../../../pipeline/k8s/idler/contract.ts';
import { createIdlerMetrics } from '../../../pipeline/k8s/idler/metrics.ts';
import { listenMetrics } from '../../../pipeline/k8s/idling/metrics-page.ts';

const REPORT: IdlerReport = {
  ...{ dryRun: false, at: '2026-11-20T22:00:00.000Z', seconds: 1.5, mended: [] },
  idled: [{ app: 'shop/web', why: 'its hours to sleep' }],
  kept: [
    { app: 'shop/a', by: 'cpu', why: 'it uses 50.0 % of its CPU' },
    { app: 'shop/b', by: 'cpu', why: 'it uses 60.0 % of its CPU' },
    { app: 'shop/c', by: 'label', why: 'its namespace is labelled to stay awake' },
  ],
  failed: [{ app: 'shop/d', why: 'denied' }],
};

describe('metrics of the idler', () => {
  test('say what the last pass found, and how many there were', async () => {
    const metrics = createIdlerMetrics();
    const { url, close } = await listenMetrics('127.0.0.1:0', metrics.render);
    onTestFinished(close);
    metrics.report(REPORT);
    metrics.report({ ...REPORT, idled: [], failed: [] });
    metrics.failed();
    metrics.retried('conflict');
    const text = await (await fetch(`${url}/metrics`)).text();
    const values = Object.fromEntries(
      text
        .split('\n')
        .filter((line) => line.startsWith('samovar_'))
        .map((line) => [line.slice(14, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
    expect(values).toMatchObject({
      ...{ 'passes_total{outcome="done"}': 1, 'passes_total{outcome="some"}': 1 },
      ...{ 'passes_total{outcome="failed"}': 1, idled_total: 1, failures_total: 1 },
      ...{ 'apps{outcome="idled"}': 0, 'apps{outcome="kept"}': 3, 'apps{outcome="failed"}': 0 },
      ...{ 'kept{by="cpu"}': 2, 'kept{by="label"}': 1, 'kept{by="young"}': 0, dry_run: 0 },
      ...{ 'api_retries_total{why="conflict"}': 1, last_pass_seconds: Date.parse(REPORT.at) / 1000 },
      last_pass_duration_seconds: 1.5,
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/`)).status).toBe(404);
  });

  test('a dry run has sent nothing to sleep', async () => {
    const metrics = createIdlerMetrics();
    metrics.report({ ...REPORT, dryRun: true });
    expect(await metrics.render()).toMatch(/^samovar_idler_idled_total 0$/m);
  });
});
