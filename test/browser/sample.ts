import type { Provider } from '../../pipeline/cache/contract.ts';
import type { JobStatus, ProviderStatus, RunRecord } from '../../pipeline/cache/engine.ts';
import { type MemoryCache, PROVIDERS, provider } from '../serve/cache/memory-cache.ts';

export const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(2)</script>'&amp;`;
const HOUR_MS = 3_600_000;

/** A day of trouble: every state that a page can show, and upstreams' words that are no words. */
export function troubled(
  nowMs: () => number,
  memory: (providers: readonly Provider[]) => MemoryCache,
): MemoryCache {
  const hostile = provider('generic_health', { kind: 'keyed', title: HOSTILE });
  const cache = memory([...PROVIDERS, hostile]);
  const at = nowMs();
  cache.shown.states = [...PROVIDERS, hostile].map((one, index) => stateOf(one, index, at));
  cache.shown.hosts = [
    host('bodhi.fedoraproject.org', 'closed', 1),
    host('bugzilla.redhat.com', 'open', 5, { openUntilMs: at + 300_000, lastError: `503: ${HOSTILE}` }),
    host('retrace.fedoraproject.org', 'half-open', 5, { openUntilMs: at - 1_000 }),
  ];
  cache.shown.jobs = [
    job(1, 'package_bugs', 'kernel', 'running', { worker: 'worker-1', leaseUntilMs: at + 30_000 }),
    job(2, 'package_bugs', HOSTILE, 'failed', {
      attempt: 7,
      error: `cannot read ${HOSTILE} ${'x'.repeat(900)}`,
    }),
    job(3, 'package_prs', 'rust-serde_json+default', 'waiting', { reason: 'waiting' }),
    job(4, 'abrt_issues', 'x'.repeat(128), 'waiting'),
    job(5, 'package_private_bugs', 'embargoed-package', 'failed', { error: 'denied' }),
  ].map((one) => ({ ...one, runAtMs: at - 90_000 }));
  cache.shown.runs = [
    run(1, 'bodhi_updates', '', 'changed', at - 70_000),
    run(2, 'package_bugs', HOSTILE, 'failed', at - 200_000, `answered 500 with ${HOSTILE}`),
    run(3, 'koschei_data', '', 'unchanged', at - 3 * HOUR_MS),
    run(4, 'package_prs', 'vim', 'superseded', at - 26 * HOUR_MS),
  ];
  cache.shown.processes = [
    {
      role: 'scheduler',
      name: 'cache-0',
      since: at - 5 * HOUR_MS,
      lastSignMs: at - 3_000,
      leaseUntilMs: at + 27_000,
    },
    {
      role: 'worker',
      name: 'worker-1',
      since: at - 5 * HOUR_MS,
      lastSignMs: at - 1_000,
      leaseUntilMs: at + 27_000,
    },
    {
      role: 'worker',
      name: HOSTILE,
      since: at - 50 * HOUR_MS,
      lastSignMs: at - 49 * HOUR_MS,
      leaseUntilMs: undefined,
    },
  ];
  for (const name of ['kernel', 'ker%nel', 'vim']) cache.put('package_bugs', name, []);
  return cache;
}

function stateOf({ name, kind }: Provider, index: number, at: number): ProviderStatus {
  const isKeyed = kind === 'keyed' || kind === 'derived';
  const failing = name === 'package_bugs' || name === 'generic_health';
  return {
    provider: name,
    generation: 1,
    paused: name === 'orphans',
    retired: kind === 'retired',
    entries: {
      fresh: kind === 'retired' ? 0 : isKeyed ? 21_480 : 1,
      stale: index % 5 === 0 && isKeyed ? 812 : 0,
      error: failing ? 3_204 : 0,
      missing: failing ? 14 : 0,
    },
    bytes: 3 ** (index % 16),
    oldestAgeMs: kind === 'retired' ? undefined : failing ? 5 * HOUR_MS : index * 120_000,
    waiting: failing ? 3_190 : 0,
    running: failing ? 2 : 0,
    failed: failing ? 26 : 0,
    lastOkAtMs: at - HOUR_MS,
    lastError: failing ? { code: 'unavailable', message: `503 ${HOSTILE}`, atMs: at - 60_000 } : undefined,
    durationMs: { p50: 200, p95: 900 },
    nextAtMs: kind === 'single' ? at + index * 60_000 : undefined,
  };
}

function host(name: string, breaker: 'closed' | 'open' | 'half-open', failures: number, more = {}) {
  const budget = { concurrency: 2, gapMs: 500, failuresMax: 5, openMs: 300_000 };
  const rest = { openUntilMs: undefined, inFlight: 1, requests: 81_234, lastError: undefined };
  return { host: name, budget, breaker, failures, ...rest, ...more };
}

function job(
  id: number,
  name: string,
  key: string,
  state: JobStatus['state'],
  more: Partial<JobStatus> = {},
): JobStatus {
  const rest = { reason: 'schedule', attempt: 1, runAtMs: 0, worker: undefined } as const;
  return { id, provider: name, key, state, ...rest, leaseUntilMs: undefined, error: undefined, ...more };
}

function run(
  id: number,
  name: string,
  key: string,
  outcome: RunRecord['outcome'],
  startedAtMs: number,
  message?: string,
): RunRecord {
  const rest = { reason: 'schedule', attempt: 1, durationMs: 1_240, worker: 'worker-1' } as const;
  const code = message === undefined ? undefined : 'unavailable';
  return { id, provider: name, key, outcome, startedAtMs, ...rest, bytes: 48_200, code, message };
}
