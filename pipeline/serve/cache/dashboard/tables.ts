import { html } from 'hono/html';
import type { Provider } from '../../../cache/contract.ts';
import type { HostStatus, ProviderStatus } from '../../../cache/engine.ts';
import { type Html, NONE, table } from './layout.ts';
import { amount, bytes, clipped, length, moment, pill, span, type Tone } from './words.ts';

/** What a table needs beside its rows. */
export interface View {
  readonly nowMs: number;
  /** Whether the reader may change anything. */
  readonly mayAct: boolean;
}

/** A link to the page that asks whether it is meant. */
export function deed(what: string, of: Readonly<Record<string, string>>, label: string, about: string): Html {
  const query = new URLSearchParams({ do: what, ...of });
  const id = `${what}-${Object.values(of).join('-')}`;
  return html`<a class="button" id="${id}" href="/dashboard/confirm?${query.toString()}">${label}<span class="hidden"> ${about}</span></a>`;
}

export function providersTable(
  providers: readonly Provider[],
  states: ReadonlyMap<string, ProviderStatus>,
  view: View,
): Html {
  const columns = [
    { label: 'Provider' },
    { label: 'State' },
    { label: 'Oldest', kind: 'short' as const },
    { label: 'Limit', kind: 'short' as const },
    { label: 'Entries' },
    { label: 'Size', kind: 'number' as const },
    { label: 'Jobs', kind: 'short' as const },
    { label: 'Next', kind: 'short' as const },
    ...(view.mayAct ? [{ label: 'Actions', kind: 'deed' as const }] : []),
  ];
  const rows = providers.map((provider) => providerRow(provider, states.get(provider.name), view));
  return table('Providers and how fresh they are', columns, rows);
}

function providerRow(provider: Provider, state: ProviderStatus | undefined, view: View): readonly unknown[] {
  const { name, title, clocks } = provider;
  const { nowMs } = view;
  const [tone, words] = verdict(provider, state);
  const error = state?.lastError;
  return [
    html`<strong>${name}</strong> <span class="soft title">${title}</span>`,
    html`${pill(tone, words)}${error === undefined ? '' : html` <span class="soft title">${error.code}, ${moment(error.atMs, nowMs)}: ${clipped(error.message, 160)}</span>`}`,
    state?.oldestAgeMs === undefined ? NONE : span(state.oldestAgeMs),
    provider.kind === 'retired' ? NONE : length(clocks.ttlMs),
    state === undefined ? NONE : entries(state),
    state === undefined ? NONE : bytes(state.bytes),
    state === undefined ? NONE : jobCounts(state),
    provider.kind === 'retired' ? NONE : moment(state?.nextAtMs, nowMs, 'on demand'),
    ...(view.mayAct ? [providerDeeds(provider, state)] : []),
  ];
}

export function verdict(provider: Provider, state: ProviderStatus | undefined): readonly [Tone, string] {
  const { ttlMs, staleMs } = provider.clocks;
  if (provider.kind === 'retired' || state?.retired) return ['none', 'retired'];
  if (state?.paused) return ['warn', 'paused'];
  if (state === undefined || Object.values(state.entries).every((count) => count === 0))
    return ['none', 'empty'];
  if (state.lastError !== undefined && state.lastError.atMs > (state.lastOkAtMs ?? 0))
    return ['bad', 'failing'];
  if ((state.oldestAgeMs ?? 0) > ttlMs + staleMs) return ['bad', 'late'];
  if (state.entries.stale + state.entries.error > 0) return ['warn', 'refreshing'];
  return ['good', 'fresh'];
}

function entries({ entries: counts }: ProviderStatus): Html {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  const words = parts.map(([state, count]) => `${amount(count)} ${state}`).join(', ') || 'none';
  let x = 0;
  const bars = parts.map(([state, count]) => {
    const width = (count / all) * 100;
    const bar = html`<rect class="${state}" x="${x.toFixed(2)}" y="0" width="${width.toFixed(2)}" height="6"></rect>`;
    x += width;
    return bar;
  });
  return html`${words}<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>`;
}

function jobCounts({ running, waiting, failed }: ProviderStatus): Html | string {
  const parts = Object.entries({ running, waiting, failed }).filter(([, count]) => count > 0);
  if (parts.length === 0) return NONE;
  return html`${parts.map(([state, count]) => html`<span class="title">${amount(count)} ${state}</span>`)}`;
}

function providerDeeds({ name: provider, kind }: Provider, state: ProviderStatus | undefined): Html {
  const of = { provider };
  const pause = state?.paused ? deed('resume', of, 'Resume', provider) : deed('pause', of, 'Pause', provider);
  if (kind === 'retired') return html`<span class="deeds">${deed('clear', of, 'Clear', provider)}</span>`;
  return html`<span class="deeds">${deed('refresh', of, 'Refresh', provider)}${pause}${deed('clear', of, 'Clear', provider)}</span>`;
}

const BREAKER: Readonly<Record<HostStatus['breaker'], Tone>> = {
  closed: 'good',
  'half-open': 'warn',
  open: 'bad',
};

export function hostsTable(hosts: readonly HostStatus[], { nowMs }: View): Html {
  if (hosts.length === 0) return html`<p class="soft">No host has been asked yet.</p>`;
  const columns = [
    { label: 'Host' },
    { label: 'Breaker' },
    { label: 'Budget', kind: 'short' as const },
    { label: 'Under way', kind: 'number' as const },
    { label: 'Failures in a row', kind: 'number' as const },
    { label: 'Requests', kind: 'number' as const },
    { label: 'Last error', kind: 'words' as const },
  ];
  const rows = hosts.map((host) => [
    html`<strong>${host.host}</strong>`,
    html`${pill(BREAKER[host.breaker], host.breaker)}${host.openUntilMs === undefined || host.breaker === 'closed' ? '' : html` <span class="soft">tries ${moment(host.openUntilMs, nowMs)}</span>`}`,
    `${host.budget.concurrency} at once, ${length(host.budget.gapMs)} apart`,
    `${host.inFlight} of ${host.budget.concurrency}`,
    `${host.failures} of ${host.budget.failuresMax}`,
    amount(host.requests),
    host.lastError === undefined ? NONE : clipped(host.lastError),
  ]);
  return table('Hosts, their budgets and breakers', columns, rows);
}
