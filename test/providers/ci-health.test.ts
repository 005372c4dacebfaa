import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Field, TableSpec, Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import type { Provider } from '../../pipeline/cache/contract.ts';
import { healthSql } from '../../pipeline/providers/ci-health.ts';
import { loadText, NOW_MS } from '../support/cache-providers.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const OPTIONS = { timeoutMs: 60_000, loadTimeoutMs: 60_000 };
const HOUR_S = 3_600;
const NOW_S = NOW_MS / 1000;

interface Build {
  readonly job: string;
  readonly hoursAgo: number;
  readonly passed?: boolean;
  readonly elapsed?: number;
  readonly commit?: string;
}

const BUILDS: readonly Build[] = [
  { job: 'ci-node-e2e', hoursAgo: 1, passed: false, elapsed: 90, commit: 'a' },
  { job: 'ci-node-e2e', hoursAgo: 2, passed: true, elapsed: 30, commit: 'a' },
  { job: 'ci-node-e2e', hoursAgo: 3, passed: true, elapsed: 60, commit: 'b' },
  // Not ended yet: neither passed nor failed, and of no length.
  { job: 'ci-node-e2e', hoursAgo: 4, commit: 'b' },
  { job: 'ci-node-e2e', hoursAgo: 24 * 8, passed: true, elapsed: 1 },
  { job: "pr:o'brien", hoursAgo: 5, passed: false, elapsed: 10 },
  { job: 'ci-nodes', hoursAgo: 1, passed: true, elapsed: 10 },
  { job: 'other', hoursAgo: 1, passed: true, elapsed: 10 },
];

let warehouse: Warehouse;
let provider: Provider;
beforeAll(async () => {
  warehouse = await openWarehouse(`duckdb:${join(folder, 'ci.duckdb')}`, OPTIONS);
  const schema = JSON.parse(readFileSync('schemas/build.json', 'utf8')) as Field[];
  const table: TableSpec = { name: 'week', schema, key: 'path' };
  await warehouse.ensureTable(table);
  const file = join(folder, 'builds.json');
  // A streaming writer may have written a build twice: while it ran, and when it had ended.
  const twice = { path: 'gs://b/ci-node-e2e/1', job: 'ci-node-e2e', started: NOW_S - 2 * HOUR_S };
  const rows = BUILDS.map(({ job, hoursAgo, passed, elapsed, commit }, at) => ({
    ...{ path: `gs://b/${job}/${at}`, job, number: at, started: NOW_S - hoursAgo * HOUR_S },
    ...{ passed, elapsed, repo_commit: commit, test: [], metadata: [] },
    ...(elapsed !== undefined && { finished: NOW_S - hoursAgo * HOUR_S + elapsed }),
  }));
  writeFileSync(file, [...rows, twice].map((row) => `${JSON.stringify(row)}\n`).join(''));
  await warehouse.load({ table, jobId: 'builds', file, replace: true, superseded: [] });
  const text = `ci_health: {node: {jobs: ["ci-node-*", "pr:o'brien"], days: 7, interval: 10m}}\n`;
  const loaded = await loadText(text, { openWarehouse: async () => warehouse });
  provider = loaded.providers[0] as Provider;
});
afterAll(() => warehouse.close());

describe('the health of jobs', () => {
  test('is counted from the builds of the days that are asked for', async () => {
    const signal = new AbortController().signal;
    const http = { getJson: never, getText: never };
    const fetched = await provider.fetch?.({ http, key: '', read: () => undefined, nowMs: NOW_MS, signal });
    expect(fetched).toEqual({
      kind: 'value',
      value: [
        {
          ...{ job: 'ci-node-e2e', runs: 4, passed: 2, failed: 1, flaky_commits: 1, pass_rate: 2 / 3 },
          ...{ median_seconds: 60, last_passed: NOW_S - 2 * HOUR_S, last_run: NOW_S - HOUR_S },
        },
        {
          ...{ job: "pr:o'brien", runs: 1, passed: 0, failed: 1, flaky_commits: 0, pass_rate: 0 },
          ...{ median_seconds: 10, last_passed: null, last_run: NOW_S - 5 * HOUR_S },
        },
      ],
    });
  });

  test('is of its own interval, and needs no upstream', () => {
    expect(provider).toMatchObject({ name: 'node', kind: 'single', clocks: { intervalMs: 600_000 } });
    expect(provider.upstream).toBeUndefined();
  });

  test('no pattern of a job gets out of its text', () => {
    const config = { ...{ name: 'x', title: undefined, table: 'week', days: 7 }, clocks: provider.clocks };
    for (const dialect of ['duckdb', 'bigquery'] as const) {
      const spelling = { dialect, tableName: (name: string) => name };
      const sql = healthSql({ ...config, jobs: [`a') OR TRUE --`, 'b"\\'] }, spelling, NOW_MS);
      expect(sql).toContain(
        dialect === 'duckdb' ? `'^(a''\\) OR TRUE --|b"\\\\)$'` : `"^(a'\\\\) OR TRUE --|b\\"`,
      );
    }
  });
});

function never(): Promise<never> {
  return Promise.reject(new Error('no upstream is asked'));
}
