import { createHash } from 'node:crypto';
import { ROW_VERSION, ROW_WRITTEN, type Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import type { FoundRow, TableRows } from './world.ts';

const TIMEOUT_MS = 30_000;

/** Every row of these tables; a table that is not there has none. */
export async function readTables(
  url: string,
  tables: readonly string[],
  endpoints: { readonly endpoint?: string; readonly storageWriteEndpoint?: string } = {},
): Promise<TableRows> {
  const warehouse = await openWarehouse(url, {
    timeoutMs: TIMEOUT_MS,
    loadTimeoutMs: TIMEOUT_MS,
    ...endpoints,
  });
  try {
    const found = new Map<string, readonly FoundRow[]>();
    for (const table of tables) found.set(table, await rowsOf(warehouse, table));
    return found;
  } finally {
    await warehouse.close();
  }
}

async function rowsOf(warehouse: Warehouse, table: string): Promise<readonly FoundRow[]> {
  const rows = await warehouse
    .query(`SELECT * FROM ${warehouse.tableName(table)} ORDER BY path`)
    .catch((error: unknown) => {
      if (/not exist|not found/i.test(String(error))) return [];
      throw error;
    });
  return rows.map((row) => ({ path: String(row.path), content: hashOf(row) }));
}

/** Of all columns but the writer's own, which say when and how the row came. */
function hashOf({
  [ROW_WRITTEN]: _written,
  [ROW_VERSION]: _version,
  ...row
}: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}
