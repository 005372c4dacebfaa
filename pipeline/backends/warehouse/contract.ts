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
  /** How the dialect spells a table: quoted and qualified. Throws `config` on a name it cannot quote. */
  tableName(name: string): string;
  readonly dialect: 'bigquery' | 'duckdb';
  close(): Promise<void>;
}

export interface WarehouseDriverOptions {
  readonly timeoutMs: number;
  /** How long a load job may run. */
  readonly loadTimeoutMs: number;
  /** BigQuery only: region of the dataset and its jobs. */
  readonly location?: string;
  /** BigQuery only: another server than Google's, e.g. an emulator. */
  readonly endpoint?: string;
}
