import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { SamovarError } from '../../errors.ts';
import type { CallOptions } from '../bucket/contract.ts';
import type { LoadRequest, TableChange, TableSpec, Warehouse, WarehouseDriverOptions } from './contract.ts';
import { duckDbError } from './duckdb-errors.ts';
import { tableInfo } from './duckdb-info.ts';
import {
  addColumnSql,
  createLoadsTable,
  createTableSql,
  LOADS_TABLE,
  loadedRows,
  loadRows,
  tableFields,
} from './duckdb-load.ts';
import { createSession, type Session } from './duckdb-session.ts';
import { createStage, type Stage } from './duckdb-stage.ts';
import { quoteName } from './duckdb-types.ts';
import { plainRow } from './duckdb-values.ts';
import { ensureLatestView } from './duckdb-views.ts';
import { checkJobId, checkTable } from './names.ts';
import { assertCompatible, checkSpec, diffSchema } from './schema-diff.ts';

/**
 * Measured on a 200 MB file of 5,000 builds: its check and load take 4 s and 700 MB in all. Three rows of 100 MB fit, which
 * half of that memory does not hold. No network: an extension that is not built in is not looked for.
 */
const SETTINGS = {
  memory_limit: '1GB',
  threads: '2',
  autoinstall_known_extensions: 'false',
  // A stream commits a few rows again and again: at the default of 16 MB it stood still for a checkpoint every other second.
  checkpoint_threshold: '128MB',
};

/** Between two tries to open a file that another process has. */
const LOOK_MS = 100;

/**
 * A DuckDB file as a warehouse. A load is one transaction that also remembers its job id. Partitioning and clustering do not
 * exist here and are passed over. Throws `conflict` when another process has the file open.
 */
export async function openDuckDb(url: string, driver: WarehouseDriverOptions): Promise<Warehouse> {
  const instance = await openInTime(url, driver);
  const session = createSession(instance, url);
  const stage = createStage();
  let closed: Promise<void> | undefined;
  try {
    await prepare(session, stage, driver);
  } catch (error) {
    instance.closeSync();
    throw error;
  }
  return {
    url,
    dialect: 'duckdb',
    appender: (kind) => {
      throw new SamovarError('config', `${url}: DuckDB has no ${kind}`, {
        subject: url,
        remedy:
          "Leave the table's writer out, or write `writer: load`: it is exactly once, and seconds late on DuckDB.",
      });
    },
    async ensureLatestView(view, options = {}) {
      for (const name of [view.name, view.table.name]) tableName(name);
      return session.write(`view ${view.name}`, within(options, driver.timeoutMs), (connection) =>
        ensureLatestView(connection, view, options.dryRun ?? false),
      );
    },
    tableName,
    ensureTable: (table, options = {}) =>
      session.write(`table ${table.name}`, within(options, driver.timeoutMs), (connection) =>
        ensureTable(connection, table, options.dryRun ?? false),
      ),
    load: (request, options = {}) => load(session, stage, request, within(options, driver.loadTimeoutMs)),
    async loadState(jobId, options = {}) {
      checkJobId(jobId);
      // In turn, so that a load under way is seen done or not at all.
      const rows = await session.inTurn(() =>
        session.run(`load ${jobId}`, within(options, driver.timeoutMs), (connection) =>
          loadedRows(connection, jobId),
        ),
      );
      return rows === undefined ? { state: 'unknown' } : { state: 'done', rows };
    },
    tableInfo: (name, options = {}) =>
      session.run(`table ${name}`, within(options, driver.timeoutMs), (connection) =>
        tableInfo(connection, tableName(name), name),
      ),
    query: (sql, options = {}) =>
      session.run('query', within(options, driver.loadTimeoutMs), async (connection) => {
        const reader = await connection.runAndReadAll(sql);
        return reader.getRowObjects().map(plainRow);
      }),
    close() {
      closed ??= session.inTurn(async () => instance.closeSync());
      return closed;
    },
  };
}

async function prepare(
  session: Session,
  stage: Stage,
  { timeoutMs, readOnly }: WarehouseDriverOptions,
): Promise<void> {
  // Only once the extension that knows time zones is there, which is after opening.
  await session.run('its time zone', { timeoutMs }, (connection) =>
    connection.run("SET GLOBAL TimeZone = 'UTC'"),
  );
  if (readOnly === true) return;
  await session.write('its table of loads', { timeoutMs }, createLoadsTable);
  await session.run('its stage', { timeoutMs }, (connection) => stage.open(connection));
}

async function load(
  session: Session,
  stage: Stage,
  request: LoadRequest,
  options: CallOptions & { readonly timeoutMs: number },
): Promise<{ readonly rows: number }> {
  checkJobId(request.jobId);
  checkSpec(request.table);
  tableName(request.table.name);
  const what = `loading ${request.file} into ${request.table.name}`;
  const before = await session.run(what, options, (connection) => loadedRows(connection, request.jobId));
  if (before !== undefined) return { rows: before };
  const checked = await stage.check(request, options);
  return session.inTurn(async () => {
    const source = await session.run(what, options, (connection) =>
      stage.source(connection, request, checked),
    );
    return session.transact(what, options, async (connection) => {
      // Another call with this id may have had its turn meanwhile.
      const known = await loadedRows(connection, request.jobId);
      return { rows: known ?? (await loadRows(connection, request, source)) };
    });
  });
}

/** Waits where another process has the file: one that only looks at it lets go of it soon. */
async function openInTime(
  url: string,
  { readOnly = false, lockWaitMs = 0 }: WarehouseDriverOptions,
): Promise<DuckDBInstance> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    try {
      return await openInstance(url, readOnly);
    } catch (error) {
      const isHeld = error instanceof SamovarError && error.code === 'conflict';
      if (!isHeld || waitedMs >= lockWaitMs) throw error;
      await sleep(LOOK_MS);
    }
  }
}

async function openInstance(url: string, readOnly: boolean): Promise<DuckDBInstance> {
  const path = url.slice('duckdb:'.length);
  if (readOnly && path !== ':memory:' && !existsSync(path))
    throw new SamovarError('missing', `${url}: there is no such file yet`, {
      subject: url,
      remedy: 'The first `samovar update` makes it.',
    });
  try {
    if (path !== ':memory:' && !readOnly) await mkdir(dirname(path), { recursive: true });
    return await DuckDBInstance.create(path, { ...SETTINGS, ...(readOnly && { access_mode: 'READ_ONLY' }) });
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

function within(
  { signal, timeoutMs }: CallOptions,
  defaultMs: number,
): CallOptions & { readonly timeoutMs: number } {
  return { timeoutMs: timeoutMs ?? defaultMs, ...(signal !== undefined && { signal }) };
}
