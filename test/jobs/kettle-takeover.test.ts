import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { TableConfig } from '../../pipeline/config/tables.ts';
import { updateTable } from '../../pipeline/jobs/tables.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { collect, root, storedRows } from '../support/collect.ts';
import { kettleDatabase } from '../support/kettle-db.ts';
import { memoryWarehouse } from '../support/memory-warehouse.ts';
import { junitXml, prowFolder } from '../support/prow.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const HOUR_S = 3_600;
const NOW_S = NOW_MS / 1000;

const table = (name: string, days: number, kettleLedger: string): TableConfig => ({
  name,
  days,
  cluster: [],
  writer: 'load' as const,
  kettleLedger,
  schemaFile: '',
});

it('a Kettle database is gone on from: rows without requests, nothing emitted twice, new builds and old gaps filled', async () => {
  const bucket = join(temp, 'bucket');
  mkdirSync(bucket);
  const prow = prowFolder(bucket);
  const path = (id: string) => `file:${bucket}/logs/ci-a/${id}`;
  const documents = (ageS: number) => ({
    started: `{"timestamp": ${NOW_S - ageS - 60}}`,
    finished: `{"result": "SUCCESS", "timestamp": ${NOW_S - ageS}}`,
    finishedTime: NOW_S - ageS,
  });
  const file = join(temp, 'build.db');
  kettleDatabase(file, [
    // Emitted to both tables; its XML is stored.
    {
      path: path('1'),
      ...documents(3 * HOUR_S),
      files: { 'artifacts/junit_01.xml': junitXml({ passed: 2, skipped: 1 }) },
      emitted: { build_emitted_1: 0, build_emitted: 0 },
    },
    // Lost between make_json and bq load: in one ledger only.
    {
      path: path('2'),
      ...documents(2 * HOUR_S),
      files: { 'artifacts/junit_01.xml': junitXml({ failed: 1 }) },
      emitted: { build_emitted: 1 },
    },
    // Collected, its JUnit not yet.
    { path: path('3'), ...documents(2 * HOUR_S - 60), junitMissing: true },
    // Given up by Kettle long ago.
    { path: path('4'), started: `{"timestamp": ${NOW_S - 30 * 24 * HOUR_S}}`, junitMissing: true },
  ]);
  for (const id of ['1', '2', '3', '4']) prow.put(`logs/ci-a/${id}/build-log.txt`, 'x');
  prow.put('logs/ci-a/3/artifacts/junit_01.xml', junitXml({ passed: 7 }));
  prow.build('ci-a', '5', {
    started: { timestamp: NOW_S - 2 * HOUR_S },
    finished: { timestamp: NOW_S - HOUR_S - 60, passed: true },
  });

  const store = openStore(file, { nowMs: () => NOW_MS });
  onTestFinished(() => store.close());
  const { stats, result } = await collect(store, [root(`file:${bucket}/logs/`)]);
  expect(result.failures).toEqual([]);
  expect(stats.rows).toBe(4);
  expect(storedRows(store).map((row) => [row.path.split('/').at(-1), row.tests_run])).toEqual([
    ['1', 2],
    ['2', 1],
    ['3', 7],
    ['5', 0],
  ]);
  // Of the known builds only the third was asked for its files; the new one for everything; nothing for the one given up.
  expect(stats.requests).toMatchObject({ list: 2 + 1 + 1, read: 1 + 2 });
  expect(store.builds.byPath(path('4'))?.state).toBe('abandoned');

  const warehouse = memoryWarehouse('bigquery:project:dataset');
  const context = {
    store,
    warehouse,
    signal: new AbortController().signal,
    nowMs: () => NOW_MS,
    sleep: async () => undefined,
    workDir: join(temp, 'work'),
  };
  const run = (of: TableConfig) =>
    updateTable(context, of, { name: of.name, schema: [], key: 'path' }, { replace: false });
  await run(table('day', 1, 'build_emitted_1'));
  await run(table('all', 0, 'build_emitted'));
  const ids = (name: string) => warehouse.paths(name).map((build) => build.split('/').at(-1));
  expect(ids('day')).toEqual(['2', '3', '5']);
  expect(ids('all')).toEqual(['3', '5']);
});
