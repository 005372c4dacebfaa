import { setMaxListeners } from 'node:events';
import type { Queue } from '../backends/queue/contract.ts';
import { createStats } from '../collect/stats.ts';
import { describeError, SamovarError } from '../errors.ts';
import type { FinishedBuild } from '../stream/events.ts';
import { createLags } from '../stream/lags.ts';
import { createTracker } from '../stream/tracker.ts';
import { collectBuilds } from './builds.ts';
import { createCollector } from './stream-collect.ts';
import { acknowledge, onMessage } from './stream-messages.ts';
import type { Stream, StreamContext, StreamOptions, StreamSummary } from './stream-state.ts';
import { createStreamTable } from './stream-tables.ts';
import { ensureLatestViews } from './views.ts';
import { openTableWriter, type TableWriter } from './writer.ts';

const LEASE_MAX_MS = 3_600_000;
const OUTSTANDING_BYTES_MAX = 64 * 2 ** 20;
const IDLE_LOOK_MS = 100;
const SILENT_PASSES_MAX = 2;

/**
 * Follows the queues: each finished build is collected, stored, written to every table, and only then acknowledged. Ends when it is
 * told to, when nothing happens any more (`untilIdleMs`), or with the error that no further try can mend; whatever was not
 * acknowledged is handed back.
 */
export async function streamBuilds(context: StreamContext, options: StreamOptions): Promise<StreamSummary> {
  const writers = options.tables.map(({ config, spec }) => openTableWriter(context, config, spec));
  try {
    for (const writer of writers) await writer.open();
    await ensureLatestViews(context.warehouse, options.tables, { signal: context.signal });
    return await follow(context, options, writers);
  } finally {
    // What was delivered and not acknowledged goes back before the process ends.
    await Promise.all(context.queues.map((queue) => queue.close()));
    await Promise.all(writers.map((writer) => writer.close()));
  }
}

async function follow(
  context: StreamContext,
  options: StreamOptions,
  writers: readonly TableWriter[],
): Promise<StreamSummary> {
  const stream = openStream(context, options, writers);
  const { end } = stream;
  context.onOpen?.(() => stream.tracker.rest().reduce((sum, { messages }) => sum + messages.length, 0));
  const queues = context.queues.map((queue) => receive(stream, queue));
  const guard = (work: Promise<unknown>) => work.catch(stream.fail);
  const loops = [
    ...queues.map(({ ended }) => guard(ended)),
    ...stream.tables.map(({ batcher }) => guard(batcher.ended)),
    guard(reconcileAgainAndAgain(stream, Promise.all(queues.map(({ ready }) => ready)))),
  ];
  await untilEnd(stream);
  end.abort();
  // Builds being read are finished, and what is read goes into the tables: within the grace time, which `signal` ends.
  await guard(Promise.all([...stream.working]));
  if (stream.failure === undefined)
    await guard(Promise.all(stream.tables.map(({ batcher }) => batcher.drain())));
  for (const { batcher } of stream.tables) batcher.stop();
  await Promise.all(loops);
  if (stream.failure !== undefined && !context.signal.aborted) throw stream.failure;
  return {
    events: { ...stream.events },
    tables: stream.tables.map(({ name, rows }) => ({ table: name, rows: rows() })),
    reconciled: stream.reconciled,
    lag: stream.lags.summary(),
  };
}

function openStream(context: StreamContext, options: StreamOptions, writers: readonly TableWriter[]): Stream {
  const end = new AbortController();
  const stop = AbortSignal.any([context.stopping, context.signal, end.signal]);
  // Every wait listens to it: that is no leak.
  setMaxListeners(0, stop);
  const tracker = createTracker<FinishedBuild>();
  const lags = createLags();
  const onReached = (table: string, builds: readonly number[]) => {
    for (const entry of tracker.reached(table, builds)) acknowledge(context, entry);
  };
  const around = {
    ...context,
    lags,
    onReached,
    warehouseUrl: context.warehouse.url,
    writeLimitMs: options.writeLimitMs,
  };
  const stream: Stream = {
    context,
    options,
    tracker,
    lags,
    tables: writers.map((writer, at) =>
      createStreamTable(around, writer, options.tables[at]?.intervalMs ?? 0),
    ),
    collector: createCollector(context.collect, { ...options, stop, fatal: (error) => stream.fail(error) }),
    events: { finished: 0, noise: 0, duplicate: 0, poison: 0 },
    working: new Set(),
    end,
    stop,
    fail: (error) => {
      stream.failure ??= error;
      end.abort();
    },
    failure: undefined,
    reconciled: 0,
    reconciling: true,
    delivered: 0,
    lastEventMs: context.nowMs(),
  };
  return stream;
}

