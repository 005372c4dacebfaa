import { ROW_VERSION, ROW_WRITTEN, type TableSpec, type Warehouse } from '../backends/warehouse/contract.ts';
import { textLiteral } from '../backends/warehouse/literals.ts';

/** What two sides are compared by. */
export interface DigestColumns {
  /** A TIMESTAMP column, by whose days rows are added up; undefined: all of them at once. */
  readonly day?: string;
  /** Columns that a row's digest is made of, next to its path. */
  readonly digest: readonly string[];
}

const DIGEST_COLUMNS = ['passed', 'tests_run', 'tests_failed'];

/** Of a table of builds: those of the columns that it has. */
export function buildColumns(spec: TableSpec): DigestColumns {
  const digest = DIGEST_COLUMNS.filter((name) => spec.schema.some((field) => field.name === name));
  return { day: 'finished', digest };
}

/** Rows, keys and the sum of digests of each day. */
export function daysSql(warehouse: Warehouse, spec: TableSpec, columns: DigestColumns): string {
  return `SELECT day, COUNT(*) AS builds, SUM(copies) AS row_count, SUM(digest) AS checksum
    FROM (${rowsSql(warehouse, spec, columns)}) AS b GROUP BY day ORDER BY day`;
}

/** Each key of some days with its digest and how often it is there. */
export function detailsSql(
  warehouse: Warehouse,
  spec: TableSpec,
  { days, ...columns }: DigestColumns & { readonly days: readonly string[] },
): string {
  const list = days.map((day) => textLiteral(warehouse.dialect, day)).join(', ');
  return `SELECT path, day, copies, digest FROM (${rowsSql(warehouse, spec, columns)}) AS b WHERE day IN (${list}) ORDER BY path`;
}

/**
 * One line a key: of several versions (appended tables keep them) the newest, and how often that one is there. The digest is the
 * first 32 bits of an MD5, which both dialects have.
 */
function rowsSql(warehouse: Warehouse, spec: TableSpec, columns: DigestColumns): string {
  const duck = warehouse.dialect === 'duckdb';
  const versioned = spec.schema.some(({ name }) => name === ROW_VERSION);
  const text = (column: string) =>
    `COALESCE(CAST(${quoted(column, duck)} AS ${duck ? 'VARCHAR' : 'STRING'}), '')`;
  const parts = ['path', ...columns.digest.map((name) => `'|', ${text(name)}`)].join(', ');
  const md5 = duck ? `md5(concat(${parts}))` : `TO_HEX(MD5(CONCAT(${parts})))`;
  const digest = `CAST(concat('0x', SUBSTR(${md5}, 1, 8)) AS ${duck ? 'BIGINT' : 'INT64'})`;
  const day = daySql(columns.day, duck);
  const same = versioned ? `path, ${ROW_VERSION}` : 'path';
  const newest = versioned ? ` ORDER BY ${ROW_WRITTEN} DESC NULLS LAST` : '';
  return `SELECT path, ${day} AS day, copies, ${digest} AS digest FROM (
    SELECT *, COUNT(*) OVER (PARTITION BY ${same}) AS copies, ROW_NUMBER() OVER (PARTITION BY path${newest}) AS nth
    FROM ${warehouse.tableName(spec.name)}) AS t WHERE nth = 1`;
}

function daySql(column: string | undefined, duck: boolean): string {
  if (column === undefined) return "''";
  return duck
    ? `COALESCE(strftime(${quoted(column, duck)} AT TIME ZONE 'UTC', '%Y-%m-%d'), '')`
    : `COALESCE(FORMAT_TIMESTAMP('%F', ${quoted(column, duck)}), '')`;
}

/** A column of a schema: letters, digits and underscores, among them words of SQL. */
function quoted(column: string, duck: boolean): string {
  return duck ? `"${column}"` : `\`${column}\``;
}
