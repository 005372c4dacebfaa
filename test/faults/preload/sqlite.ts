import Database from 'better-sqlite3';
import { around, patch } from './points.ts';

interface Statement {
  readonly source: string;
  readonly readonly: boolean;
  readonly database: Database.Database;
}

/** Steps inside a transaction reach nobody before its COMMIT. */
const INSIDE = /^\s*(BEGIN|SAVEPOINT|RELEASE|ROLLBACK)\b/i;
/** `optimize` writes statistics only. */
const HARMLESS = /^\s*PRAGMA (optimize|integrity_check|wal_checkpoint|incremental_vacuum)\b/i;
const COMMIT = /^\s*COMMIT\b/i;

/** Every statement that changes the file for good: COMMIT, and what runs outside of transactions. */
export function watchSqlite(): void {
  const memory = new Database(':memory:');
  const statements = Object.getPrototypeOf(memory.prepare('SELECT 1')) as object;
  memory.close();
  for (const name of ['run', 'get', 'all']) {
    patch(
      statements,
      name,
      (original) =>
        function (this: unknown, ...args) {
          const { source, readonly, database } = this as Statement;
          const call = () => original.apply(this, args);
          const lasting = isLasting(source, database.inTransaction) && !readonly;
          return COMMIT.test(source) || lasting ? around('sqlite', placeOf(database, source), call) : call();
        },
    );
  }
  patch(
    Database.prototype,
    'exec',
    (original) =>
      function (this: unknown, ...args) {
        const database = this as Database.Database;
        const sql = String(args[0]);
        const call = () => original.apply(this, args);
        return isLasting(sql, database.inTransaction)
          ? around('sqlite', placeOf(database, sql), call)
          : call();
      },
  );
}

function isLasting(sql: string, inTransaction: boolean): boolean {
  return COMMIT.test(sql) || (!inTransaction && !INSIDE.test(sql) && !HARMLESS.test(sql));
}

function placeOf(database: Database.Database, sql: string): string {
  return `${database.name.split('/').at(-1)} ${sql}`;
}
