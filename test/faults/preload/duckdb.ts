import { DuckDBConnection } from '@duckdb/node-api';
import { around, patch } from './points.ts';

/** They change nothing, or nothing before another statement does. */
const HARMLESS = /^\s*(SELECT|WITH|PRAGMA|SET|BEGIN)\b/i;

/** Statements that change a DuckDB file; inside a transaction too, where a kill must leave nothing of it. */
export function watchDuckDb(): void {
  patch(
    DuckDBConnection.prototype,
    'run',
    (original) =>
      function (this: unknown, ...args) {
        const sql = String(args[0]);
        const call = () => original.apply(this, args);
        return HARMLESS.test(sql) ? call() : around('duckdb', sql, call);
      },
  );
}
