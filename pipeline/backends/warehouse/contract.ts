/**
 * Where tables live. A driver loads whole files, each under a *job id* the caller chose and stored beforehand: asking
 * twice with one id loads once. A *load job* is atomic: all of its rows appear, or none.
 */
import type { CallOptions } from '../bucket/contract.ts';

/** A column as in BigQuery's JSON schema files (schemas/*.json). */
export interface Field {
  readonly name: string;
  readonly type: 'STRING' | 'INTEGER' | 'FLOAT' | 'BOOLEAN' | 'TIMESTAMP' | 'RECORD';
  readonly mode?: 'NULLABLE' | 'REQUIRED' | 'REPEATED';
  readonly description?: string;
  readonly fields?: readonly Field[];
}

export interface TableSpec {
  readonly name: string;
  readonly schema: readonly Field[];
  /** Partition by day of this TIMESTAMP column. Absent: one flat table, which legacy SQL can read. */
  readonly partitionBy?: string;
  readonly clusterBy?: readonly string[];
  /** The column that identifies a row: newer versions of a row replace older ones on load. */
  readonly key: string;
}

/** What `ensureTable` did. */
export interface TableChange {
  readonly action: 'created' | 'extended' | 'unchanged';
  /** Dotted names of the added columns. */
  readonly added: readonly string[];
}

export interface LoadRequest {
  readonly table: TableSpec;
  /** Letters, digits, `_` and `-`, at most 1,024 characters. Same id, same load. */
  readonly jobId: string;
  /** A local `.json.gz` or `.json` file of newline-delimited JSON. */
  readonly file: string;
  /** True: the file becomes the whole table. False: its rows are added. */
  readonly replace: boolean;
  /** Keys whose older rows this file supersedes; removed by the same load where the driver can, else before it. */
  readonly superseded: readonly string[];
}

export type LoadState =
  /** No job of this id was ever accepted. */
  | { readonly state: 'unknown' }
  | { readonly state: 'running' }
  | { readonly state: 'done'; readonly rows: number }
  /** Nothing was loaded; the id is used up. */
  | { readonly state: 'failed'; readonly reason: string };

/** How rows that arrive one by one get into a table; docs/guarantees.md compares them. */
export type WriterKind =
  /** Load jobs at an interval: exactly once, minutes late on BigQuery (seconds on DuckDB), free of charge. */
  | 'load'
  /** BigQuery's Storage Write API, committed streams with offsets: exactly once, seconds late. */
  | 'storage-write'
  /** BigQuery's tabledata.insertAll: at least once, best-effort deduplication, seconds late. */
  | 'insert-all';

/** The writers' own columns: which version of its key a row is, and when it was written. Load jobs leave them null. */
export const ROW_VERSION = 'row_version';
export const ROW_WRITTEN = 'row_written';
export const APPEND_COLUMNS: readonly Field[] = [
  { name: ROW_VERSION, type: 'INTEGER', description: 'version of the row, by its content' },
  {
    name: ROW_WRITTEN,
    type: 'TIMESTAMP',
    description: 'when the row was appended; null when a load job wrote it',
  },
];

/** One row to append: its NDJSON line (without the newline) and what the writer's own columns say of it. */
export interface AppendRow {
  readonly line: Uint8Array;
  /** The row's key and version: with insertAll they make its insert id. */
  readonly key: string;
  readonly version: number;
  /** Epoch milliseconds. */
  readonly writtenMs: number;
}

/** A row as it goes over the wire. `payload` is the appender's own. */
export interface EncodedRow {
  /** Serialised bytes: what limits count. */
  readonly bytes: number;
  readonly payload: unknown;
}

/** Where an append goes; stored before anything is sent. */
export interface AppendPlace {
  /** A write stream's name; '' where there are none. */
  readonly stream: string;
  /** Rows in the stream before this append. */
  readonly offset: number;
}

/** What an append did. Rows that are named in neither list are in the table. */
export interface AppendOutcome {
  /** Rows the table can never take, by index. When there are any, count on none of the others: append them again. */
  readonly refused: readonly { readonly index: number; readonly reason: string }[];
  /** Rows (by index) too large for this way, though not for a load job. */
  readonly tooLarge: readonly number[];
}

/**
 * Appends rows without a load job. Nothing is retried inside but what is part of one append; a `timeout` or `network` error
 * leaves the outcome open, and appending the same rows at the same place again settles it.
 */
