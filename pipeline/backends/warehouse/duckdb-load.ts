import { type DuckDBConnection, listValue } from '@duckdb/node-api';
import { SamovarError } from '../../errors.ts';
import type { Field, LoadRequest, TableSpec } from './contract.ts';
import { columnType, fieldsOf, quoteName, quoteText, storedValue } from './duckdb-types.ts';
import { type AddedField, assertCompatible, diffSchema } from './schema-diff.ts';

/** Where loads are remembered, in the file itself. */
export const LOADS_TABLE = 'samovar_loads';
/** DuckDB makes room for two objects of the largest size allowed in each thread: the least it is told, in bytes. */
const OBJECT_BYTES_MIN = 1 << 22;
const KEYS_PER_DELETE = 10_000;

export async function createLoadsTable(connection: DuckDBConnection): Promise<void> {
  await connection.run(
    `CREATE TABLE IF NOT EXISTS ${LOADS_TABLE} (job_id VARCHAR PRIMARY KEY, table_name VARCHAR NOT NULL, "rows" BIGINT NOT NULL, loaded_at TIMESTAMPTZ NOT NULL)`,
  );
}

/** Rows that a job loaded; undefined when it has not. */
export async function loadedRows(connection: DuckDBConnection, jobId: string): Promise<number | undefined> {
  const found = await connection.runAndReadAll(`SELECT "rows" FROM ${LOADS_TABLE} WHERE job_id = ?`, [jobId]);
  const rows = found.getRows()[0]?.[0];
  return rows === undefined ? undefined : Number(rows);
}

/** The table's columns; undefined when there is no table. */
export async function tableFields(
  connection: DuckDBConnection,
  name: string,
): Promise<readonly Field[] | undefined> {
  const found = await connection.runAndReadAll(
    "SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = lower(?) AND schema_name = 'main' AND NOT temporary",
    [name],
  );
  if (found.currentRowCount === 0) return undefined;
  const shape = await connection.run(`SELECT * FROM ${quoteName(name)} LIMIT 0`);
  return withRequired(connection, name, fieldsOf(shape.columnNames(), shape.columnTypes()));
}

export function createTableSql(table: TableSpec): string {
  const columns = table.schema.map(
    (field) => `${quoteName(field.name)} ${columnType(field)}${field.mode === 'REQUIRED' ? ' NOT NULL' : ''}`,
  );
  return `CREATE TABLE ${quoteName(table.name)} (${columns.join(', ')})`;
}

export function addColumnSql(table: string, { parents, field }: AddedField): string {
  const path = [
    // A field of a list's records is reached through the list's element.
    ...parents.flatMap((parent) => [
      quoteName(parent.name),
      ...(parent.mode === 'REPEATED' ? ['element'] : []),
    ]),
    quoteName(field.name),
  ];
  return `ALTER TABLE ${quoteName(table)} ADD COLUMN ${path.join('.')} ${columnType(field)}`;
}

/** Removes, adds what `source` selects and remembers; the caller's transaction makes it one. Gives the number of rows added. */
export async function loadRows(
  connection: DuckDBConnection,
  request: LoadRequest,
  source: string,
): Promise<number> {
  const { table, jobId, replace, superseded } = request;
  const name = quoteName(table.name);
  const existing = await tableFields(connection, table.name);
  if (existing === undefined)
    throw new SamovarError('missing', `table ${table.name} does not exist`, {
      subject: table.name,
      remedy: 'Make it first (ensureTable).',
    });
  assertNothingToAdd(table, existing);
  if (replace) await connection.run(`DELETE FROM ${name}`);
  else await deleteKeys(connection, `${name} WHERE CAST(${quoteName(table.key)} AS VARCHAR)`, superseded);
  const inserted = await connection.run(`INSERT INTO ${name} BY NAME ${source}`);
  const rows = inserted.rowsChanged;
  await connection.run(`INSERT INTO ${LOADS_TABLE} VALUES (?, ?, ?, now())`, [
    jobId,
    table.name,
    BigInt(rows),
  ]);
  return rows;
}

/** The rows of a file, as the table's columns have them. */
export function readSql({ table, file }: LoadRequest, rowBytesMax: number): string {
  const types = table.schema.map(
    (field) => `${quoteText(field.name)}: ${quoteText(columnType(field, true))}`,
  );
  const values = table.schema.map((field) => {
    const name = quoteName(field.name);
    return `${storedValue(field, name)} AS ${name}`;
  });
  const options = [
    "format = 'newline_delimited'",
    `columns = {${types.join(', ')}}`,
    `maximum_object_size = ${Math.max(OBJECT_BYTES_MIN, rowBytesMax + 1024)}`,
    `compression = ${file.endsWith('.gz') ? "'gzip'" : "'uncompressed'"}`,
  ];
  return `SELECT ${values.join(', ')} FROM read_json([${quoteText(literalPath(file))}], ${options.join(', ')})`;
}

async function deleteKeys(
  connection: DuckDBConnection,
  where: string,
  keys: readonly string[],
): Promise<void> {
  for (let from = 0; from < keys.length; from += KEYS_PER_DELETE) {
    const chunk = listValue(keys.slice(from, from + KEYS_PER_DELETE));
    await connection.run(`DELETE FROM ${where} IN (SELECT unnest(?::VARCHAR[]))`, [chunk]);
  }
}

function assertNothingToAdd(table: TableSpec, existing: readonly Field[]): void {
  const diff = diffSchema(existing, table.schema);
  assertCompatible(table.name, diff);
  if (diff.added.length === 0) return;
  throw new SamovarError(
    'incompatible',
    `table ${table.name} lacks ${diff.added.map(({ path }) => path).join(', ')}`,
    {
      subject: table.name,
      remedy: 'Extend it first (ensureTable).',
    },
  );
}

/** DuckDB takes a file's name for a pattern. */
function literalPath(file: string): string {
  return file.replace(/[*?[]/g, (sign) => `[${sign}]`);
}

async function withRequired(
  connection: DuckDBConnection,
  name: string,
  fields: readonly Field[],
): Promise<readonly Field[]> {
  const found = await connection.runAndReadAll(
    'SELECT column_name FROM duckdb_columns() WHERE lower(table_name) = lower(?) AND NOT is_nullable',
    [name],
  );
  const required = new Set(found.getRows().map(([column]) => String(column)));
  return fields.map((field) => (required.has(field.name) ? { ...field, mode: 'REQUIRED' } : field));
}
