import { expect, test } from 'vitest';
import { lagValues } from '../../pipeline/commands/mutation-log/lag.ts';
import { tableLags } from '../../pipeline/jobs/mutation-lag.ts';
import { repoStats } from '../../pipeline/jobs/mutation-stats.ts';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { statsText } from '../../pipeline/show/mutation-tools.ts';
import { withClocks } from '../monitor/clocks.ts';
import { at, issueMutation } from '../support/corpus.ts';
import { TABLES, testTables } from '../support/mutation-tables.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const NOW_S = NOW_MS / 1000;

const issueAt = (number: number, secondsAgo: number) =>
  issueMutation(number, {
    title: `issue ${number}`,
    created: at(NOW_S - secondsAgo),
    updated: at(NOW_S - secondsAgo),
  });

async function place() {
  const tables = await testTables(folder);
  const context = { ...tables, tables: TABLES, warehouseUrl: tables.warehouse.url, nowMs: () => NOW_MS };
  const lags = () => tableLags(context, tables.store.corpus.repos());
  const of = (table: string) => lags()[0]?.tables.find((lag) => lag.table === table);
  return { ...tables, lags, of };
}

test('tables that have everything do not lag, and what was applied since is not read yet', async () => {
  const { log, replay, load, lags, of } = await place();
  log.add(issueAt(1, 500), issueAt(2, 100));
  replay();
  expect(lags()).toEqual([]);
  await load();
  expect(lags()).toMatchObject([{ repository: 'o/r', unread: false }]);
  expect(of('mutations')).toEqual({ table: 'mutations', rows: 2, missing: 0, lagSeconds: 0 });
  log.add(issueAt(3, 50));
  expect(lags()[0]?.unread).toBe(false);
  replay();
  expect(lags()[0]?.unread).toBe(true);
  await load();
  expect(lags()[0]?.unread).toBe(false);
  expect(of('issues')).toEqual({ table: 'issues', rows: 3, missing: 0, lagSeconds: 0 });
});

test('what a warehouse refuses is missing, since the oldest of it', async () => {
  const { log, replay, load, of, warehouse, context, store } = await place();
  log.add(issueAt(1, 500));
  replay();
  await load();
  log.add(issueAt(2, 300), issueAt(3, 100));
  replay();
  const refusing = { ...warehouse, load: () => Promise.reject(new Error('the warehouse is away')) };
  const { loadMutations } = await import('../../pipeline/jobs/mutation-tables.ts');
  const broken = { ...context, warehouse: refusing };
  await expect(loadMutations(broken, { tables: TABLES, replace: false, check: false })).rejects.toThrow(
    'away',
  );
  expect(of('mutations')).toEqual({ table: 'mutations', rows: 3, missing: 2, lagSeconds: 300 });
  const lags = tableLags(
    { store, tables: TABLES, warehouseUrl: warehouse.url, nowMs: () => NOW_MS },
    store.corpus.repos(),
  );
  const [stats] = await repoStats({
    repos: store.corpus.repos(),
    lags,
    segments: async () => [{ number: 0, size: 1, sha224: '', name: '', growing: true }],
  });
  expect(stats?.warehouse?.tables.find(({ table }) => table === 'mutations')?.missing).toBe(2);
  expect(statsText(stats === undefined ? [] : [stats])).toContain('rows not in the warehouse');
});

test('the page of metrics tells rows, missing rows and lag of each table', async () => {
  const { log, replay, load, lags } = await place();
  log.add(issueAt(1, 500));
  replay();
  await load();
  const metrics = createMetrics(withClocks().progress);
  metrics.onScrape(() => lagValues(lags()));
  const page = await metrics.render();
  expect(page).toContain('samovar_mutation_rows{repository="o/r",table="mutations"} 1');
  expect(page).toContain('samovar_mutation_rows_missing{repository="o/r",table="mutations"} 0');
  expect(page).toContain('samovar_mutation_lag_seconds{repository="o/r",table="issues"} 0');
});