export interface Appender {
  readonly kind: Exclude<WriterKind, 'load'>;
  readonly guarantee: 'exactly-once' | 'at-least-once';
  readonly limits: { readonly rowsMax: number; readonly bytesMax: number };
  /** Throws `malformed` for a row that does not fit the schema, `too-large` for one that no append can take. */
  encode(table: TableSpec, row: AppendRow): EncodedRow;
  /** A place of its own at offset 0. */
  open(table: TableSpec, options?: CallOptions): Promise<AppendPlace>;
  /** With offsets: the same rows at the same place are in the table once, however often they are sent. */
  append(
    request: { readonly table: TableSpec; readonly place: AppendPlace; readonly rows: readonly EncodedRow[] },
    options?: CallOptions,
  ): Promise<AppendOutcome>;
  /**
   * Ends a place for good and says how many rows it has had: asked after a stop, before anything is sent again. Undefined where
   * the server cannot tell (no streams, or the stream is gone).
   */
  settle(place: AppendPlace, options?: CallOptions): Promise<number | undefined>;
  close(): Promise<void>;
}

/** What a table holds, as the warehouse tells without reading its rows. Undefined: it does not tell. */
export interface TableInfo {
  /** BigQuery: without those in the streaming buffer. */
  readonly rows: number | undefined;
  /** As billed (BigQuery), or in the file (DuckDB). */
  readonly bytes: number | undefined;
  /** Epoch milliseconds of the last change; DuckDB: of the last load. */
  readonly modifiedMs: number | undefined;
}

/** One dataset (BigQuery) or one database file (DuckDB). */
export interface Warehouse {
  /** `bigquery:project:dataset`, `duckdb:path/to/file`. */
  readonly url: string;
  /** Creates the table, adds missing nullable columns, or throws `incompatible` with the difference. `dryRun`: only says. */
  ensureTable(table: TableSpec, options?: CallOptions & { readonly dryRun?: boolean }): Promise<TableChange>;
  /** Loads and waits. Throws `malformed` when a row is refused (then no row is in), retryable codes when the outcome is open. */
  load(request: LoadRequest, options?: CallOptions): Promise<{ readonly rows: number }>;
  /** What became of a load: asked on restart, before anything is sent again. */
  loadState(jobId: string, options?: CallOptions): Promise<LoadState>;
  /** Rows of a query in the driver's own SQL dialect; values as JSON would hold them (64-bit integers as strings when > 2^53). */
  query(sql: string, options?: CallOptions): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Bytes that a query would read, and none read: BigQuery bills by them. Absent where reading is free. */
  queryBytes?(sql: string, options?: CallOptions): Promise<number>;
  /** Throws `config` where there is no such way to write: DuckDB's is `load`. */
  appender(kind: Exclude<WriterKind, 'load'>): Appender;
  /**
   * Creates or replaces the view `name`: one row per key of the table, the newest. `columns` order the versions, the first that
   * is not equal decides, greater is newer, null is oldest. True when it changed anything. `dryRun`: only says.
   */
  ensureLatestView(
    view: { readonly name: string; readonly table: TableSpec; readonly columns: readonly string[] },
    options?: CallOptions & { readonly dryRun?: boolean },
  ): Promise<boolean>;
  /** Size and age of a table; undefined when there is none. */
  tableInfo(name: string, options?: CallOptions): Promise<TableInfo | undefined>;
  /** How the dialect spells a table: quoted and qualified. Throws `config` on a name it cannot quote. */
  tableName(name: string): string;
  readonly dialect: 'bigquery' | 'duckdb';
  close(): Promise<void>;
}

/** Questions only, beside whoever writes. */
export type WarehouseReader = Pick<
  Warehouse,
  'url' | 'dialect' | 'tableName' | 'query' | 'queryBytes' | 'close'
>;

export interface WarehouseDriverOptions {
  readonly timeoutMs: number;
  /** How long a load job may run. */
  readonly loadTimeoutMs: number;
  /** DuckDB only: nothing is made or written, and others may read at the same time. A file that is not there is `missing`. */
  readonly readOnly?: boolean;
  /** DuckDB only: how long to wait for a file that another process has open; default: not at all. Who only looks has it for a moment. */
  readonly lockWaitMs?: number;
  /** BigQuery only: a question that would be billed for more bytes is refused, and costs nothing. */
  readonly queryBytesMax?: number;
  /** BigQuery only: region of the dataset and its jobs. */
  readonly location?: string;
  /** BigQuery only: another server than Google's, e.g. an emulator. */
  readonly endpoint?: string;
  /** BigQuery only: another Storage Write server than Google's, `127.0.0.1:9060`, without TLS. */
  readonly storageWriteEndpoint?: string;
}
