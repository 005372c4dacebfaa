import type { Context } from '../../context.ts';
import { describeError } from '../../errors.ts';
import { loadMutations } from '../../jobs/mutation-tables.ts';
import { loadMutationTables } from '../../jobs/mutation-tables-config.ts';
import type { Store } from '../../store/open.ts';
import { mutationTables } from './load.ts';

/**
 * `sync --load`: what a round of repositories brought goes into the warehouse before the next one, by the process that holds the
 * database. A load that fails is told of, and tried again with the next round.
 */
export async function createRoundLoader(context: Context, store: Store): Promise<() => Promise<boolean>> {
  const { signal, nowMs, sleep, settings } = context;
  const tables = await loadMutationTables();
  const around = mutationTables(context, {
    store,
    warehouse: await context.openWarehouse(),
    signal,
    nowMs,
    sleep,
    workDir: settings.workDir,
  });
  return async () => {
    try {
      const { tables: loaded } = await loadMutations(around, { tables, replace: false, check: false });
      const rows = loaded.reduce((sum, table) => sum + table.rows, 0);
      context.log.info({ rows }, 'mutation tables are up to date');
      return true;
    } catch (error) {
      context.log.error(
        { reason: describeError(error) },
        'the mutation tables could not be brought up to date',
      );
      return false;
    }
  };
}
