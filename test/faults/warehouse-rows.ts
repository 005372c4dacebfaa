import { createHash } from 'node:crypto';
import { ROW_VERSION, ROW_WRITTEN, type Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import type { FoundRow, TableRows } from './world.ts';

const TIMEOUT_MS = 30_000;

interface Endpoints {
  readonly endpoint?: string;
  readonly storageWriteEndpoint?: string;
}

type Raw = Readonly<Record<string, unknown>>;

/** Every row of these tables; a table that is not there has none. */
export function readTables(
  url: string,
  tables: readonly string[],
  endpoints: Endpoints = {},
): Promise<TableRows> {
  return withWarehouse(url, endpoints, tables, async (warehouse, table) =>
    (await rawRows(warehouse, table)).map(foundRow),
  );
}

/**
 * What the views of the newest rows show of tables that are appended to. `exactly`: one version of one build that was appended
 * twice is a row more; otherwise the views hide it, as they are there to.
 */
export function readAppended(
  url: string,
  tables: readonly string[],
  endpoints: Endpoints,
  exactly: boolean,
): Promise<TableRows> {
  return withWarehouse(url, endpoints, tables, async (warehouse, table) => {
    const newest = await rawRows(warehouse, `build_latest_${table}`);
    const twice = exactly ? repeated(await rawRows(warehouse, table)) : [];
    return [...newest, ...twice].map(foundRow);
  });
}

/** The tables as they are. */
export function readRaw(
  url: string,
  tables: readonly string[],
  endpoints: Endpoints,
): Promise<ReadonlyMap<string, readonly Raw[]>> {
  return withWarehouse(url, endpoints, tables, rawRows);
}

async function withWarehouse<T>(
  url: string,
  endpoints: Endpoints,
  tables: readonly string[],
  read: (warehouse: Warehouse, table: string) => Promise<readonly T[]>,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const warehouse = await openWarehouse(url, {
    timeoutMs: TIMEOUT_MS,
    loadTimeoutMs: TIMEOUT_MS,
    ...endpoints,
  });
  try {
    const found = new Map<string, readonly T[]>();
    for (const table of tables) found.set(table, await read(warehouse, table));
    return found;
  } finally {
    await warehouse.close();
  }
}

/** Rows of which there is another of the same build and version. */
export function repeated(rows: readonly Raw[]): readonly Raw[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = `${String(row.path)} ${String(row[ROW_VERSION])}`;
    const again = seen.has(key);
    seen.add(key);
    return again;
  });
}

async function rawRows(warehouse: Warehouse, table: string): Promise<readonly Raw[]> {
  return warehouse
    .query(`SELECT * FROM ${warehouse.tableName(table)} ORDER BY path`)
    .catch((error: unknown) => {
      if (/not exist|not found/i.test(String(error))) return [];
      throw error;
    });
}

const foundRow = (row: Raw): FoundRow => ({ path: String(row.path), content: hashOf(row) });

/** Of all columns but the writer's own, which say when and how the row came. */
function hashOf({ [ROW_WRITTEN]: _written, [ROW_VERSION]: _version, ...row }: Raw): string {
  const sorted = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}
