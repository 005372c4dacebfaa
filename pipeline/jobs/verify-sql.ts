import { ROW_VERSION, ROW_WRITTEN, type TableSpec, type Warehouse } from '../backends/warehouse/contract.ts';
import { textLiteral } from '../backends/warehouse/literals.ts';

/** Columns that a row's digest is made of, next to its path: those of them that the table has. */
export const DIGEST_COLUMNS = ['passed', 'tests_run', 'tests_failed'] as const;

/** The digest columns of a table, in their order. */
export function digestColumns(spec: TableSpec): readonly string[] {
  return DIGEST_COLUMNS.filter((name) => spec.schema.some((field) => field.name === name));
}

/** Rows, builds and the sum of digests of each day on which builds finished. */
export function daysSql(warehouse: Warehouse, spec: TableSpec): string {
  return `SELECT day, COUNT(*) AS builds, SUM(copies) AS row_count, SUM(digest) AS checksum
    FROM (${buildsSql(warehouse, spec)}) AS b GROUP BY day ORDER BY day`;
}

/** Each build of some days with its digest and how often it is there. */
export function detailsSql(warehouse: Warehouse, spec: TableSpec, days: readonly string[]): string {
  const list = days.map((day) => textLiteral(warehouse.dialect, day)).join(', ');
  return `SELECT path, day, copies, digest FROM (${buildsSql(warehouse, spec)}) AS b WHERE day IN (${list}) ORDER BY path`;
}

/**
 * One line a build: of several versions (appended tables keep them) the newest, and how often that one is there. The digest is the
 * first 32 bits of an MD5, which both dialects have.
 */
function buildsSql(warehouse: Warehouse, spec: TableSpec): string {
  const duck = warehouse.dialect === 'duckdb';
  const versioned = spec.schema.some(({ name }) => name === ROW_VERSION);
  const text = (column: string) => `COALESCE(CAST(${column} AS ${duck ? 'VARCHAR' : 'STRING'}), '')`;
  const parts = ['path', ...digestColumns(spec).map((name) => `'|', ${text(name)}`)].join(', ');
  const md5 = duck ? `md5(concat(${parts}))` : `TO_HEX(MD5(CONCAT(${parts})))`;
  const digest = `CAST(concat('0x', SUBSTR(${md5}, 1, 8)) AS ${duck ? 'BIGINT' : 'INT64'})`;
  const day = duck
    ? `COALESCE(strftime(finished AT TIME ZONE 'UTC', '%Y-%m-%d'), '')`
    : `COALESCE(FORMAT_TIMESTAMP('%F', finished), '')`;
  const same = versioned ? `path, ${ROW_VERSION}` : 'path';
  const newest = versioned ? ` ORDER BY ${ROW_WRITTEN} DESC NULLS LAST` : '';
  return `SELECT path, ${day} AS day, copies, ${digest} AS digest FROM (
    SELECT *, COUNT(*) OVER (PARTITION BY ${same}) AS copies, ROW_NUMBER() OVER (PARTITION BY path${newest}) AS nth
    FROM ${warehouse.tableName(spec.name)}) AS t WHERE nth = 1`;
}
