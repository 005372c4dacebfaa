import { SamovarError } from '../../errors.ts';
import type { CallOptions } from '../bucket/contract.ts';
import { bounded, type Connection, connect, type Place } from './bigquery-client.ts';
import { jobErrorText } from './bigquery-errors.ts';
import { insertAllAppender } from './bigquery-insert-all.ts';
import { assertSucceeded, errorsOf, findJob, outputRows, waitForJob } from './bigquery-jobs.ts';
import { loadFile } from './bigquery-load.ts';
import { storageWriteAppender } from './bigquery-storage-write.ts';
import { ensureTable, tableInfo } from './bigquery-tables.ts';
import { plainRow } from './bigquery-values.ts';
import { ensureLatestView } from './bigquery-views.ts';
import type { Appender, LoadState, Warehouse, WarehouseDriverOptions } from './contract.ts';
import { checkJobId, checkTable } from './names.ts';
import { checkSpec } from './schema-diff.ts';

/**
 * A BigQuery dataset as a warehouse. Sends nothing: a dataset that does not exist shows at the first call. Older rows of
 * superseded keys are removed by a query job before the load job, because no job of BigQuery's does both.
 */
export function openBigQuery(url: string, place: Place, options: WarehouseDriverOptions): Warehouse {
  const connection = connect(url, place, options);
  const appenders = new Map<string, Appender>();
  return {
    url,
    dialect: 'bigquery',
    tableName: (name) => tableName(place, name),
    ensureTable: (table, call = {}) =>
      bounded(connection, `table ${table.name}`, limits(call, options.timeoutMs * 3), (signal) =>
        ensureTable(connection, table, { dryRun: call.dryRun ?? false, signal }),
      ),
    tableInfo: (name, call = {}) =>
      bounded(connection, `table ${name}`, limits(call, options.timeoutMs), (signal) =>
        tableInfo(connection, checkTable(name), signal),
      ),
    async load(request, call = {}) {
      checkJobId(request.jobId);
      checkSpec(request.table);
      const what = `loading ${request.file} into ${request.table.name}`;
      const rows = await bounded(connection, what, limits(call, options.loadTimeoutMs), (signal) =>
        loadFile(connection, request, signal),
      );
      return { rows };
    },
    async loadState(jobId, call = {}) {
      checkJobId(jobId);
      return bounded(connection, `load ${jobId}`, limits(call, options.timeoutMs), (signal) =>
        loadState(connection, jobId, signal),
      );
    },
    query: (sql, call = {}) =>
      bounded(connection, 'query', limits(call, options.loadTimeoutMs), (signal) =>
        query(connection, sql, signal),
      ),
    queryBytes: (sql, call = {}) =>
      bounded(connection, 'dry run', limits(call, options.timeoutMs), () => queryBytes(connection, sql)),
    appender(kind) {
      const made =
        appenders.get(kind) ??
        (kind === 'insert-all' ? insertAllAppender(connection) : storageWriteAppender(connection));
      appenders.set(kind, made);
      return made;
    },
    async ensureLatestView(view, call = {}) {
      tableName(place, view.name);
      return bounded(connection, `view ${view.name}`, limits(call, options.timeoutMs * 3), (signal) =>
        ensureLatestView(connection, view, { dryRun: call.dryRun ?? false, signal }),
      );
    },
    close: async () => {
      await Promise.all([...appenders.values()].map((appender) => appender.close()));
    },
  };
}

async function loadState(connection: Connection, jobId: string, signal: AbortSignal): Promise<LoadState> {
  const job = await findJob(connection, jobId, signal);
  if (job === undefined) return { state: 'unknown' };
  if (job.status?.state !== 'DONE') return { state: 'running' };
  const errors = errorsOf(job);
  return errors.length > 0
    ? { state: 'failed', reason: jobErrorText(errors) }
    : { state: 'done', rows: outputRows(job) };
}

async function query(
  connection: Connection,
  sql: string,
  signal: AbortSignal,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { location, queryBytesMax } = connection.options;
  const [job] = await connection.client.createQueryJob({
    query: sql,
    ...(location !== undefined && { location }),
    ...(queryBytesMax !== undefined && { maximumBytesBilled: String(queryBytesMax) }),
  });
  const ended = await waitForJob(connection, job.metadata, job.id ?? '', signal);
  assertSucceeded(connection, 'query', ended, 'refused');
  const [rows] = await job.getQueryResults({ wrapIntegers: true });
  return rows.map((row: Readonly<Record<string, unknown>>) => plainRow(row));
}

async function queryBytes({ client, options }: Connection, sql: string): Promise<number> {
  const place = options.location === undefined ? {} : { location: options.location };
  const [job] = await client.createQueryJob({ query: sql, dryRun: true, ...place });
  const { statistics } = job.metadata as { readonly statistics?: { readonly totalBytesProcessed?: string } };
  return Number(statistics?.totalBytesProcessed ?? 0);
}

function tableName({ project, dataset }: Place, name: string): string {
  if (!checkTable(name).includes('$')) return `\`${project}.${dataset}.${name}\``;
  throw new SamovarError('config', `a query cannot name the partition ${name}`, {
    subject: name,
    remedy: 'Name the table and ask for the days wanted.',
  });
}

function limits(
  { signal, timeoutMs }: CallOptions,
  defaultMs: number,
): CallOptions & { readonly timeoutMs: number } {
  return { timeoutMs: timeoutMs ?? defaultMs, ...(signal !== undefined && { signal }) };
}
