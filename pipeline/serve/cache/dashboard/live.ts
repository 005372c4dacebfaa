import { html } from 'hono/html';
import type { Cache, JobStatus, ProcessStatus } from '../../../cache/engine.ts';
import { jobsTable, processesTable, runsTable } from './jobs.ts';
import type { Html } from './layout.ts';
import { deed, hostsTable, providersTable, type View, verdict } from './tables.ts';
import { amount } from './words.ts';

const JOBS_SHOWN = 50;
const RUNS_SHOWN = 30;
/** Looked at for each that is shown: some may be nobody's business. */
const SPARE = 20;

/** The part of the page that changes. Strangers are not shown what private providers hold, not even their keys. */
export function liveView(cache: Cache, view: View): Html {
  const isHidden = hiddenOf(cache, view);
  const providers = cache.providers.filter(({ name }) => !isHidden(name));
  const states = new Map(cache.providerStates().map((state) => [state.provider, state]));
  const jobs = (['running', 'failed', 'waiting'] as const).map(
    (state) =>
      [state, shownOf(cache.jobs({ state, limit: JOBS_SHOWN * SPARE }), isHidden, JOBS_SHOWN)] as const,
  );
  const shown = jobs.flatMap(([, list]) => list);
  const counts = { waiting: 0, running: 0, failed: 0 };
  for (const { name } of providers)
    for (const key of ['waiting', 'running', 'failed'] as const) counts[key] += states.get(name)?.[key] ?? 0;
  const more = counts.running + counts.failed + counts.waiting - shown.length;
  const processes = cache.processes();
  const runs = (failedOnly: boolean) =>
    shownOf(cache.runs({ failedOnly, limit: RUNS_SHOWN * SPARE }), isHidden, RUNS_SHOWN);
  const late = providers.filter((one) => verdict(one, states.get(one.name))[0] === 'bad').length;
  return html`${sums({ providers: providers.length, late, ...counts }, processes, view.nowMs)}
<section aria-labelledby="h-providers"><h2 id="h-providers">Providers</h2>${providersTable(providers, states, view)}${view.mayAct ? allDeeds() : ''}</section>
<section aria-labelledby="h-hosts"><h2 id="h-hosts">Hosts</h2>${hostsTable(cache.hostStates(), view)}</section>
<section aria-labelledby="h-jobs"><h2 id="h-jobs">Jobs</h2>${jobsTable(shown, view)}${more > 0 ? html`<p class="soft">and ${amount(more)} more</p>` : ''}</section>
<section aria-labelledby="h-failures"><h2 id="h-failures">Failed refreshes</h2>${runsTable(runs(true), view)}</section>
<section aria-labelledby="h-runs"><h2 id="h-runs">Last refreshes</h2>${runsTable(runs(false), view)}</section>
<section aria-labelledby="h-processes"><h2 id="h-processes">Processes</h2>${processesTable(processes, view)}</section>`;
}

function shownOf<T extends { readonly provider: string }>(
  items: readonly T[],
  isHidden: (provider: string) => boolean,
  max: number,
): readonly T[] {
  return items.filter(({ provider }) => !isHidden(provider)).slice(0, max);
}

function hiddenOf(cache: Cache, { mayAct }: View): (provider: string) => boolean {
  const hidden = new Set(cache.providers.filter((one) => one.isPrivate === true).map(({ name }) => name));
  return (provider) => !mayAct && hidden.has(provider);
}

function allDeeds(): Html {
  return html`<p class="deeds">${deed('pause', {}, 'Pause all', 'providers')}${deed('resume', {}, 'Resume all', 'providers')}</p>`;
}

type Counts = Readonly<Record<'providers' | 'late' | JobStatus['state'], number>>;

function sums(counts: Counts, processes: readonly ProcessStatus[], nowMs: number): Html {
  const alive = processes.filter(({ leaseUntilMs }) => (leaseUntilMs ?? 0) > nowMs);
  const scheduler = alive.some(({ role }) => role === 'scheduler');
  const workers = alive.filter(({ role }) => role === 'worker').length;
  const sum = (label: string, value: number) => html`<div><dt>${label}</dt><dd>${amount(value)}</dd></div>`;
  return html`<dl class="sums">${sum('providers', counts.providers)}${sum('failing or late', counts.late)}
${sum('jobs running', counts.running)}${sum('jobs waiting', counts.waiting)}${sum('jobs failed', counts.failed)}${sum('workers', workers)}
<div><dt>scheduler</dt><dd class="words">${scheduler ? 'alive' : 'gone: nothing is refreshed by time'}</dd></div></dl>
`;
}
