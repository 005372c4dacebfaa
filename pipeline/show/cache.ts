import type { CacheRead, Provider } from '../cache/contract.ts';
import type {
  ClearResult,
  GcResult,
  HostStatus,
  JobStatus,
  ProcessStatus,
  ProviderStatus,
  RunRecord,
} from '../cache/engine.ts';
import { byteSize, duration } from './progress.ts';
import { type Column, textTable } from './table.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const right = (title: string): Column => ({ title, align: 'right' });
const age = (ms: number | undefined) =>
  ms === undefined ? '-' : duration(Math.max(0, Math.round(ms / SECOND_MS)));
const span = (ms: number | undefined) => {
  if (ms === undefined) return '-';
  if (ms >= 2 * DAY_MS) return `${Math.round((ms / DAY_MS) * 10) / 10} d`;
  return ms >= HOUR_MS && ms % HOUR_MS === 0 ? `${ms / HOUR_MS} h` : `${Math.round(ms / MINUTE_MS)} min`;
};

/** `samovar cache providers`: what each is. */
export function providersText(providers: readonly Provider[]): string {
  const columns = [
    { title: 'provider' },
    { title: 'kind' },
    right('every'),
    right('fresh for'),
    right('at most'),
    { title: 'needs', charsMax: 60 },
    { title: 'upstream', charsMax: 60 },
  ];
  const rows = providers.map(({ name, kind, clocks, dependsOn, upstream }) => [
    name,
    kind,
    span(clocks.intervalMs),
    kind === 'retired' ? '-' : span(clocks.ttlMs),
    kind === 'retired' ? '-' : span(clocks.ttlMs + clocks.errorMs),
    dependsOn.join(', ') || '-',
    upstream ?? '-',
  ]);
  return textTable(columns, rows);
}

export interface StatusReport {
  readonly providers: readonly ProviderStatus[];
  readonly hosts: readonly HostStatus[];
  readonly processes: readonly ProcessStatus[];
  readonly nowMs: number;
}

/** `samovar cache status`: how everything stands, and what is wrong. */
export function statusText(report: StatusReport): string {
  const parts = [providerTable(report), hostTable(report), processText(report), ...problems(report)];
  return parts.filter((part) => part !== '').join('\n\n');
}

function providerTable({ providers, nowMs }: StatusReport): string {
  const columns = [
    { title: 'provider' },
    ...['fresh', 'stale', 'error', 'missing', 'oldest', 'size', 'waiting', 'running', 'failed'].map(right),
    right('last ok'),
    { title: 'state' },
  ];
  const rows = providers.map((status) => [
    status.provider,
    ...[status.entries.fresh, status.entries.stale, status.entries.error, status.entries.missing],
    age(status.oldestAgeMs),
    byteSize(status.bytes),
    ...[status.waiting, status.running, status.failed],
    status.lastOkAtMs === undefined ? '-' : `${age(nowMs - status.lastOkAtMs)} ago`,
    status.retired ? 'retired' : status.paused ? 'paused' : 'on',
  ]);
  return textTable(columns, rows);
}

function hostTable({ hosts, nowMs }: StatusReport): string {
  if (hosts.length === 0) return '';
  const columns = [
    { title: 'host' },
    right('requests'),
    right('in flight'),
    right('at once'),
    right('gap'),
    { title: 'breaker' },
  ];
  const rows = hosts.map(({ host, requests, inFlight, budget, breaker, openUntilMs }) => [
    host,
    requests,
    inFlight,
    budget.concurrency,
    `${budget.gapMs} ms`,
    openUntilMs !== undefined && openUntilMs > nowMs ? `${breaker} for ${age(openUntilMs - nowMs)}` : breaker,
  ]);
  return textTable(columns, rows);
}

function processText({ processes, nowMs }: StatusReport): string {
  const alive = processes.filter(
    ({ leaseUntilMs, lastSignMs }) => (leaseUntilMs ?? lastSignMs + MINUTE_MS) > nowMs,
  );
  if (alive.length === 0) return 'Nothing refreshes this cache: start `samovar cache run`.';
  return alive
    .map(({ role, name, since, lastSignMs }) => {
      return `${role} ${name}: up ${age(nowMs - since)}, last sign ${age(nowMs - lastSignMs)} ago`;
    })
    .join('\n');
}