interface Receiving {
  /** Delivery has begun, or the stream is ending. */
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
}

function receive(stream: Stream, queue: Queue): Receiving {
  const { context, options } = stream;
  let onReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
    stream.stop.addEventListener('abort', () => resolve(), { once: true });
  });
  const ended = queue.receive({
    onMessage: (message) => onMessage(stream, queue, message),
    onReady,
    signal: stream.stop,
    messagesMax: options.outstandingMessages,
    bytesMax: OUTSTANDING_BYTES_MAX,
    leaseMaxMs: LEASE_MAX_MS,
    onTrouble: (error) => {
      context.metrics.retry('queue');
      context.warn('the queue has trouble; it is tried again', {
        queue: queue.url,
        reason: describeError(error),
      });
    },
  });
  return { ready, ended };
}

/** Notifications carry no promise: now and then the buckets are listed from the last complete build on. */
async function reconcileAgainAndAgain(stream: Stream, ready: Promise<unknown>): Promise<void> {
  const { context, options } = stream;
  // What happens while the buckets are listed must be told of, or nobody sees it before the next pass.
  await ready;
  const listen = createListener(stream);
  while (!stream.stop.aborted) {
    stream.reconciling = true;
    listen(await reconcile(stream));
    stream.reconciling = false;
    stream.lastEventMs = context.nowMs();
    context.onReady?.();
    await context.sleep(options.reconcileMs, stream.stop);
  }
}

/**
 * A pull that hangs looks like a bucket in which nothing happens, but for the builds that listings find meanwhile. Throws after two
 * passes that found some while not one message came: a new process pulls anew.
 */
function createListener(stream: Stream): (found: number) => void {
  let first = true;
  let heard = 0;
  let silent = 0;
  return (found) => {
    const deaf = !first && found > 0 && stream.delivered === heard;
    silent = deaf ? silent + 1 : stream.delivered === heard ? silent : 0;
    first = false;
    heard = stream.delivered;
    if (silent < SILENT_PASSES_MAX) return;
    throw new SamovarError('timeout', 'builds finish, and the queue tells of none of them', {
      subject: stream.context.queues.map(({ url }) => url).join(', '),
      remedy: 'Start it again: it pulls anew. If that does not help, `samovar setup` shows what is missing.',
    });
  };
}

/** Gives how many builds nobody had told of. */
async function reconcile(stream: Stream): Promise<number> {
  const { context, options } = stream;
  // A listing can wait: it ends with the stream, not with the grace time.
  const signal = AbortSignal.any([stream.stop, context.signal]);
  const stats = createStats();
  const { failures } = await collectBuilds({ ...context.collect, signal, stats }, options.request);
  stream.reconciled += stats.added;
  const untold = { builds: stats.added };
  if (stats.added > 0) context.warn('a listing found builds of which no event had told', untold);
  for (const failure of failures)
    context.warn('a bucket could not be listed; the next pass tries again', { ...failure });
  for (const table of stream.tables) if (!stream.stop.aborted) await table.catchUp();
  return stats.added;
}

async function untilEnd(stream: Stream): Promise<void> {
  const { context, options, stop } = stream;
  while (!stop.aborted) {
    const nowMs = context.nowMs();
    if (options.stopAtMs !== undefined && nowMs >= options.stopAtMs) return;
    if (
      options.untilIdleMs !== undefined &&
      isIdle(stream) &&
      nowMs - stream.lastEventMs >= options.untilIdleMs
    )
      return;
    await context.sleep(IDLE_LOOK_MS, stop);
  }
}

function isIdle({ reconciling, working, tracker, tables }: Stream): boolean {
  return (
    !reconciling &&
    working.size === 0 &&
    tracker.size() === 0 &&
    tables.every(({ batcher }) => batcher.waiting() === 0)
  );
}

/** Throws when a stream cannot be set up this way. */
export function assertQueues(queues: readonly Queue[]): void {
  if (queues.length > 0) return;
  throw new SamovarError(
    'config',
    'there is nothing to follow: no subscription is named and no bucket is a folder',
    {
      remedy: 'Name a Pub/Sub subscription with --poll or subscription_path; `samovar setup` makes one.',
    },
  );
}
