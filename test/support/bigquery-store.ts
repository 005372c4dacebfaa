import type { Field } from '../../pipeline/backends/warehouse/contract.ts';
import { encodeRow, type Refusal, type Row, readRows } from './bigquery-rows.ts';
import { viewResource, viewRows } from './bigquery-views.ts';

/** The service's documented limits. Written out here: a fake that took them from the driver would agree with its mistakes. */
const ROW_BYTES_MAX = 104_857_600;
const LOADS_A_DAY_MAX = 1_500;
/** BigQuery bills no less for a table that a query names. */
const BILLED_BYTES_MIN = 10 * 1024 ** 2;
const JOB_ID = /^[A-Za-z0-9_-]{1,1024}$/;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Table {
  resource: {
    readonly type?: string;
    readonly schema: { readonly fields: readonly Field[] };
    readonly view?: { readonly query: string; readonly useLegacySql?: boolean };
  };
  version: number;
  rows: Row[];
  /** Rows in the streaming buffer: those that insertAll brought. */
  readonly streamed: WeakSet<Row>;
  loads: number;
  modifiedMs: number;
}

interface Job {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  pollsLeft: number;
}

interface Cell {
  readonly value: string;
}

interface JobRequest {
  readonly jobReference?: { readonly jobId?: string; readonly projectId?: string };
  readonly configuration: {
    readonly load?: {
      readonly destinationTable: { readonly tableId: string };
      readonly writeDisposition: string;
      readonly createDisposition: string;
      readonly ignoreUnknownValues?: boolean;
      readonly maxBadRecords?: number;
    };
    readonly query?: {
      readonly query: string;
      readonly useLegacySql?: boolean;
      readonly maximumBytesBilled?: string;
      readonly queryParameters?: readonly {
        readonly parameterValue: { readonly arrayValues: readonly Cell[] };
      }[];
    };
  };
}

export interface StoreFaults {
  /** A new job answers RUNNING this many times before it is done. */
  runningPolls: number;
  /** Errors that the next jobs end in, nothing done. */
  jobErrors: Refusal[];
  /** Loads each table has had today before the first one here. */
  loadsBefore: number;
  /** Tables all of whose rows are in the streaming buffer. */
  readonly streaming: Set<string>;
}

