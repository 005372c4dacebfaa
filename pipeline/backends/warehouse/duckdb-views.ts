import type { DuckDBConnection } from '@duckdb/node-api';
import { tableFields } from './duckdb-load.ts';
import { quoteName, quoteText } from './duckdb-types.ts';
import { type LatestView, latestViewSql, noTable, notAView } from './latest-view.ts';

/**
 * See the contract. The view shows every column the table has at the time of the question. DuckDB keeps a view's query in words
 * of its own, so ours is kept as the view's comment.
 */
export async function ensureLatestView(
  connection: DuckDBConnection,
  view: LatestView,
  dryRun: boolean,
): Promise<boolean> {
  const { name, table } = view;
  if ((await tableFields(connection, name)) !== undefined) throw notAView(name, 'table');
  const fields = await tableFields(connection, table.name);
  if (fields === undefined && !dryRun) throw noTable(name, table.name);
  const query = latestViewSql(view, {
    select: '*',
    from: quoteName(table.name),
    existing: (fields ?? table.schema).map((field) => field.name),
    quote: quoteName,
  });
  const found = await connection.runAndReadAll(
    "SELECT comment FROM duckdb_views() WHERE lower(view_name) = lower(?) AND schema_name = 'main' AND NOT temporary",
    [name],
  );
  if (found.getRows()[0]?.[0] === query) return false;
  if (dryRun) return true;
  await connection.run(`CREATE OR REPLACE VIEW ${quoteName(name)} AS ${query}`);
  await connection.run(`COMMENT ON VIEW ${quoteName(name)} IS ${quoteText(query)}`);
  return true;
}
