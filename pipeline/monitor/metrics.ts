import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics, Progress, ScrapedValues } from './contract.ts';

/** Seconds from a finished build to its row: streams take seconds, load jobs minutes, trouble hours. */
const LAG_BUCKETS_S = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600];
const OUTCOMES = ['finished', 'noise', 'duplicate', 'poison'] as const;

/** Prometheus metrics in a registry of their own; names begin with `samovar_`. */
export function createMetrics(progress: Progress): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `samovar_${name}`, help, labelNames, registers });
  const events = counter('events_total', 'Messages of queues, by what became of them', 'outcome');
  const rows = counter('rows_written_total', 'Rows that are in a table', 'table');
  const retries = counter('retries_total', 'What was tried again after a failure that may pass', 'where');
  const acknowledged = counter('acknowledged_total', 'Messages acknowledged for builds that every table has');
  const lag = new Histogram({
    name: 'samovar_row_lag_seconds',
    help: "From a build's finish to its row in a table",
    labelNames: ['table'],
    buckets: LAG_BUCKETS_S,
    registers,
  });
  // A counter that begins with its first event shows no increase for it: Prometheus has to have seen the 0.
  for (const outcome of OUTCOMES) events.inc({ outcome }, 0);
  let read: (() => ScrapedValues) | undefined;
  createGauges(registers, progress, () => read?.() ?? {});
  return {
    event: (outcome) => events.inc({ outcome }),
    rowWritten: (table, lagMs) => {
      rows.inc({ table });
      // A build's own time can be wrong: that must not fail the writing of its row.
      if (Number.isFinite(lagMs)) lag.observe({ table }, Math.max(0, lagMs) / 1000);
    },
    retry: (where) => retries.inc({ where }),
    acknowledged: (count) => acknowledged.inc(count),
    onScrape: (values) => {
      read = values;
    },
    // The library writes `Nan` (of its own event loop's figures), which is not of the format.
    render: async () => (await registry.metrics()).replace(/ Nan$/gm, ' NaN'),
  };
}

/** Gauges without labels, by the value each one shows. */
const PLAIN = {
  deadLetters: ['dead_letters', 'What could not be done and waits for somebody'],
  outstandingMessages: ['outstanding_messages', 'Messages delivered and not yet acknowledged'],
  diskFreeBytes: ['disk_free_bytes', "Free space of the database's disk"],
  diskSizeBytes: ['disk_size_bytes', "Size of the database's disk"],
  sqlitePagesLeft: ['sqlite_pages_left', "Pages left under SQLite's limit"],
} as const satisfies Partial<Record<keyof ScrapedValues, readonly [name: string, help: string]>>;

/** Looked up when the page is asked for: one metric looks for all of them. */
function createGauges(registers: Registry[], progress: Progress, read: () => ScrapedValues): void {
  const failures = new Counter({
    name: 'samovar_lookup_failures_total',
    help: 'Times the values of this page that come from the database could not be looked up',
    registers,
    // It is the first of them on the page: the others are asked after it, and show what it has looked up.
    collect() {
      const values = lookUp(read, () => this.inc());
      showPlain(plain, values);
      showLabelled(labelled, values, progress);
      showMutations(mutations, values);
    },
  });
  failures.inc(0);
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `samovar_${name}`, help, labelNames, registers });
  const plain = Object.entries(PLAIN).map(
    ([key, [name, help]]) => [key as keyof typeof PLAIN, gauge(name, help)] as const,
  );
  const labelled = {
    ledger: gauge('ledger_items', 'Builds in the ledger, by table and state', 'table', 'state'),
    loads: gauge('loads_left', 'Load jobs a table may still have within 24 hours', 'table'),
    tasks: gauge('stage_tasks', 'Pieces of work under way', 'stage'),
    last: gauge(
      'stage_last_progress_seconds',
      'When a stage last made progress, in seconds since the epoch',
      'stage',
    ),
  };
  const ofTable = ['repository', 'table'];
  const mutations = {
    rows: gauge('mutation_rows', "Rows that a table is to have of a repository's mutation log", ...ofTable),
    missing: gauge('mutation_rows_missing', 'Of these, rows that the table has not confirmed', ...ofTable),
    lag: gauge('mutation_lag_seconds', 'Time since the oldest of the missing; 0: none is', ...ofTable),
  };
}

/** When the database fails, the rest of the page is what tells of it. */
function lookUp(read: () => ScrapedValues, failed: () => void): ScrapedValues {
  try {
    return read();
  } catch {
    failed();
    return {};
  }
}

/** What is not known is not shown: a 0 would be an alarm about a full disk. */
function showPlain(
  gauges: readonly (readonly [key: keyof typeof PLAIN, gauge: Gauge])[],
  values: ScrapedValues,
): void {
  for (const [key, gauge] of gauges) {
    const value = values[key];
    if (value !== undefined && Number.isFinite(value)) gauge.set(value);
    else gauge.remove();
  }
}

/** Anew each time: what is no longer told of would keep its last value. */
function showLabelled(
  { ledger, loads, tasks, last }: Readonly<Record<'ledger' | 'loads' | 'tasks' | 'last', Gauge>>,
  values: ScrapedValues,
  progress: Progress,
): void {
  for (const gauge of [ledger, loads, tasks, last]) gauge.reset();
  for (const { table, state, items } of values.ledger ?? []) ledger.set({ table, state }, items);
  for (const { table, left } of values.loadsLeft ?? []) loads.set({ table }, left);
  for (const stage of progress.stages()) {
    tasks.set({ stage: stage.name }, stage.tasks);
    if (stage.lastProgressMs !== undefined) last.set({ stage: stage.name }, stage.lastProgressMs / 1000);
  }
}

function showMutations(
  gauges: Readonly<Record<'rows' | 'missing' | 'lag', Gauge>>,
  { mutationTables = [] }: ScrapedValues,
): void {
  for (const gauge of Object.values(gauges)) gauge.reset();
  for (const { repository, table, rows, missing, lagSeconds } of mutationTables) {
    gauges.rows.set({ repository, table }, rows);
    gauges.missing.set({ repository, table }, missing);
    if (lagSeconds !== undefined) gauges.lag.set({ repository, table }, lagSeconds);
  }
}
