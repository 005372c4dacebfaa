import { SamovarError } from '../../errors.ts';
import type { SetupStep } from '../setup/contract.ts';
import type { Warehouse, WarehouseDriverOptions, WarehouseReader } from './contract.ts';
import { checkDataset, checkProject } from './names.ts';

const BIGQUERY = /^bigquery:((?:[a-z0-9.-]+\.[a-z]+:)?[^:.]+)[:.]([^:.]+)$/;

/**
 * Opens the warehouse a URL names: `duckdb:path/to/file.duckdb`, `duckdb::memory:`, `bigquery:project:dataset`. Only the
 * driver asked for is loaded. Throws `config` for any other URL, `conflict` when another process has the DuckDB file.
 */
export async function openWarehouse(url: string, options: WarehouseDriverOptions): Promise<Warehouse> {
  if (url.startsWith('duckdb:') && url.length > 'duckdb:'.length) {
    const { openDuckDb } = await import('./duckdb.ts');
    return openDuckDb(url, options);
  }
  const place = bigQueryPlace(url);
  if (place !== undefined) {
    const { openBigQuery } = await import('./bigquery.ts');
    return openBigQuery(url, place, options);
  }
  throw new SamovarError('config', `${JSON.stringify(url)} names no warehouse`, {
    subject: url,
    remedy: 'Write duckdb:path/to/file.duckdb, duckdb::memory: or bigquery:project:dataset.',
  });
}

/** As `openWarehouse`, to ask only: a DuckDB file may be written by another process meanwhile, and nothing is made that is not there. */
export async function openWarehouseReader(
  url: string,
  options: WarehouseDriverOptions,
): Promise<WarehouseReader> {
  if (!url.startsWith('duckdb:') || url === 'duckdb::memory:' || url === 'duckdb:')
    return openWarehouse(url, options);
  const { openDuckDbReader } = await import('./duckdb-reader.ts');
  return openDuckDbReader(url, options);
}

function bigQueryPlace(url: string): { readonly project: string; readonly dataset: string } | undefined {
  const [, project, dataset] = BIGQUERY.exec(url) ?? [];
  if (project === undefined || dataset === undefined) return undefined;
  return { project: checkProject(project), dataset: checkDataset(dataset) };
}

/** What the place of a warehouse's tables needs, as steps of a setup: nothing for a DuckDB file. */
export async function warehouseSteps(
  url: string,
  options: WarehouseDriverOptions,
): Promise<readonly SetupStep[]> {
  const place = bigQueryPlace(url);
  if (place === undefined) return [];
  const { datasetStep } = await import('./bigquery-setup.ts');
  return [datasetStep(url, place, options)];
}
