import type { Context } from '../context.ts';
import type { TablesContext } from '../jobs/tables.ts';
import type { Store } from '../store/open.ts';

/** The parts of a context that the tables' job works with, the database held for `command`. */
export async function openTables(context: Context, command: string): Promise<TablesContext> {
  return tablesOf(context, await context.holdStore(command));
}

/** As `openTables`, to read only: the database is not held, and not made. */
export async function readTables(context: Context): Promise<TablesContext> {
  return tablesOf(context, context.openStore({ dryRun: true }));
}

async function tablesOf(context: Context, store: Store): Promise<TablesContext> {
  const { signal, nowMs, sleep, settings } = context;
  return { store, warehouse: await context.openWarehouse(), signal, nowMs, sleep, workDir: settings.workDir };
}
