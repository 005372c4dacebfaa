import { LOADS_PER_TABLE_AND_DAY_MAX, loadBudget } from '../backends/warehouse/limits.ts';
import type { TableConfig } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { destinationOf, type TablesContext } from '../jobs/tables.ts';
import type { Metrics, Readiness, ScrapedValues } from '../monitor/contract.ts';
import { startMonitor } from '../monitor/server.ts';
import { byteSize } from '../show/progress.ts';
import { diskFreeBytes } from '../store/headroom.ts';

const DAY_MS = 86_400_000;
const DISK_LOOK_MS = 10_000;
/** Below this a stream is not ready: the next commits may not fit. */
const DISK_FREE_MIN = 64 * 2 ** 20;

export interface Monitored {
  readonly tables: TablesContext;
  readonly configured: readonly TableConfig[];
  readonly metrics: Metrics;
}

/** The pages of a running stream, where an address is configured; tells metrics where to look values up. */
export async function startStreamMonitor(
  context: Context,
  monitored: Monitored,
): Promise<{ readonly ready: () => void }> {
  const { settings, progress } = context;
  const { metrics } = monitored;
  let following = false;
  let diskFree = await diskFreeBytes(settings.db);
  const look = setInterval(() => {
    diskFreeBytes(settings.db).then(
      (bytes) => {
        diskFree = bytes;
      },
      () => undefined,
    );
  }, DISK_LOOK_MS);
  look.unref();
  context.onClose(() => clearInterval(look));
  metrics.onScrape(() => scrape(context, monitored, diskFree));
  const ready = async () => readiness(context, monitored, { following, diskFree });
  if (settings.monitorAddress !== undefined) {
    const monitor = await startMonitor({ address: settings.monitorAddress, progress, metrics, ready });
    context.onClose(() => monitor.close());
    context.log.info({ url: monitor.url }, 'health and metrics');
  }
  return {
    ready: () => {
      following = true;
    },
  };
}

function scrape({ nowMs }: Context, { tables, configured }: Monitored, diskFree: number): ScrapedValues {
  const { store, warehouse } = tables;
  const destinations = configured.map((table) => ({
    table: table.name,
    id: destinationOf(store, table, warehouse.url),
  }));
  return {
    deadLetters: store.deadLetters.count(),
    diskFreeBytes: diskFree,
    sqlitePagesLeft: store.pagesLeft(),
    ledger: destinations.flatMap(({ table, id }) => {
      const { committed, open } = store.ledger.counts(id);
      return [
        { table, state: 'committed' as const, items: committed },
        { table, state: 'open' as const, items: open },
      ];
    }),
    loadsLeft: destinations.map(({ table, id }) => ({
      table,
      left: Math.min(
        LOADS_PER_TABLE_AND_DAY_MAX,
        loadBudget(store.ledger.loadTimes(id, nowMs() - DAY_MS), nowMs()).left,
      ),
    })),
  };
}

/** A look at what the work depends on. Each is asked for what it can do, not only whether it is there. */
async function readiness(
  { signal }: Context,
  { tables }: Monitored,
  state: { readonly following: boolean; readonly diskFree: number },
): Promise<readonly Readiness[]> {
  const { store, warehouse } = tables;
  const attempt = async (name: string, work: () => unknown): Promise<Readiness> => {
    try {
      await work();
      return { name, ready: true, detail: 'ok' };
    } catch (error) {
      return { name, ready: false, detail: error instanceof Error ? error.message : String(error) };
    }
  };
  return [
    { name: 'queue', ready: state.following, detail: state.following ? 'following' : 'not yet following' },
    await attempt('database', () => store.transaction(() => undefined)),
    await attempt('warehouse', () => warehouse.query('SELECT 1 AS one', { signal, timeoutMs: 4_000 })),
    { name: 'disk', ready: state.diskFree >= DISK_FREE_MIN, detail: `${byteSize(state.diskFree)} free` },
  ];
}
