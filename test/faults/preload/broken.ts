import { DuckDBConnection } from '@duckdb/node-api';
import Database from 'better-sqlite3';
import { patch } from './points.ts';

/**
 * A pipeline with a mistake in it, made from outside, so that the harness can be seen to find it. `ledger-first`: rows count as
 * loaded when they are about to be. `load-forgotten`: the warehouse does not remember the ids of its loads. `ack-first`: messages
 * are acknowledged as they come.
 */
export async function breakPipeline(how: string): Promise<void> {
  const breaks = WAYS[how];
  if (breaks === undefined) throw new Error(`SAMOVAR_FAULT_BREAK: there is no ${how}`);
  await breaks();
}

function commitEarly(): void {
  patch(
    Database.prototype,
    'prepare',
    (original) =>
      function (this: unknown, ...args) {
        const sql = String(args[0]).replace("SET state = 'sent'", "SET state = 'committed'");
        return original.call(this, sql, ...args.slice(1));
      },
  );
}

function forgetLoads(): void {
  patch(
    DuckDBConnection.prototype,
    'run',
    (original) =>
      function (this: unknown, ...args) {
        if (/^INSERT INTO samovar_loads/.test(String(args[0]))) return Promise.resolve(undefined);
        return original.apply(this, args);
      },
  );
}

/** In a file of its own: only streams need the package. */
async function acknowledgeEarly(): Promise<void> {
  const { acknowledgeOnReceipt } = await import('./broken-acks.ts');
  acknowledgeOnReceipt();
}

const WAYS: Readonly<Record<string, () => void | Promise<void>>> = {
  'ledger-first': commitEarly,
  'load-forgotten': forgetLoads,
  'ack-first': acknowledgeEarly,
};
