import type { Bucket } from '../backends/bucket/contract.ts';
import type { BucketRoot } from '../config/buckets.ts';
import type { Stage } from '../monitor/contract.ts';
import type { Store } from '../store/open.ts';
import type { Breaker } from './breaker.ts';
import type { BuildBudget } from './budget.ts';
import type { Selection } from './plan.ts';
import type { Pool } from './pool.ts';
import type { BuildReaders } from './reading/contract.ts';
import type { Room } from './room.ts';
import type { CollectStats } from './stats.ts';
import type { Writer } from './writer.ts';

/** How long things may take before they are given up, in milliseconds. */
export interface CollectTimes {
  /** After it was finished a build is looked at again for this long, and once more at the end. */
  readonly settleMs: number;
  /** A build without finished.json is looked at again for this long, a failed one tried again. */
  readonly giveUpMs: number;
}

export interface CollectOptions extends CollectTimes, BuildBudget {
  readonly selection: Selection;
  /** Read JUnit files too. */
  readonly junit: boolean;
  /** Look at nothing in the bucket but the JUnit files of builds that are stored without them. */
  readonly skipListing: boolean;
  readonly dryRun: boolean;
  readonly onCandidate?: (root: string, job: string) => void;
}

/** Everything one root's collection works with. */
export interface RootRun {
  readonly root: BucketRoot;
  readonly rootId: number;
  /** Retrying, limited: collect/resilient.ts, collect/limited.ts. */
  readonly bucket: Bucket;
  /** Of the root inside its bucket: `logs/`. */
  readonly prefix: string;
  readonly store: Store;
  /** Reads JUnit files, on this thread or on others. */
  readonly readers: BuildReaders;
  readonly writer: Writer;
  readonly builds: Pool;
  /** Bounds the bytes of JUnit files under way. */
  readonly room: Room;
  readonly breaker: Breaker;
  readonly stats: CollectStats;
  readonly options: CollectOptions;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  /** Told of every build that is being read. */
  readonly stage?: Stage;
  /** Ends the whole run: what is read can no longer be stored. */
  readonly fatal: (error: unknown) => void;
  /** When the run began: what was looked at since is not looked at twice. Epoch milliseconds. */
  readonly startedMs: number;
  /** How many more builds this run may take, all roots together. */
  readonly allowance: { left: number };
}
