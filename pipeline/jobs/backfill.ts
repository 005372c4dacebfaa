import type { TableSpec } from '../backends/warehouse/contract.ts';
import type { TableConfig } from '../config/tables.ts';
import { emitTable, loadFile, recover, type TablesContext } from './tables.ts';

const DAY_S = 86_400;

export interface BackfillRange {
  /** Epoch seconds: builds finished in [since, until). */
  readonly since: number;
  readonly until: number;
  /** One load a day. */
  readonly byDay: boolean;
  readonly keep: (path: string) => boolean;
}

/**
 * Loads the rows of a range that a table lacks. The ledger knows what is in, so a range may overlap what was loaded before and
 * may be run again after a stop.
 */
export async function backfillTable(
  context: TablesContext,
  table: TableConfig,
  spec: TableSpec,
  range: BackfillRange,
): Promise<{ readonly rows: number; readonly loads: number }> {
  await context.warehouse.ensureTable(spec, { signal: context.signal });
  let rows = await recover(context, table, spec);
  let loads = 0;
  for (const [since, until] of range.byDay ? days(range) : [[range.since, range.until] as const]) {
    let more = true;
    while (more) {
      const emission = await emitTable(context, table, {
        replace: false,
        window: { since, until },
        keep: range.keep,
      });
      more = emission.more;
      if (emission.rows === 0) {
        context.store.transaction(() => context.store.ledger.discard(emission.batch));
        break;
      }
      rows += (await loadFile(context, table, spec, emission.batch)).rows;
      loads += 1;
    }
  }
  return { rows, loads };
}

/** Days of UTC, the first and last cut to the range. */
function* days({ since, until }: BackfillRange): Generator<readonly [number, number]> {
  for (let start = Math.floor(since / DAY_S) * DAY_S; start < until; start += DAY_S) {
    yield [Math.max(start, since), Math.min(start + DAY_S, until)];
  }
}