/** One dataset in memory, with the rules of the service that matter to loads. */
export function createStore(faults: StoreFaults) {
  const tables = new Map<string, Table>();
  const jobs = new Map<string, Job>();
  const found = (name: string) => tables.get(name);
  /** Views take no rows. */
  const tableOf = (name: string) => (found(name)?.resource.view === undefined ? found(name) : undefined);

  function getTable(name: string): Answer {
    const table = found(name);
    if (table === undefined) return problem(404, 'notFound', `Not found: Table ${name}`);
    const stored = table.rows.filter((row) => !table.streamed.has(row));
    const size = {
      numRows: String(stored.length),
      numBytes: String(stored.reduce((sum, row) => sum + JSON.stringify(row).length, 0)),
      lastModifiedTime: String(table.modifiedMs),
    };
    const told = table.resource.view === undefined ? size : { lastModifiedTime: size.lastModifiedTime };
    return { status: 200, body: { type: 'TABLE', ...table.resource, ...told, etag: `e${table.version}` } };
  }
  function insertTable(resource: unknown): Answer {
    const given = resource as Table['resource'] & { readonly tableReference: { readonly tableId: string } };
    const name = given.tableReference.tableId;
    if (tables.has(name)) return problem(409, 'duplicate', `Already Exists: Table ${name}`);
    const made = given.view === undefined ? given : viewResource(given, tableOf);
    if (typeof made === 'string') return problem(400, 'invalidQuery', made);
    tables.set(name, {
      resource: made,
      version: 1,
      rows: [],
      streamed: new WeakSet(),
      loads: faults.loadsBefore,
      modifiedMs: Date.now(),
    });
    return getTable(name);
  }
  function patchTable(name: string, change: unknown, ifMatch: string | undefined): Answer {
    const table = found(name);
    if (table === undefined) return problem(404, 'notFound', `Not found: Table ${name}`);
    if (ifMatch !== undefined && ifMatch !== `e${table.version}`)
      return problem(412, 'conditionNotMet', 'Precondition check failed.');
    const changed = { ...table.resource, ...(change as Table['resource']) };
    const next = changed.view === undefined ? changed : viewResource(changed, tableOf);
    if (typeof next === 'string') return problem(400, 'invalidQuery', next);
    const lost = missing(table.resource.schema.fields, next.schema.fields);
    if (next.view === undefined && lost !== undefined)
      return problem(400, 'invalid', `Provided Schema does not match Table: field ${lost} is missing`);
    Object.assign(table, { resource: next, version: table.version + 1 });
    return getTable(name);
  }
  function insertJob(request: unknown, content: Buffer | undefined): Answer {
    const { jobReference, configuration } = request as JobRequest;
    const jobId = jobReference?.jobId ?? `job_made_${jobs.size}`;
    if (!JOB_ID.test(jobId)) return problem(400, 'invalid', `Invalid job ID "${jobId}"`);
    if (jobs.has(jobId)) return problem(409, 'duplicate', `Already Exists: Job ${jobId}`);
    const failure = faults.jobErrors.shift();
    const outcome =
      failure ?? (content === undefined ? runQuery(configuration) : runLoad(configuration, content));
    const failed = 'reason' in outcome;
    const status = failed ? { state: 'DONE', errorResult: outcome, errors: [outcome] } : { state: 'DONE' };
    const resource = { jobReference: { projectId: 'p', jobId }, configuration, status };
    const statistics = failed ? {} : { statistics: { load: { outputRows: String(outcome.rows ?? 0) } } };
    jobs.set(jobId, {
      resource: { ...resource, ...statistics },
      ...(!failed && { result: outcome.result }),
      pollsLeft: faults.runningPolls,
    });
    return getJob(jobId);
  }
  function getJob(jobId: string): Answer {
    const job = jobs.get(jobId);
    if (job === undefined) return problem(404, 'notFound', `Not found: Job ${jobId}`);
    if (job.pollsLeft <= 0) return { status: 200, body: job.resource };
    job.pollsLeft -= 1;
    return { status: 200, body: { ...job.resource, statistics: {}, status: { state: 'RUNNING' } } };
  }
  function getResult(jobId: string): Answer {
    const job = jobs.get(jobId);
    return job === undefined
      ? getJob(jobId)
      : { status: 200, body: { ...(job.result as object), jobComplete: true } };
  }

  function runLoad({ load }: JobRequest['configuration'], content: Buffer): Refusal | Outcome {
    if (
      load === undefined ||
      load.createDisposition !== 'CREATE_NEVER' ||
      load.ignoreUnknownValues ||
      load.maxBadRecords
    )
      return { reason: 'invalid', message: 'the driver promises to refuse bad rows and to make no table' };
    const name = load.destinationTable.tableId;
    const table = tableOf(name);
    if (table === undefined) return { reason: 'notFound', message: `Not found: Table ${name}` };
    table.loads += 1;
    if (table.loads > LOADS_A_DAY_MAX)
      return {
        reason: 'quotaExceeded',
        message: 'Your table exceeded quota for imports or query appends per table',
      };
    const rows = readRows(content, table.resource.schema.fields, ROW_BYTES_MAX);
    if ('reason' in rows) return rows;
    if (load.writeDisposition === 'WRITE_TRUNCATE') table.rows = [...rows];
    else table.rows.push(...rows);
    table.modifiedMs = Date.now();
    return { rows: rows.length };
  }

  function runQuery({ query }: JobRequest['configuration']): Refusal | Outcome {
    const sql = query?.query ?? '';
    const name = /`[\w-]+\.\w+\.(\w+)`/.exec(sql)?.[1] ?? '';
    const table = found(name);
    if (query?.useLegacySql !== false) return { reason: 'invalidQuery', message: 'standard SQL only' };
    if (table === undefined) return { reason: 'notFound', message: `Not found: Table ${name}` };
    const billed = Math.max(BILLED_BYTES_MIN, JSON.stringify(table.rows).length);
    if (Number(query.maximumBytesBilled ?? billed) < billed)
      return {
        reason: 'bytesBilledLimitExceeded',
        message: `Query exceeded limit for bytes billed: ${query.maximumBytesBilled}. ${billed} or higher required.`,
      };
    const { fields } = table.resource.schema;
    const rows = viewRows(table.resource, tableOf) ?? table.rows;
    const count = /^SELECT COUNT\(\*\) AS (\w+) FROM `[^`]+`$/.exec(sql)?.[1];
    if (count !== undefined) return answer([{ name: count, type: 'INTEGER' }], [{ [count]: rows.length }]);
    const selected = select(sql, fields, rows);
    if (selected !== undefined) return answer(selected.fields, selected.rows);
    const key = /^DELETE FROM `[^`]+` WHERE CAST\(`(\w+)` AS STRING\) IN UNNEST\(@keys\)$/.exec(sql)?.[1];
    if (key === undefined) return { reason: 'invalidQuery', message: `Syntax error: ${sql}` };
    const keys = new Set(query?.queryParameters?.[0]?.parameterValue.arrayValues.map(({ value }) => value));
    const goes = (row: Row) => keys.has(String(row[key]));
    if (faults.streaming.has(name) || table.rows.some((row) => goes(row) && table.streamed.has(row)))
      return {
        reason: 'invalidQuery',
        message: `UPDATE or DELETE statement over table ${name} would affect rows in the streaming buffer, which is not supported`,
      };
    table.rows = table.rows.filter((row) => !goes(row));
    return {};
  }
  return { tableOf, getTable, insertTable, patchTable, insertJob, getJob, getResult };
}

