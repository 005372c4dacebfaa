import { LOADS_PER_TABLE_AND_DAY_MAX, loadBudget } from '../backends/warehouse/limits.ts';
import type { TableConfig } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { describeError, SamovarError } from '../errors.ts';
import { destinationOf, type TablesContext } from '../jobs/tables.ts';
import type { Metrics, Readiness, ScrapedValues } from '../monitor/contract.ts';
import { startMonitor } from '../monitor/server.ts';
import { byteSize } from '../show/progress.ts';
import { type DiskSpace, diskSpace } from '../store/headroom.ts';

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
): Promise<{ readonly ready: () => void; readonly outstanding: (read: () => number) => void }> {
  const { settings, progress } = context;
  const { metrics } = monitored;
  let following = false;
  let outstanding = () => 0;
  let disk = await diskSpace(settings.db);
  const look = setInterval(() => {
    diskSpace(settings.db).then(
      (space) => {
        disk = space;
      },
      () => undefined,
    );
  }, DISK_LOOK_MS);
  look.unref();
  context.onClose(() => clearInterval(look));
  metrics.onScrape(() => ({ ...scrape(context, monitored, disk), outstandingMessages: outstanding() }));
  const warehouse = asked(context, monitored.tables);
  const ready = async () => readiness(monitored, { following, disk, warehouse: await warehouse() });
  if (settings.monitorAddress !== undefined) {
    const monitor = await startMonitor({
      address: settings.monitorAddress,
      progress,
      metrics,
      ready,
      log: (message, error) => context.log.warn({ reason: describeError(error) }, message),
    });
    context.onClose(() => monitor.close());
    context.log.info({ url: monitor.url }, 'health and metrics');
  }
  return {
    ready: () => {
      following = true;
    },
    outstanding: (read) => {
      outstanding = read;
    },
  };
}

function scrape({ nowMs }: Context, { tables, configured }: Monitored, disk: DiskSpace): ScrapedValues {
  const { store, warehouse } = tables;
  const destinations = configured.map((table) => ({
    table: table.name,
    id: destinationOf(store, table, warehouse.url),
  }));
  return {
    deadLetters: store.deadLetters.count(),
    diskFreeBytes: disk.freeBytes,
    diskSizeBytes: disk.sizeBytes,
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

/** How long an answer about the warehouse holds: on one that charges by queries a probe must not ask every few seconds. */
const WAREHOUSE_ANSWER_MS = 60_000;

/** Asks the warehouse now and then whether it answers. */
function asked({ signal, nowMs }: Context, { warehouse }: TablesContext): () => Promise<Readiness> {
  let last: { readonly atMs: number; readonly state: Readiness } | undefined;
  return async () => {
    if (last?.state.ready && nowMs() - last.atMs < WAREHOUSE_ANSWER_MS) return last.state;
    const state = await tried('warehouse', () =>
      warehouse.query('SELECT 1 AS one', { signal, timeoutMs: 4_000 }),
    );
    last = { atMs: nowMs(), state };
    return state;
  };
}

async function tried(name: string, work: () => unknown): Promise<Readiness> {
  try {
    await work();
    return { name, ready: true, detail: 'ok' };
  } catch (error) {
    // The page is open to whoever reaches it: the kind of trouble, not its words.
    return { name, ready: false, detail: error instanceof SamovarError ? error.code : 'failed' };
  }
}

interface StreamState {
  readonly following: boolean;
  readonly disk: DiskSpace;
  readonly warehouse: Readiness;
}

/** A look at what the work depends on. Each is asked for what it can do, not only whether it is there. */
async function readiness(
  { tables }: Monitored,
  { following, disk, warehouse }: StreamState,
): Promise<readonly Readiness[]> {
  return [
    { name: 'queue', ready: following, detail: following ? 'following' : 'not yet following' },
    await tried('database', () => tables.store.transaction(() => undefined)),
    warehouse,
    { name: 'disk', ready: disk.freeBytes >= DISK_FREE_MIN, detail: `${byteSize(disk.freeBytes)} free` },
  ];
}
