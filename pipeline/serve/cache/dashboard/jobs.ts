import { html } from 'hono/html';
import type { JobOutcome, JobReason } from '../../../cache/contract.ts';
import type { JobStatus, ProcessStatus, RunRecord } from '../../../cache/engine.ts';
import { type Html, NONE, table } from './layout.ts';
import { deed, type View } from './tables.ts';
import { bytes, clipped, length, moment, pill, type Tone } from './words.ts';

const STATES: Readonly<Record<JobStatus['state'], Tone>> = {
  running: 'good',
  waiting: 'none',
  failed: 'bad',
};
const REASONS: Readonly<Record<JobReason, string>> = {
  waiting: 'somebody waits',
  manual: 'asked for by hand',
  dependency: 'what it is made of changed',
  schedule: 'its time came',
};
const OUTCOMES: Readonly<Record<JobOutcome, Tone>> = {
  changed: 'good',
  unchanged: 'good',
  absent: 'none',
  failed: 'bad',
  superseded: 'warn',
};

export function jobsTable(jobs: readonly JobStatus[], view: View): Html {
  if (jobs.length === 0) return html`<p class="soft">Nothing waits, runs or has failed.</p>`;
  const columns = [
    { label: 'Entry' },
    { label: 'State' },
    { label: 'Why', kind: 'short' as const },
    { label: 'Try', kind: 'number' as const },
    { label: 'When', kind: 'short' as const },
    { label: 'Worker', kind: 'short' as const },
    { label: 'Error', kind: 'words' as const },
    ...(view.mayAct ? [{ label: 'Actions', kind: 'deed' as const }] : []),
  ];
  return table(
    'Jobs',
    columns,
    jobs.map((job) => jobRow(job, view)),
  );
}

function jobRow(job: JobStatus, { nowMs, mayAct }: View): readonly unknown[] {
  const about = `job ${job.id}`;
  const id = { job: String(job.id) };
  return [
    entryName(job),
    pill(STATES[job.state], job.state),
    REASONS[job.reason],
    String(job.attempt),
    moment(job.runAtMs, nowMs),
    job.worker ?? NONE,
    job.error === undefined ? NONE : clipped(job.error),
    ...(mayAct
      ? [
          html`<span class="deeds">${job.state === 'running' ? '' : deed('retry', id, 'Retry', about)}${deed('cancel', id, 'Cancel', about)}</span>`,
        ]
      : []),
  ];
}

export function runsTable(runs: readonly RunRecord[], { nowMs }: View): Html {
  if (runs.length === 0) return html`<p class="soft">There is none.</p>`;
  const columns = [
    { label: 'Entry' },
    { label: 'Outcome', kind: 'short' as const },
    { label: 'Why', kind: 'short' as const },
    { label: 'Began', kind: 'short' as const },
    { label: 'Took', kind: 'number' as const },
    { label: 'Size', kind: 'number' as const },
    { label: 'What was said', kind: 'words' as const },
  ];
  const rows = runs.map((run) => [
    entryName(run),
    pill(OUTCOMES[run.outcome], run.outcome),
    REASONS[run.reason],
    moment(run.startedAtMs, nowMs),
    length(run.durationMs),
    run.bytes === undefined ? NONE : bytes(run.bytes),
    run.message === undefined ? NONE : clipped(`${run.code ?? ''}: ${run.message}`),
  ]);
  return table('The last refreshes', columns, rows);
}

export function processesTable(processes: readonly ProcessStatus[], { nowMs }: View): Html {
  if (processes.length === 0) return html`<p class="soft">No scheduler and no worker has given a sign.</p>`;
  const columns = [
    { label: 'Role' },
    { label: 'Name' },
    { label: 'State' },
    { label: 'Last sign', kind: 'short' as const },
    { label: 'Since', kind: 'short' as const },
  ];
  const rows = processes.map(({ role, name, since, lastSignMs, leaseUntilMs }) => [
    role,
    name,
    (leaseUntilMs ?? 0) > nowMs ? pill('good', 'alive') : pill('bad', 'gone'),
    moment(lastSignMs, nowMs),
    moment(since, nowMs),
  ]);
  return table('Schedulers and workers', columns, rows);
}

function entryName({ provider, key }: { readonly provider: string; readonly key: string }): Html {
  return html`<strong>${provider}</strong>${key === '' ? '' : html` <code>${clipped(key, 120)}</code>`}`;
}
