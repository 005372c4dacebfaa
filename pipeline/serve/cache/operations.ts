import { readFileSync } from 'node:fs';
import { Hono } from 'hono';
import type { Cache, ProviderStatus } from '../../cache/engine.ts';
import { shippedFile } from '../../config/shipped.ts';
import type { Readiness } from '../../monitor/contract.ts';
import type { ApiMetrics } from './metrics.ts';
import type { CacheApiOptions } from './options.ts';

/** Pages for probes, scrapers and operators. None of them reads a request's body. */
export function operationPages(options: CacheApiOptions, requests: ApiMetrics): Hono {
  const { cache, metrics, nowMs, log } = options;
  const app = new Hono();
  let openApi: string | undefined;
  // By name: `use` without a path would be for every page of the application this one becomes a part of.
  for (const path of ['/healthz', '/readyz', '/status', '/metrics'])
    app.use(path, async (context, next) => {
      await next();
      context.header('cache-control', 'no-store');
    });
  app.get('/healthz', (context) => context.text('ok\n'));
  app.get('/readyz', (context) => {
    const states = readiness(cache, nowMs(), log);
    return context.json(states, states.every(({ ready }) => ready) ? 200 : 503);
  });
  app.get('/status', (context) => context.json(statusOf(cache, nowMs())));
  app.get('/metrics', async (context) =>
    context.body((await metrics.render()) + requests.render(), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    }),
  );
  app.get('/api/openapi.json', (context) => {
    openApi ??= readFileSync(shippedFile('schemas/openapi/cache.json'), 'utf8');
    return context.body(openApi, 200, { 'content-type': 'application/json' });
  });
  return app;
}

/** The store answers, and a scheduler holds its lease: without one, data ages while every other probe is green. */
function readiness(cache: Cache, nowMs: number, log: CacheApiOptions['log']): readonly Readiness[] {
  try {
    cache.seq();
    const scheduler = cache.processes().find(({ role }) => role === 'scheduler');
    const alive = (scheduler?.leaseUntilMs ?? 0) > nowMs;
    const silentS = scheduler === undefined ? 0 : Math.round((nowMs - scheduler.lastSignMs) / 1_000);
    const gone =
      scheduler === undefined ? 'no scheduler has ever run' : `the last sign is ${silentS} seconds old`;
    return [
      { name: 'store', ready: true, detail: 'answers' },
      { name: 'scheduler', ready: alive, detail: alive ? `${scheduler?.name} holds the lease` : gone },
    ];
  } catch (error) {
    log('readiness could not be told', error);
    return [{ name: 'store', ready: false, detail: 'does not answer: see the log' }];
  }
}

/** Each provider's age beside what it should be. Private ones too: there are no values here. */
function statusOf(cache: Cache, nowMs: number) {
  const states = new Map(cache.providerStates().map((state) => [state.provider, state]));
  const providers = cache.providers.map((provider) => {
    const state = states.get(provider.name);
    const { ttlMs, staleMs } = provider.clocks;
    return {
      provider: provider.name,
      title: provider.title,
      kind: provider.kind,
      ttl_s: seconds(ttlMs),
      oldest_age_s: seconds(state?.oldestAgeMs),
      is_late: (state?.oldestAgeMs ?? 0) > ttlMs + staleMs,
      paused: state?.paused ?? false,
      entries: state?.entries ?? { fresh: 0, stale: 0, error: 0, missing: 0 },
      jobs: jobsOf(state),
      last_ok_at: iso(state?.lastOkAtMs),
      last_error: state?.lastError === undefined ? null : state.lastError.code,
      last_error_at: iso(state?.lastError?.atMs),
    };
  });
  return { now: iso(nowMs), providers };
}

function jobsOf(state: ProviderStatus | undefined) {
  const { waiting = 0, running = 0, failed = 0 } = state ?? {};
  return { waiting, running, failed };
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms / 1_000);
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