interface Outcome {
  readonly rows?: number;
  readonly result?: unknown;
}

function answer(schema: readonly Field[], rows: readonly Row[]): Outcome {
  return {
    result: {
      schema: { fields: schema },
      totalRows: String(rows.length),
      rows: rows.map((row) => encodeRow(schema, row)),
    },
  };
}

/** A column that a patched schema no longer has or has otherwise. */
function missing(before: readonly Field[], after: readonly Field[]): string | undefined {
  for (const field of before) {
    const next = after.find(({ name }) => name === field.name);
    if (next === undefined || next.type !== field.type) return field.name;
    const inner = missing(field.fields ?? [], next.fields ?? []);
    if (inner !== undefined) return `${field.name}.${inner}`;
  }
  return undefined;
}

export function problem(status: number, reason: string, message: string): Answer {
  return {
    status,
    body: { error: { code: status, message, errors: [{ reason, message, domain: 'global' }] } },
  };
}

type TableRow = Readonly<Record<string, unknown>>;

/** `SELECT * | a, b FROM t [WHERE c IN ("x", "y")] [ORDER BY d]`; undefined for any other query. */
function select<F extends { readonly name: string }>(
  sql: string,
  fields: readonly F[],
  rows: readonly TableRow[],
) {
  const pattern =
    /^SELECT (\*|\w+(?:, \w+)*) FROM `[^`]+`(?: WHERE (\w+) IN \((.*)\))?(?: ORDER BY (\w+))?$/s;
  const [, columns, column, list, order] = pattern.exec(sql) ?? [];
  if (columns === undefined) return undefined;
  const names = columns === '*' ? fields.map(({ name }) => name) : columns.split(', ');
  // Texts of GoogleSQL with JSON's escapes are JSON.
  const wanted = list === undefined ? undefined : new Set(JSON.parse(`[${list}]`) as readonly unknown[]);
  const found = rows.filter((row) => column === undefined || wanted?.has(row[column]) === true);
  return {
    fields: fields.filter(({ name }) => names.includes(name)),
    rows:
      order === undefined ? found : found.toSorted((a, b) => (String(a[order]) < String(b[order]) ? -1 : 1)),
  };
}
