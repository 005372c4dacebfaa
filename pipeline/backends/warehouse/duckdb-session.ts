import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { SamovarError } from '../../errors.ts';
import type { CallOptions } from '../bucket/contract.ts';
import { duckDbError } from './duckdb-errors.ts';

interface Work extends CallOptions {
  /** What is being done, for messages. */
  readonly what: string;
  readonly subject: string;
}

/**
 * Runs `body` on a connection of its own, under a deadline and a signal: DuckDB is interrupted and rolls back what was open.
 * Throws DuckDB's errors as ours.
 */
async function withConnection<T>(
  instance: DuckDBInstance,
  work: Work & { readonly timeoutMs: number },
  body: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const { what, subject, signal, timeoutMs } = work;
  throwIfAborted(work);
  const connection = await instance.connect();
  let expired = false;
  const interrupt = () => connection.interrupt();
  const timer = setTimeout(() => {
    expired = true;
    interrupt();
  }, timeoutMs);
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    return await body(connection);
  } catch (error) {
    throwIfAborted(work, error);
    if (expired)
      throw new SamovarError('timeout', `${what}: not done within ${timeoutMs} ms`, {
        subject,
        cause: error,
      });
    throw duckDbError(what, subject, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', interrupt);
    connection.closeSync();
  }
}

export interface Session {
  /** Runs on a connection of its own, under a deadline. */
  run<T>(
    what: string,
    options: CallOptions & { readonly timeoutMs: number },
    body: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T>;
  /** The same in a transaction. */
  transact<T>(
    what: string,
    options: CallOptions & { readonly timeoutMs: number },
    body: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T>;
  /** The same when every writer before it has ended. */
  write<T>(
    what: string,
    options: CallOptions & { readonly timeoutMs: number },
    body: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T>;
  /** Waits for every writer before it. */
  inTurn<T>(body: () => Promise<T>): Promise<T>;
}

/** Calls on one open database, told apart in messages by `what`. */
export function createSession(instance: DuckDBInstance, subject: string): Session {
  const inTurn = createTurns();
  const run: Session['run'] = (what, options, body) =>
    withConnection(instance, { ...options, what: `${subject}: ${what}`, subject }, body);
  const transact: Session['transact'] = (what, options, body) =>
    run(what, options, (connection) => inTransaction(connection, () => body(connection)));
  return {
    run,
    inTurn,
    transact,
    write: (what, options, body) => inTurn(() => transact(what, options, body)),
  };
}

/** Runs `body` in one transaction: all of it, or nothing. */
async function inTransaction<T>(connection: DuckDBConnection, body: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN TRANSACTION');
  try {
    const result = await body();
    await connection.run('COMMIT');
    return result;
  } catch (error) {
    // A failed COMMIT has rolled back by itself; what failed first is what matters.
    await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** A gate through which writers go one at a time: two transactions on one table would refuse each other. */
function createTurns(): <T>(body: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const mine = last.then(body);
    last = mine.catch(() => undefined);
    return mine;
  };
}

function throwIfAborted({ what, subject, signal }: Work, cause?: unknown): void {
  if (signal?.aborted !== true) return;
  throw new SamovarError('aborted', `${what}: given up, the run is ending`, { subject, cause });
}