function problems({ providers, nowMs }: StatusReport): readonly string[] {
  const failing = providers.filter(
    ({ lastError, lastOkAtMs }) => lastError !== undefined && lastError.atMs > (lastOkAtMs ?? 0),
  );
  if (failing.length === 0) return [];
  const columns = [{ title: 'failing' }, { title: 'since' }, { title: 'code' }, { title: 'reason' }];
  const rows = failing.map(({ provider, lastError }) => [
    provider,
    `${age(nowMs - (lastError?.atMs ?? nowMs))} ago`,
    lastError?.code ?? '',
    lastError?.message ?? '',
  ]);
  return [textTable(columns, rows)];
}

/** `samovar cache get`, for people: what is known beside the value. */
export function readText({ provider, key, state, json, isAbsent, ageMs, error }: CacheRead): string {
  const name = key === '' ? provider : `${provider} ${key}`;
  const age_ = ageMs === undefined ? '' : `, ${age(ageMs)} old`;
  const failed = error === undefined ? '' : `; the last refresh failed (${error.code}): ${error.message}`;
  const head = `${name}: ${isAbsent ? 'the upstream has none' : state}${age_}${failed}`;
  return json === undefined ? head : `${head}\n${JSON.stringify(JSON.parse(json), null, 2)}`;
}

export function jobsText(jobs: readonly JobStatus[], nowMs: number): string {
  if (jobs.length === 0) return 'no jobs';
  const columns = [
    right('job'),
    { title: 'provider' },
    { title: 'key', charsMax: 60 },
    { title: 'state' },
    { title: 'because' },
    right('attempt'),
    right('due'),
    { title: 'worker' },
    { title: 'reason', charsMax: 100 },
  ];
  const rows = jobs.map(({ id, provider, key, state, reason, attempt, runAtMs, worker, error }) => [
    id,
    provider,
    key || '-',
    state,
    reason,
    attempt,
    runAtMs > nowMs ? `in ${age(runAtMs - nowMs)}` : 'now',
    worker ?? '-',
    error ?? '',
  ]);
  return textTable(columns, rows);
}

export function runsText(runs: readonly RunRecord[], nowMs: number): string {
  if (runs.length === 0) return 'none';
  const columns = [
    right('ago'),
    { title: 'provider' },
    { title: 'key', charsMax: 60 },
    { title: 'outcome' },
    { title: 'because' },
    right('took'),
    right('size'),
    { title: 'reason', charsMax: 100 },
  ];
  const rows = runs.map((run) => [
    age(nowMs - run.startedAtMs),
    run.provider,
    run.key || '-',
    run.outcome,
    run.reason,
    `${Math.round(run.durationMs)} ms`,
    run.bytes === undefined ? '-' : byteSize(run.bytes),
    run.message ?? '',
  ]);
  return textTable(columns, rows);
}

export function clearText(result: ClearResult, { hard, dryRun }: { hard: boolean; dryRun: boolean }): string {
  const total = result.providers.reduce((sum, { entries }) => sum + entries, 0);
  if (total === 0) return 'nothing matches: nothing was cleared';
  const verb = hard ? 'deleted' : 'marked stale, served until their refresh is in';
  const head = `${total} entries ${dryRun ? 'would be ' : ''}${verb}`;
  const columns = [{ title: 'provider' }, right('entries'), right('size'), { title: '' }];
  const rows = result.providers.map(({ provider, entries, bytes, derived }) => [
    provider,
    entries,
    byteSize(bytes),
    derived ? 'made from the others' : '',
  ]);
  const wanted = result.wanted > 0 ? [`${result.wanted} refreshes wanted`] : [];
  return [head, textTable(columns, rows), ...wanted].join('\n');
}

const GC_REASONS = {
  expired: 'too old to be served',
  unseen: 'nobody asked for it lately',
  retired: 'its provider is retired',
  unknown: 'its provider is not configured',
  budget: 'over the budget',
} as const;

export function gcText({ removed, runs, left }: GcResult, dryRun: boolean): string {
  const columns = [{ title: 'provider' }, { title: 'because' }, right('entries'), right('size')];
  const rows = removed.map(({ provider, reason, entries, bytes }) => [
    provider,
    GC_REASONS[reason],
    entries,
    byteSize(bytes),
  ]);
  const total = removed.reduce((sum, { entries }) => sum + entries, 0);
  const head = `${total} entries and ${runs} records of refreshes ${dryRun ? 'would be removed' : 'removed'}`;
  const tail = `${left.entries} entries, ${byteSize(left.bytes)} ${dryRun ? 'would be ' : ''}left`;
  return [head, ...(rows.length > 0 ? [textTable(columns, rows)] : []), tail].join('\n');
}
