import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { openBucket, parseRoot } from '../../pipeline/backends/bucket/index.ts';
import type { BuildReaders } from '../../pipeline/collect/reading/contract.ts';
import { localReaders } from '../../pipeline/collect/reading/local.ts';
import { type CollectStats, countRequest, createStats } from '../../pipeline/collect/stats.ts';
import type { BucketRoot } from '../../pipeline/config/buckets.ts';
import { type CollectRequest, type CollectResult, collectBuilds } from '../../pipeline/jobs/builds.ts';
import { unpackRow } from '../../pipeline/records/chunk.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { NOW_MS } from './store.ts';

export function root(url: string, over: Partial<BucketRoot> = {}): BucketRoot {
  return {
    url,
    prefix: '',
    contact: '',
    sequential: false,
    pr: false,
    anonymous: true,
    excludes: () => undefined,
    ...over,
  };
}

export interface Collection {
  readonly result: CollectResult;
  readonly stats: CollectStats;
}

export interface CollectTestOptions {
  readonly nowMs?: () => number;
  readonly signal?: AbortSignal;
  /** Puts something between the collector and its bucket. */
  readonly wrap?: (bucket: Bucket) => Bucket;
  readonly endpoint?: string;
  readonly readers?: BuildReaders;
}

/** One collection with real drivers, a fixed clock and no waiting between retries. */
export async function collect(
  store: Store,
  roots: readonly BucketRoot[],
  request: Partial<CollectRequest> = {},
  options: CollectTestOptions = {},
): Promise<Collection> {
  const stats = createStats();
  const result = await collectBuilds(
    {
      store,
      readers: options.readers ?? localReaders(),
      stats,
      signal: options.signal ?? new AbortController().signal,
      nowMs: options.nowMs ?? (() => NOW_MS),
      sleep: async () => undefined,
      random: () => 0.5,
      warn: () => undefined,
      open: (from) => {
        const { bucketUrl, prefix } = parseRoot(from.url);
        const driver = openBucket(bucketUrl, {
          timeoutMs: 2_000,
          connections: 8,
          anonymous: true,
          onRequest: (event) => countRequest(stats, event),
          ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
        });
        return { bucket: options.wrap?.(driver) ?? driver, prefix };
      },
    },
    {
      roots,
      threads: 8,
      junit: true,
      skipListing: false,
      dryRun: false,
      selection: {},
      settleMs: 3_600_000,
      buildMs: 600_000,
      buildBytesMax: 1e9,
      giveUpMs: 5 * 86_400_000,
      ...request,
    },
  );
  return { result, stats };
}

export interface Row {
  readonly path: string;
  readonly job: string;
  readonly test: readonly {
    readonly name: string;
    readonly failed?: boolean;
    readonly failure_text?: string;
    readonly time?: number;
  }[];
  readonly [column: string]: unknown;
}

/** Every stored row, parsed, in the order of emission. */
export function storedRows(store: Store): readonly Row[] {
  const filter = {
    destination: 0,
    finishedSince: Number.MIN_SAFE_INTEGER,
    finishedBefore: Number.MAX_SAFE_INTEGER,
    everything: true,
  };
  return store.rows
    .pending(filter, undefined, 100_000)
    .map(({ data, bytes }) => JSON.parse(unpackRow(data, bytes).toString()) as Row);
}
