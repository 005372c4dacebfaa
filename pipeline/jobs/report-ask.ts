import type { Warehouse } from '../backends/warehouse/contract.ts';
import { type SiteParameters, siteText } from '../queries/site/text.ts';
import type { Asked } from '../report/models.ts';
import { isNoTable, noTable } from './no-table.ts';
import type { SqlRow } from './report-rows.ts';

const DAY_MS = 86_400_000;

/** All that reading needs of a warehouse. */
export type ReadWarehouse = Pick<Warehouse, 'url' | 'dialect' | 'tableName' | 'query'>;

export interface AskOptions {
  readonly table: string;
  readonly windowDays: number;
  readonly nowMs: () => number;
}

type Values = Omit<SiteParameters, 'sinceMs' | 'untilMs'>;

/** A view's query over the window that ends now: its answer, and its text for those who want to ask themselves. */
export interface Ask {
  rows(sql: string, values: Values, signal: AbortSignal): Promise<readonly SqlRow[]>;
  asked(sql: string, values: Values, command?: string): Asked;
}

export function createAsk(warehouse: ReadWarehouse, { table, windowDays, nowMs }: AskOptions): Ask {
  const text = (sql: string, values: Values) => {
    const untilMs = nowMs();
    const window = { sinceMs: untilMs - windowDays * DAY_MS, untilMs };
    return siteText(sql, warehouse.dialect, warehouse.tableName(table), { ...values, ...window });
  };
  return {
    rows: (sql, values, signal) =>
      warehouse.query(text(sql, values), { signal }).catch((error: unknown) => {
        throw isNoTable(error) ? noTable(table) : error;
      }),
    asked: (sql, values, command) => ({
      sql: text(sql, values),
      ...(command !== undefined && { command: `samovar query ${command} --days ${windowDays}` }),
    }),
  };
}

/** A job's name as an argument; none where a shell could not take it, or where its stars would be wild. */
export function jobArgument(name: string, job: string): string | undefined {
  if (/[\p{Cc}\p{Cs}*?]/u.test(job)) return undefined;
  return `${name} --job '${job.replaceAll("'", "'\\''")}'`;
}
