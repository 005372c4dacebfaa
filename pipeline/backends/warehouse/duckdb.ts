import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { SamovarError } from '../../errors.ts';
import type { CallOptions } from '../bucket/contract.ts';
import type { TableChange, TableSpec, Warehouse, WarehouseDriverOptions } from './contract.ts';
import { duckDbError } from './duckdb-errors.ts';
import {
  addColumnSql,
  createLoadsTable,
  createTableSql,
  LOADS_TABLE,
  loadedRows,
  loadRows,
  tableFields,
} from './duckdb-load.ts';
import { createTurns, inTransaction, withConnection } from './duckdb-session.ts';
import { quoteName } from './duckdb-types.ts';
import { plainRow } from './duckdb-values.ts';
import { checkFile } from './lines.ts';
import { checkJobId, checkTable } from './names.ts';
import { assertCompatible, checkSpec, diffSchema } from './schema-diff.ts';

/**
 * Measured on a 200 MB file of 5,000 builds: with 1 GB it loads in 3 s, with half of that the longest rows no longer fit. No
 * network: an extension that is not built in is not looked for.
 */
const SETTINGS = {
  memory_limit: '1GB',
  threads: '2',
  autoinstall_known_extensions: 'false',
};

/**
 * A DuckDB file as a warehouse. A load is one transaction that also remembers its job id. Partitioning and clustering do not
 * exist here and are passed over. Throws `conflict` when another process has the file open.
 */
export async function openDuckDb(url: string, driver: WarehouseDriverOptions): Promise<Warehouse> {
  const instance = await openInstance(url);
  const turns = createTurns();
  const run = <T>(
    what: string,
    options: CallOptions,
    timeoutMs: number,
    body: (connection: DuckDBConnection) => Promise<T>,
  ) =>
    withConnection(
      instance,
      {
        what: `${url}: ${what}`,
        subject: url,
        timeoutMs: options.timeoutMs ?? timeoutMs,
        ...signalOf(options),
      },
      body,
    );
  const write = <T>(
    what: string,
    options: CallOptions,
    timeoutMs: number,
    body: (connection: DuckDBConnection) => Promise<T>,
  ) =>
    turns(() =>
      run(what, options, timeoutMs, (connection) => inTransaction(connection, () => body(connection))),
    );
  let closed: Promise<void> | undefined;
  try {
    // Only once the extension that knows time zones is there, which is after opening.
    await run('its time zone', {}, driver.timeoutMs, (connection) =>
      connection.run("SET GLOBAL TimeZone = 'UTC'"),
    );
    await write('its table of loads', {}, driver.timeoutMs, createLoadsTable);
  } catch (error) {
    instance.closeSync();
    throw error;
  }
  return {
    url,
    dialect: 'duckdb',
    tableName,
    ensureTable: (table, options = {}) =>
      write(`table ${table.name}`, options, driver.timeoutMs, (connection) =>
        ensureTable(connection, table, options.dryRun ?? false),
      ),
    async load(request, options = {}) {
      checkJobId(request.jobId);
      checkSpec(request.table);
      tableName(request.table.name);
      const what = `loading ${request.file} into ${request.table.name}`;
      const before = await run(what, options, driver.timeoutMs, (connection) =>
        loadedRows(connection, request.jobId),
      );
      if (before !== undefined) return { rows: before };
      const { rowBytesMax } = await checkFile(request.file, request.table.schema, signalOf(options));
      return write(what, options, driver.loadTimeoutMs, async (connection) => {
        const known = await loadedRows(connection, request.jobId);
        return { rows: known ?? (await loadRows(connection, request, rowBytesMax)) };
      });
    },
    async loadState(jobId, options = {}) {
      checkJobId(jobId);
      // In turn, so that a load under way is seen done or not at all.
      const rows = await turns(() =>
        run(`load ${jobId}`, options, driver.timeoutMs, (connection) => loadedRows(connection, jobId)),
      );
      return rows === undefined ? { state: 'unknown' } : { state: 'done', rows };
    },
    query: (sql, options = {}) =>
      run('query', options, driver.timeoutMs, async (connection) => {
        const reader = await connection.runAndReadAll(sql);
        return reader.getRowObjects().map(plainRow);
      }),
    close() {
      closed ??= turns(async () => instance.closeSync());
      return closed;
    },
  };
}

async function openInstance(url: string): Promise<DuckDBInstance> {
  const path = url.slice('duckdb:'.length);
  try {
    if (path !== ':memory:') await mkdir(dirname(path), { recursive: true });
    return await DuckDBInstance.create(path, SETTINGS);
  } catch (error) {
    throw duckDbError(`${url} cannot be opened`, url, error);
  }
}

async function ensureTable(
  connection: DuckDBConnection,
  table: TableSpec,
  dryRun: boolean,
): Promise<TableChange> {
  checkSpec(table);
  tableName(table.name);
  const existing = await tableFields(connection, table.name);
  if (existing === undefined) {
    if (!dryRun) await connection.run(createTableSql(table));
    return { action: 'created', added: table.schema.map(({ name }) => name) };
  }
  const diff = diffSchema(existing, table.schema);
  assertCompatible(table.name, diff);
  if (!dryRun) for (const added of diff.added) await connection.run(addColumnSql(table.name, added));
  return {
    action: diff.added.length === 0 ? 'unchanged' : 'extended',
    added: diff.added.map(({ path }) => path),
  };
}

function tableName(name: string): string {
  checkTable(name);
  if (!name.includes('$') && name.toLowerCase() !== LOADS_TABLE) return quoteName(name);
  throw new SamovarError(
    'config',
    `table ${name} cannot be in DuckDB: ${name.includes('$') ? 'it has no partitions' : 'the name is taken'}`,
    {
      subject: name,
      remedy: 'Choose another name.',
    },
  );
}

function signalOf({ signal }: CallOptions): Pick<CallOptions, 'signal'> {
  return signal === undefined ? {} : { signal };
}
