import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';

const OPTIONS = { timeoutMs: 5_000, loadTimeoutMs: 5_000, endpoint: 'http://127.0.0.1:1' };

describe('the URL of a warehouse', () => {
  it.each([
    'bigquery:some-project:set_1',
    'bigquery:some-project.set_1',
    'bigquery:example.com:some-project:set_1',
  ])('%s is a BigQuery dataset', async (url) => {
    const warehouse = await openWarehouse(url, OPTIONS);
    expect(warehouse).toMatchObject({ url, dialect: 'bigquery' });
    expect(warehouse.tableName('week')).toMatch(/^`(example\.com:)?some-project\.set_1\.week`$/);
  });

  it('duckdb::memory: is a database that nothing outlives', async () => {
    const warehouse = await openWarehouse('duckdb::memory:', OPTIONS);
    expect(await warehouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await warehouse.close();
  });

  it.each([
    '',
    'duckdb:',
    'bigquery:',
    'bigquery:project',
    'bigquery:some-project:',
    'bigquery:some-project:a-b',
    'bigquery:some-project:a`b',
    'bigquery:Some-Project:set',
    'bigquery:p:set',
    'postgres:some-project:set',
    'some/file.duckdb',
  ])('%j is a mistake in the configuration', async (url) => {
    await expect(openWarehouse(url, OPTIONS)).rejects.toMatchObject({ code: 'config' });
  });

  it.each([
    ['duckdb::memory:', '@duckdb/node-api', '@google-cloud/bigquery'],
    ['bigquery:some-project:set', '@google-cloud/bigquery', '@duckdb/node-api'],
  ])('opening %s loads %s and not %s', (url, own, other) => {
    const program = `
      const { openWarehouse } = await import('./pipeline/backends/warehouse/index.ts');
      await openWarehouse(${JSON.stringify(url)}, ${JSON.stringify(OPTIONS)});
      const { createRequire } = await import('node:module');
      const files = Object.keys(createRequire(import.meta.url).cache);
      const loaded = (name) => files.some((file) => file.includes('/node_modules/' + name + '/'));
      console.log(loaded(${JSON.stringify(own)}), loaded(${JSON.stringify(other)}));
      process.exit();`;
    const run = spawnSync('npx', ['tsx', '--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(run.stdout.trim(), run.stderr).toBe('true false');
  });
});
