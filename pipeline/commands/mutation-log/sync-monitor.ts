import type { Context } from '../../context.ts';
import { describeError } from '../../errors.ts';
import { createMetrics } from '../../monitor/metrics.ts';
import { startMonitor } from '../../monitor/server.ts';
import type { Store } from '../../store/open.ts';
import { lagReader, lagValues } from './lag.ts';

/** The pages of a running sync, where an address is configured. */
export async function startSyncMonitor(context: Context, store: Store, tablesFile?: string): Promise<void> {
  const { progress, settings } = context;
  if (settings.monitorAddress === undefined) return;
  const lagsOf = await lagReader(context, store, tablesFile);
  const metrics = createMetrics(progress);
  metrics.onScrape(() => ({
    ...lagValues(lagsOf(store.corpus.repos())),
    sqlitePagesLeft: store.pagesLeft(),
  }));
  const monitor = await startMonitor({
    address: settings.monitorAddress,
    progress,
    metrics,
    // It waits for nobody: what it follows is GitHub, whose refusals it tells of by itself.
    ready: async () => [{ name: 'sync', ready: true, detail: 'following' }],
    log: (message, error) => context.log.warn({ reason: describeError(error) }, message),
  });
  context.onClose(() => monitor.close());
  context.log.info({ url: monitor.url }, 'health and metrics');
}
