import { parseRoot } from '../backends/bucket/index.ts';
import type { BuildBudget } from '../collect/budget.ts';
import type { CollectOptions, CollectTimes } from '../collect/run.ts';
import { shardedBucket } from '../collect/shard-list.ts';
import { type CollectStats, countRequest, createStats } from '../collect/stats.ts';
import type { BucketRoot } from '../config/buckets.ts';
import type { Context } from '../context.ts';
import { collectBuilds, type RootFailure } from '../jobs/builds.ts';
import { byteSize, startProgress } from '../show/progress.ts';
import type { Store } from '../store/open.ts';

export interface Collected {
  readonly stats: CollectStats;
  readonly failures: readonly RootFailure[];
  readonly seconds: number;
}

/** One collection with the context's backends, shown as it goes on. */
export async function collectWith(
  context: Context,
  store: Store,
  roots: readonly BucketRoot[],
  options: Omit<CollectOptions, keyof CollectTimes | keyof BuildBudget> & { readonly threads: number },
): Promise<Collected> {
  const stats = createStats();
  const startedMs = context.nowMs();
  const stop = startProgress({
    label: 'make-db',
    unit: 'builds',
    interactive: context.interactive,
    stderr: context.stderr,
    log: context.log,
    nowMs: context.nowMs,
    read: () => ({ done: stats.done, total: stats.found, details: details(stats) }),
  });
  try {
    const { settleMs, giveUpMs, buildMs, buildBytesMax } = context.settings;
    const result = await collectBuilds(
      {
        ...context,
        store,
        stats,
        stage: context.progress.stage('collect'),
        open: (root) => {
          const opened = openRoot(context, root, stats, options.threads);
          const { shard } = options.selection;
          return shard === undefined ? opened : { ...opened, bucket: shardedBucket(opened, root, shard) };
        },
        warn: (text, more) => context.log.warn(more, text),
      },
      { ...options, roots, settleMs, giveUpMs, buildMs, buildBytesMax },
    );
    return { stats, failures: result.failures, seconds: (context.nowMs() - startedMs) / 1000 };
  } finally {
    stop();
  }
}

/** Opens a root's bucket, its requests counted. */
export function openRoot(context: Context, root: BucketRoot, stats: CollectStats, threads: number) {
  const { bucketUrl, prefix } = parseRoot(root.url);
  const bucket = context.openBucket(bucketUrl, {
    requestsInFlight: root.requestsInFlight ?? threads * 2,
    anonymous: root.anonymous,
    onRequest: (event) => countRequest(stats, event),
    onRetry: () => {
      stats.retries += 1;
    },
  });
  return { bucket, prefix };
}

function details(stats: CollectStats): string {
  const { list, read } = stats.requests;
  const failures = stats.failures > 0 ? `, ${stats.failures} failed` : '';
  return `${list + read} requests, ${byteSize(stats.bytes)}, ${stats.retries} retries${failures}`;
}
