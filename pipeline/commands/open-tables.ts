import type { Context } from '../context.ts';
import type { TablesContext } from '../jobs/tables.ts';

/** The parts of a context that the tables' job works with, the database held for `command`. */
export async function openTables(context: Context, command: string): Promise<TablesContext> {
  const { signal, nowMs, sleep, settings } = context;
  return {
    store: await context.holdStore(command),
    warehouse: await context.openWarehouse(),
    signal,
    nowMs,
    sleep,
    workDir: settings.workDir,
  };
}
