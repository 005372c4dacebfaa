import { BUILD_QUERIES } from '../queries/index.ts';
import { findBuildQuery, runBuildQuery } from './build-queries.ts';
import type { ReadWarehouse } from './report-ask.ts';

interface Wish {
  readonly days?: number | undefined;
  readonly job?: string | undefined;
  readonly limit: number;
}

/** The queries of `samovar query`, for the JSON interface. Throws `config` for what cannot be asked. */
export function reportQueries(warehouse: ReadWarehouse, table: string, nowMs: () => number) {
  return {
    list: BUILD_QUERIES.map(({ name, about, days, columns }) => ({ name, about, days, columns })),
    run: (name: string, wish: Wish, signal: AbortSignal) =>
      runBuildQuery(warehouse, { query: findBuildQuery(name), table, ...wish, nowMs: nowMs() }, signal),
  };
}
