import type { Connection } from './bigquery-client.ts';
import { baseName, call, findTable } from './bigquery-tables.ts';
import { type LatestView, latestViewSql, noTable, notAView } from './latest-view.ts';

interface Options {
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/**
 * See the contract. The view lists the table's columns as they are now: BigQuery shows the schema of a view as it was when its
 * query was written. `conflict`: a table has the name, or another program changed the view meanwhile.
 */
export async function ensureLatestView(
  connection: Connection,
  view: LatestView,
  { dryRun, signal }: Options,
): Promise<boolean> {
  const { name, table } = view;
  const existing = await findTable(connection, name, signal);
  if (existing !== undefined && existing.type !== 'VIEW') throw notAView(name, existing.type ?? 'TABLE');
  const source = await findTable(connection, table.name, signal);
  if (source === undefined && !dryRun) throw noTable(name, table.name);
  const columns = (source?.schema?.fields ?? table.schema).map((field) => field.name);
  const { project, dataset } = connection.place;
  const query = latestViewSql(view, {
    select: columns.map(quote).join(', '),
    from: `\`${project}.${dataset}.${baseName(table.name)}\``,
    existing: columns,
    quote,
  });
  if (existing?.view?.query === query) return false;
  if (dryRun) return true;
  const definition = { view: { query, useLegacySql: false } };
  await call(connection, `view ${name}`, signal, async () => {
    if (existing === undefined) return void (await connection.dataset.createTable(name, definition as never));
    const change = { ...definition, ...(existing.etag !== undefined && { etag: existing.etag }) };
    await connection.dataset.table(name).setMetadata(change as never);
  });
  return true;
}

function quote(column: string): string {
  return `\`${column}\``;
}
