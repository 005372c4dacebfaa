import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics, Progress, ScrapedValues } from './contract.ts';

/** Seconds from a finished build to its row: streams take seconds, load jobs minutes, trouble hours. */
const LAG_BUCKETS_S = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600];

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
  let read: (() => ScrapedValues) | undefined;
  createGauges(registers, progress, () => read?.() ?? {});
  return {
    event: (outcome) => events.inc({ outcome }),
    rowWritten: (table, lagMs) => {
      rows.inc({ table });
      lag.observe({ table }, lagMs / 1000);
    },
    retry: (where) => retries.inc({ where }),
    acknowledged: (count) => acknowledged.inc(count),
    onScrape: (values) => {
      read = values;
    },
    render: () => registry.metrics(),
  };
}

/** Looked up when the page is asked for: one gauge looks for all of them. */
function createGauges(registers: Registry[], progress: Progress, read: () => ScrapedValues): void {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `samovar_${name}`, help, labelNames, registers });
  // First, so that what it looks up is there when the others are asked.
  new Gauge({
    name: 'samovar_stage_last_progress_seconds',
    help: 'When a stage last made progress, in seconds since the epoch',
    labelNames: ['stage'],
    registers,
    collect() {
      const values = read();
      for (const [name, one] of Object.entries(plain)) {
        const value = values[name as keyof typeof plain];
        if (value !== undefined) one.set(value);
      }
      for (const { table, state, items } of values.ledger ?? []) ledger.set({ table, state }, items);
      for (const { table, left } of values.loadsLeft ?? []) loads.set({ table }, left);
      for (const stage of progress.stages()) {
        tasks.set({ stage: stage.name }, stage.tasks);
        if (stage.lastProgressMs !== undefined) this.set({ stage: stage.name }, stage.lastProgressMs / 1000);
      }
    },
  });
  const plain = {
    deadLetters: gauge('dead_letters', 'What could not be done and waits for somebody'),
    outstandingMessages: gauge('outstanding_messages', 'Messages delivered and not yet acknowledged'),
    diskFreeBytes: gauge('disk_free_bytes', "Free space of the database's disk"),
    sqlitePagesLeft: gauge('sqlite_pages_left', "Pages left under SQLite's limit"),
  } as const;
  const ledger = gauge('ledger_items', 'Builds in the ledger, by table and state', 'table', 'state');
  const loads = gauge('loads_left', 'Load jobs a table may still have within 24 hours', 'table');
  const tasks = gauge('stage_tasks', 'Pieces of work under way', 'stage');
}
