import type { DuckDBConnection } from '@duckdb/node-api';
import type { TableInfo } from './contract.ts';
import { LOADS_TABLE } from './duckdb-load.ts';
import { quoteText } from './duckdb-types.ts';

const EXISTS = `SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = lower(?) AND schema_name = 'main' AND NOT temporary`;

/** See the contract. `quoted`: the table's name as queries have it. */
export async function tableInfo(
  connection: DuckDBConnection,
  quoted: string,
  name: string,
): Promise<TableInfo | undefined> {
  const exists = async (table: string) =>
    (await connection.runAndReadAll(EXISTS, [table])).currentRowCount > 0;
  if (!(await exists(name))) return undefined;
  const one = async (sql: string, values: string[] = []) =>
    numberOf((await connection.runAndReadAll(sql, values)).getRows()[0]?.[0]);
  return {
    rows: await one(`SELECT count(*) FROM ${quoted}`),
    bytes: await one(bytesSql(quoted)),
    // DuckDB itself does not know; a file opened to read only may lack the table of loads.
    modifiedMs: (await exists(LOADS_TABLE))
      ? await one(`SELECT epoch_ms(max(loaded_at)) FROM ${LOADS_TABLE} WHERE lower(table_name) = lower(?)`, [
          name,
        ])
      : undefined,
  };
}

/** Whole blocks of the file that hold some of the table; rows that are not checkpointed yet are in none. */
function bytesSql(quoted: string): string {
  return `WITH segments AS (SELECT block_id, additional_block_ids FROM pragma_storage_info(${quoteText(quoted)})),
    blocks AS (SELECT block_id FROM segments UNION SELECT unnest(additional_block_ids) FROM segments)
    SELECT count(*) FILTER (block_id >= 0) * (SELECT block_size FROM pragma_database_size() LIMIT 1) FROM blocks`;
}

function numberOf(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
