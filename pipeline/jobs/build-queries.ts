import type { Warehouse } from '../backends/warehouse/contract.ts';
import { nearest } from '../config/similar.ts';
import { SamovarError } from '../errors.ts';
import { BUILD_QUERIES } from '../queries/index.ts';
import { queryText } from '../queries/text.ts';
import type { BuildQuery, OwnedBy } from '../queries/types.ts';
import { isNoTable, noTable } from './no-table.ts';

const DAY_MS = 86_400_000;
export const ROWS_MAX = 1_000_000;
const DAYS_MAX = 36_500;
const PATTERN_CHARS_MAX = 1_000;

export interface BuildQueryRequest {
  readonly query: BuildQuery;
  readonly table: string;
  /** Length of the window; default the query's own. */
  readonly days?: number | undefined;
  /** A glob over the names of jobs. */
  readonly job?: string | undefined;
  readonly limit: number;
  readonly nowMs: number;
  /** Rules of owners, for the query that asks by them. */
  readonly owners?: readonly OwnedBy[] | undefined;
}

export interface BuildQueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** The query of that name. Throws `config`, with the nearest name there is. */
export function findBuildQuery(name: string): BuildQuery {
  const query = BUILD_QUERIES.find((one) => one.name === name);
  if (query !== undefined) return query;
  const names = BUILD_QUERIES.map((one) => one.name);
  const meant = nearest(name, names);
  throw new SamovarError('config', `there is no query "${name}"`, {
    subject: name,
    remedy: `${meant === undefined ? '' : `Did you mean ${meant}? `}The queries are: ${names.join(', ')}.`,
  });
}

/** What would be sent. Throws `config` for what cannot be asked. */
export function buildQueryText(
  warehouse: Pick<Warehouse, 'dialect' | 'tableName'>,
  { query, table, days, job, limit, nowMs, owners }: BuildQueryRequest,
): string {
  checkNumber('--days', days ?? query.days, DAYS_MAX);
  checkNumber('--limit', limit, ROWS_MAX);
  if (!Number.isInteger(limit)) throw wrong('--limit', limit, 'it must be a whole number');
  if (job !== undefined) checkPattern(job);
  const untilMs = query.wholeDays === true ? nowMs - (nowMs % DAY_MS) : nowMs;
  const lengthMs = (days ?? query.days) * DAY_MS;
  const sinceMs = untilMs - lengthMs;
  const beforeMs = sinceMs - lengthMs * (query.windowsBefore ?? 0);
  const values = { beforeMs, sinceMs, untilMs, job, limit, owners };
  return queryText(query, warehouse.dialect, warehouse.tableName(table), values);
}

/**
 * Asks the warehouse. Columns come in the query's order, whatever the warehouse's is. Throws `missing` where there is no such table.
 */
export async function runBuildQuery(
  warehouse: Pick<Warehouse, 'dialect' | 'tableName' | 'query'>,
  request: BuildQueryRequest,
  signal: AbortSignal,
): Promise<BuildQueryResult> {
  const { columns } = request.query;
  const sql = buildQueryText(warehouse, request);
  const found = await warehouse.query(sql, { signal }).catch((error: unknown) => {
    throw isNoTable(error) ? noTable(request.table) : error;
  });
  const rows = found.map((row) => Object.fromEntries(columns.map((name) => [name, row[name] ?? null])));
  return { columns, rows };
}

function checkNumber(flag: string, value: number, max: number): void {
  if (!(value > 0 && value <= max)) throw wrong(flag, value, `allowed are numbers above 0, up to ${max}`);
}

function checkPattern(job: string): void {
  if (job.length === 0 || job.length > PATTERN_CHARS_MAX || /[\u0000-\u001f\u007f]/.test(job))
    throw wrong(
      '--job',
      JSON.stringify(job.slice(0, 100)),
      `a pattern has 1 to ${PATTERN_CHARS_MAX} characters, and no control characters`,
    );
}

function wrong(flag: string, value: number | string, why: string): SamovarError {
  return new SamovarError('config', `${flag} ${value}: ${why}`, {
    subject: flag,
    remedy: 'See `samovar query --help` for what it takes.',
  });
}
