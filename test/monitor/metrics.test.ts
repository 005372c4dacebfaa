import { register } from 'prom-client';
import { expect, test } from 'vitest';
import type { Metrics, ScrapedValues } from '../../pipeline/monitor/contract.ts';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { withClocks } from './clocks.ts';
import { parsePage } from './page.ts';

const pageOf = async (metrics: Metrics) => parsePage(await metrics.render());

const EVERYTHING: ScrapedValues = {
  deadLetters: 3,
  outstandingMessages: 17,
  diskFreeBytes: 5e11,
  diskSizeBytes: 1e12,
  sqlitePagesLeft: 4_294_967_294,
  ledger: [
    { table: 'day', state: 'open', items: 5 },
    { table: 'day', state: 'committed', items: 90 },
  ],
  loadsLeft: [{ table: 'day', left: 1_400 }],
};

test('every line of the page is of the format, and every metric says what it is', async () => {
  const { progress } = withClocks();
  progress.stage('collect').task('a');
  const metrics = createMetrics(progress);
  metrics.event('finished');
  metrics.rowWritten('day', 12_000);
  metrics.retry('collect');
  metrics.acknowledged(2);
  metrics.onScrape(() => EVERYTHING);
  const page = await pageOf(metrics);
  const ours = [...page.types].filter(([name]) => name.startsWith('samovar_'));
  expect(ours.sort()).toEqual([
    ['samovar_acknowledged_total', 'counter'],
    ['samovar_dead_letters', 'gauge'],
    ['samovar_disk_free_bytes', 'gauge'],
    ['samovar_disk_size_bytes', 'gauge'],
    ['samovar_events_total', 'counter'],
    ['samovar_ledger_items', 'gauge'],
    ['samovar_loads_left', 'gauge'],
    ['samovar_lookup_failures_total', 'counter'],
    ['samovar_mutation_lag_seconds', 'gauge'],
    ['samovar_mutation_rows', 'gauge'],
    ['samovar_mutation_rows_missing', 'gauge'],
    ['samovar_outstanding_messages', 'gauge'],
    ['samovar_retries_total', 'counter'],
    ['samovar_row_lag_seconds', 'histogram'],
    ['samovar_rows_written_total', 'counter'],
    ['samovar_sqlite_pages_left', 'gauge'],
    ['samovar_stage_last_progress_seconds', 'gauge'],
    ['samovar_stage_tasks', 'gauge'],
  ]);
  for (const [name] of ours) expect(page.helps.get(name), name).toMatch(/^[A-Z].{10,}[^.]$/);
  expect(page.types.has('process_start_time_seconds')).toBe(true);
  expect(page.types.has('nodejs_eventloop_lag_seconds')).toBe(true);
});

test('what was told and looked up is on the page', async () => {
  const { progress } = withClocks();
  progress.stage('collect').task('a');
  progress.stage('idle');
  const metrics = createMetrics(progress);
  metrics.event('finished');
  metrics.event('finished');
  metrics.event('poison');
  metrics.acknowledged(2);
  metrics.acknowledged(3);
  metrics.retry('table day');
  metrics.onScrape(() => EVERYTHING);
  const { value } = await pageOf(metrics);
  expect(value('samovar_events_total', { outcome: 'finished' })).toBe(2);
  expect(value('samovar_events_total', { outcome: 'poison' })).toBe(1);
  expect(value('samovar_events_total', { outcome: 'noise' })).toBe(0);
  expect(value('samovar_acknowledged_total')).toBe(5);
  expect(value('samovar_retries_total', { where: 'table day' })).toBe(1);
  expect(value('samovar_dead_letters')).toBe(3);
  expect(value('samovar_outstanding_messages')).toBe(17);
  expect(value('samovar_disk_free_bytes')).toBe(5e11);
  expect(value('samovar_disk_size_bytes')).toBe(1e12);
  expect(value('samovar_sqlite_pages_left')).toBe(4_294_967_294);
  expect(value('samovar_ledger_items', { table: 'day', state: 'open' })).toBe(5);
  expect(value('samovar_ledger_items', { table: 'day', state: 'committed' })).toBe(90);
  expect(value('samovar_loads_left', { table: 'day' })).toBe(1_400);
  expect(value('samovar_stage_tasks', { stage: 'collect' })).toBe(1);
  expect(value('samovar_stage_last_progress_seconds', { stage: 'collect' })).toBe(Date.UTC(2026, 0) / 1000);
  expect(value('samovar_stage_tasks', { stage: 'idle' })).toBe(0);
  expect(value('samovar_stage_last_progress_seconds', { stage: 'idle' })).toBeUndefined();
});

