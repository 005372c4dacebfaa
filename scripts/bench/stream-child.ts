import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue, ReceiveOptions } from '../../pipeline/backends/queue/contract.ts';
import type * as Stats from '../../pipeline/collect/stats.ts';
import type * as Collecting from '../../pipeline/commands/collecting.ts';
import type * as OpenTables from '../../pipeline/commands/open-tables.ts';
import type * as StreamTables from '../../pipeline/commands/stream-tables.ts';
import type * as ConfigBuckets from '../../pipeline/config/buckets.ts';
import type * as ConfigTables from '../../pipeline/config/tables.ts';
import type * as ContextOf from '../../pipeline/context.ts';
import type * as Stream from '../../pipeline/jobs/stream.ts';
import type * as MetricsOf from '../../pipeline/monitor/metrics.ts';
import { givenToChild } from './child.ts';
import { BUCKET } from './corpus/index.ts';
import type { Run } from './run.ts';
import { moduleUrl } from './samovar.ts';
import type { StreamGiven } from './stream.ts';
import { finishedObjects } from './stream-events.ts';

/** Run by stream.ts in a process of its own: what the stream command does, with a queue in memory. Ours is what is built. */
const given = givenToChild<StreamGiven>();
const INTERVAL_MS = 500;
const built = async <T>(name: string) => (await import(moduleUrl(name))) as T;

/** When each event was told of, and when it was acknowledged: after every table had its row. */
interface Told {
  readonly queue: Queue;
  readonly done: Promise<void>;
  readonly lagsMs: readonly number[];
  /** Performance clock. */
  startedMs(): number;
  begin(): Promise<void>;
}

function memoryQueue(objects: readonly string[], rate: number): Told {
  const lagsMs: number[] = [];
  let receiving: ReceiveOptions | undefined;
  let startedMs = 0;
  let open = 0;
  let finish: () => void = () => undefined;
  let wake: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const tell = (object: string, id: string) => {
    const atMs = performance.now();
    const event = {
      type: 'finalized',
      bucketUrl: `gs://${BUCKET}`,
      object,
      generation: '1',
      publishedMs: Date.now(),
    } as const;
    open += 1;
    const ack = () => {
      open -= 1;
      lagsMs.push(performance.now() - atMs);
      if (lagsMs.length === objects.length) finish();
      wake();
    };
    const nack = () => {
      process.stderr.write(`${object} was handed back\n`);
      process.exit(1);
    };
    receiving?.onMessage({ id, deliveryAttempt: 1, event, problem: undefined, ack, nack });
  };
  const begin = async () => {
    startedMs = performance.now();
    for (const [index, object] of objects.entries()) {
      const dueMs = rate === 0 ? 0 : startedMs + (index * 1000) / rate - performance.now();
      if (dueMs > 0) await sleep(dueMs);
      // A queue holds back what is not acknowledged.
      while (open >= (receiving?.messagesMax ?? 1))
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      tell(object, String(index));
    }
  };
  const queue: Queue = {
    url: `gs://${BUCKET}`,
    deadLetterPolicy: async () => undefined,
    receive: async (options) => {
      receiving = options;
      options.onReady?.();
      await new Promise<void>((resolve) =>
        options.signal.addEventListener('abort', () => resolve(), { once: true }),
      );
    },
    close: async () => undefined,
  };
  return { queue, done, lagsMs, startedMs: () => startedMs, begin };
}

type Summary = Awaited<ReturnType<typeof Stream.streamBuilds>>;

/** The parts of the stream command, put together as it does it. */
async function startStream(queue: Queue) {
  const { loadContext } = await built<typeof ContextOf>('context');
  const { loadRoots } = await built<typeof ConfigBuckets>('config/buckets');
  const { tableSpec } = await built<typeof ConfigTables>('config/tables');
  const { streamTables } = await built<typeof StreamTables>('commands/stream-tables');
  const { openTables } = await built<typeof OpenTables>('commands/open-tables');
  const { openRoot } = await built<typeof Collecting>('commands/collecting');
  const { createStats } = await built<typeof Stats>('collect/stats');
  const { createMetrics } = await built<typeof MetricsOf>('monitor/metrics');
  const { streamBuilds } = await built<typeof Stream>('jobs/stream');
  const flags = { db: given.db, buckets: given.bucketsFile, warehouse: `duckdb:${given.workDir}.duckdb` };
  const context = await loadContext({ ...flags, 'log-level': 'error' });
  const { settings } = context;
  const roots = await loadRoots(settings.bucketsFile);
  const configs = await streamTables(settings.tablesFile, ['day:1', 'week:7', 'all:0']);
  const tables = await openTables(context, 'stream');
  const stats = createStats();
  const { threads } = settings;
  const warn = (text: string, details: object) =>
    process.stderr.write(`${text} ${JSON.stringify(details)}\n`);
  const around = { ...context, store: tables.store, warn };
  const reading = { junit: true, skipListing: false, dryRun: false, selection: {} };
  const request = { ...settings, ...reading, roots, threads };
  const stopping = new AbortController();
  let ended: Promise<Summary | undefined> = Promise.resolve(undefined);
  await new Promise<void>((resolve, reject) => {
    const collect = {
      ...around,
      stats,
      open: (root: Parameters<typeof openRoot>[1]) => openRoot(context, root, stats, threads),
    };
    const parts = {
      ...around,
      ...tables,
      stopping: stopping.signal,
      queues: [queue],
      metrics: createMetrics(context.progress),
    };
    const options = { ...settings.stream, roots, threads, request, writeLimitMs: settings.loadTimeoutMs * 2 };
    void (async () => {
      const specs = await Promise.all(
        configs.map(async (config) => ({ config, spec: await tableSpec(config), intervalMs: INTERVAL_MS })),
      );
      ended = streamBuilds({ ...parts, collect, onReady: resolve }, { ...options, tables: specs });
      await ended;
    })().catch(reject);
  });
  return {
    stop: async () => {
      stopping.abort('SIGTERM');
      const summary = await ended;
      await context.close();
      return summary;
    },
  };
}

const objects = finishedObjects(given.corpus);
const told = memoryQueue(objects, given.rate);
const stream = await startStream(told.queue);
// What the first listing must not find is there from now on.
await fetch(`${given.endpoint}/bench/reveal`, { method: 'POST' });
await fetch(`${given.endpoint}/bench/reset`, { method: 'POST' });
const before = process.cpuUsage();
await told.begin();
await told.done;
const { user, system } = process.cpuUsage(before);
// A stream runs for days: what the engine learns in its first moments is none of its steady state.
const steadyLagsMs = told.lagsMs.slice(given.rate === 0 ? 0 : Math.floor(told.lagsMs.length / 4));
const sorted = [...steadyLagsMs].sort((a, b) => a - b);
const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const run: Omit<Run, 'work' | 'side'> = {
  wallS: (performance.now() - told.startedMs()) / 1000,
  cpuS: (user + system) / 1e6,
  rssBytes: process.resourceUsage().maxRSS * 1024,
  events: objects.length,
  rows: 3 * objects.length,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
};
const summary = await stream.stop();
for (const { table, rows } of summary?.tables ?? [])
  if (rows !== objects.length) throw new Error(`${table} has ${rows} rows of ${objects.length} events`);
process.stdout.write(JSON.stringify(run), () => process.exit(0));
