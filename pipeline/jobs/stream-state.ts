import type { Queue } from '../backends/queue/contract.ts';
import type { TableSpec } from '../backends/warehouse/contract.ts';
import type { BucketRoot } from '../config/buckets.ts';
import type { TableConfig } from '../config/tables.ts';
import type { Metrics, Progress } from '../monitor/contract.ts';
import type { FinishedBuild } from '../stream/events.ts';
import type { LagSummary, Lags } from '../stream/lags.ts';
import type { Tracker } from '../stream/tracker.ts';
import type { CollectContext, CollectRequest } from './builds.ts';
import type { BuildCollector } from './stream-collect.ts';
import type { StreamTable } from './stream-tables.ts';
import type { WriterContext } from './writer.ts';

export interface StreamContext extends WriterContext {
  readonly queues: readonly Queue[];
  readonly collect: CollectContext;
  /** Take nothing new. Work under way goes on until `signal`. */
  readonly stopping: AbortSignal;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly warn: (message: string, details: Readonly<Record<string, unknown>>) => void;
  /** Delivery has begun and the buckets have been listed once. */
  readonly onReady?: () => void;
  /** Gets the way to ask how many messages are delivered and not yet acknowledged. */
  readonly onOpen?: (outstanding: () => number) => void;
}

export interface StreamOptions {
  readonly roots: readonly BucketRoot[];
  readonly tables: readonly {
    readonly config: TableConfig;
    readonly spec: TableSpec;
    readonly intervalMs: number;
  }[];
  readonly threads: number;
  readonly request: CollectRequest;
  readonly artifactsWaitMs: number;
  readonly reconcileMs: number;
  readonly outstandingMessages: number;
  readonly writeLimitMs: number;
  /** End when nothing has happened for so long; absent: go on. */
  readonly untilIdleMs?: number;
  /** End at this time, epoch milliseconds. */
  readonly stopAtMs?: number;
}

export interface StreamSummary {
  readonly events: {
    readonly finished: number;
    readonly noise: number;
    readonly duplicate: number;
    readonly poison: number;
  };
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  /** Builds that a listing found and no event had told of. */
  readonly reconciled: number;
  readonly lag: LagSummary | undefined;
}

/** A stream that is running: what its parts share. */
export interface Stream {
  readonly context: StreamContext;
  readonly options: StreamOptions;
  readonly tracker: Tracker<FinishedBuild>;
  readonly tables: readonly StreamTable[];
  readonly collector: BuildCollector;
  readonly lags: Lags;
  readonly events: { finished: number; noise: number; duplicate: number; poison: number };
  /** Builds being read. */
  readonly working: Set<Promise<void>>;
  /** Takes nothing new any more. */
  readonly end: AbortController;
  readonly stop: AbortSignal;
  readonly fail: (error: unknown) => void;
  failure: unknown;
  reconciled: number;
  reconciling: boolean;
  /** Messages of any kind. */
  delivered: number;
  lastEventMs: number;
}