test('the lag of rows is in buckets from half a second to six hours', async () => {
  const metrics = createMetrics(withClocks().progress);
  for (const lagMs of [500, 1_500, 599_000, 7 * 3_600_000]) metrics.rowWritten('day', lagMs);
  const { samples, value } = await pageOf(metrics);
  const bucket = (le: string) => value('samovar_row_lag_seconds_bucket', { le, table: 'day' });
  expect(bucket('0.5')).toBe(1);
  expect(bucket('1')).toBe(1);
  expect(bucket('2')).toBe(2);
  expect(bucket('600')).toBe(3);
  expect(bucket('21600')).toBe(3);
  expect(bucket('+Inf')).toBe(4);
  expect(value('samovar_row_lag_seconds_count', { table: 'day' })).toBe(4);
  expect(value('samovar_rows_written_total', { table: 'day' })).toBe(4);
  const counts = samples.filter(({ name }) => name === 'samovar_row_lag_seconds_bucket');
  expect(counts.map((one) => one.value)).toEqual(counts.map((one) => one.value).sort((a, b) => a - b));
});

test("a build's wrong time does not fail the writing of its row", async () => {
  const metrics = createMetrics(withClocks().progress);
  metrics.rowWritten('day', -5_000);
  metrics.rowWritten('day', Number.NaN);
  metrics.rowWritten('day', Number.POSITIVE_INFINITY);
  const { value } = await pageOf(metrics);
  expect(value('samovar_rows_written_total', { table: 'day' })).toBe(3);
  expect(value('samovar_row_lag_seconds_count', { table: 'day' })).toBe(1);
  expect(value('samovar_row_lag_seconds_sum', { table: 'day' })).toBe(0);
});

const LOOKED_UP = [
  'samovar_dead_letters',
  'samovar_disk_free_bytes',
  'samovar_disk_size_bytes',
  'samovar_outstanding_messages',
  'samovar_sqlite_pages_left',
];

test('what is not known, or infinite, is not shown: a 0 would be an alarm', async () => {
  const metrics = createMetrics(withClocks().progress);
  const shown = async () => (await pageOf(metrics)).samples.filter(({ name }) => LOOKED_UP.includes(name));
  expect(await shown()).toEqual([]);
  metrics.onScrape(() => EVERYTHING);
  expect(await shown()).toHaveLength(LOOKED_UP.length);
  const endless = Number.POSITIVE_INFINITY;
  metrics.onScrape(() => ({ diskFreeBytes: endless, diskSizeBytes: endless, sqlitePagesLeft: endless }));
  expect(await shown()).toEqual([]);
});

test('what is no longer told of does not keep its last value', async () => {
  const metrics = createMetrics(withClocks().progress);
  metrics.onScrape(() => EVERYTHING);
  await metrics.render();
  metrics.onScrape(() => ({ ledger: [{ table: 'day', state: 'committed', items: 95 }] }));
  const { value, samples } = await pageOf(metrics);
  expect(value('samovar_ledger_items', { table: 'day', state: 'committed' })).toBe(95);
  expect(value('samovar_ledger_items', { table: 'day', state: 'open' })).toBeUndefined();
  expect(samples.some(({ name }) => name === 'samovar_loads_left')).toBe(false);
});

test('values are looked up once for each page, at that moment', async () => {
  const metrics = createMetrics(withClocks().progress);
  let asked = 0;
  metrics.onScrape(() => {
    asked += 1;
    return { deadLetters: asked };
  });
  expect(asked).toBe(0);
  expect((await pageOf(metrics)).value('samovar_dead_letters')).toBe(1);
  expect((await pageOf(metrics)).value('samovar_dead_letters')).toBe(2);
});

test('a database that fails is counted, and the rest of the page is there', async () => {
  const { progress } = withClocks();
  progress.stage('collect').task('a');
  const metrics = createMetrics(progress);
  metrics.event('finished');
  metrics.onScrape(() => EVERYTHING);
  expect((await pageOf(metrics)).value('samovar_lookup_failures_total')).toBe(0);
  metrics.onScrape(() => {
    throw new Error('disk I/O error');
  });
  const { value } = await pageOf(metrics);
  expect(value('samovar_lookup_failures_total')).toBe(1);
  expect(value('samovar_dead_letters')).toBeUndefined();
  expect(value('samovar_events_total', { outcome: 'finished' })).toBe(1);
  expect(value('samovar_stage_tasks', { stage: 'collect' })).toBe(1);
});

test('labels are stages, tables and a few words: builds and messages make no new ones', async () => {
  const { progress } = withClocks();
  const metrics = createMetrics(progress);
  metrics.onScrape(() => EVERYTHING);
  const stage = progress.stage('collect');
  const work = (from: number) => {
    for (let at = from; at < from + 500; at += 1) {
      stage.task(`gs://bucket/logs/job-${at}/1`);
      metrics.event('finished');
      metrics.rowWritten('day', at);
      metrics.retry('collect');
    }
  };
  const ours = async () =>
    (await pageOf(metrics)).samples.filter(({ name }) => name.startsWith('samovar_')).length;
  work(0);
  const before = await ours();
  work(500);
  expect(await ours()).toBe(before);
});

test('two of them do not meet, and none is in the registry of the process', async () => {
  const one = createMetrics(withClocks().progress);
  const other = createMetrics(withClocks().progress);
  one.acknowledged(7);
  expect((await pageOf(other)).value('samovar_acknowledged_total')).toBe(0);
  expect(register.getMetricsAsArray()).toEqual([]);
});
