import type { CacheRead, EntryState, HostBudget, JobOutcome, JobReason, Provider } from './contract.ts';

/** What serving, commands and jobs see of a cache: reads, wishes, and the operator's deeds. Made by open.ts. */
export interface Cache {
  readonly providers: readonly Provider[];
  /** Throws `config`, with the names that are like it, for a provider there is none of. */
  provider(name: string): Provider;
  /** At once, whatever the upstream does. Noted for garbage collection, but written only now and then. */
  read(provider: string, key: string): CacheRead;
  /** As `read`, for many keys by one look. In the order of `keys`. */
  readMany(provider: string, keys: readonly string[]): readonly CacheRead[];
  /** Wants a refresh: the one job of this entry, made or made more urgent. False: there was one as urgent, the provider is paused or retired, or an error's pause is not over (unless `manual`). */
  want(provider: string, key: string, reason: JobReason): boolean;
  /** As `want`, in one transaction; how many were wanted anew. */
  wantMany(provider: string, keys: readonly string[], reason: JobReason): number;
  /** Grows with every change of an entry, a state, or a pause: an answer made at the same number is the same. */
  seq(): number;
  /** Entries that changed after a `seq`; undefined where that cannot be told one by one: too many, or something was cleared. */
  changesSince(seq: number): readonly { readonly provider: string; readonly key: string }[] | undefined;
  /** Somebody was asked for: what belongs to it is kept warm for the days of the settings. */
  seen(kind: SubjectKind, name: string): void;
  clear(selection: Selection, options: ClearOptions): ClearResult;
  collectGarbage(options: GcOptions): GcResult;
  /** Undefined: all. Running jobs end, no new ones begin. */
  pause(provider: string | undefined, paused: boolean): void;
  retry(job: number): boolean;
  cancel(job: number): boolean;
  providerStates(): readonly ProviderStatus[];
  hostStates(): readonly HostStatus[];
  jobs(filter?: {
    readonly provider?: string;
    readonly state?: JobState;
    readonly limit?: number;
  }): readonly JobStatus[];
  /** The newest first. */
  runs(filter?: {
    readonly provider?: string;
    readonly failedOnly?: boolean;
    readonly limit?: number;
  }): readonly RunRecord[];
  /** The scheduler's lease and the last sign of each worker. */
  processes(): readonly ProcessStatus[];
  /** Writes what reads noted. */
  flush(): void;
}

export type SubjectKind = 'user' | 'group' | 'package';
export type JobState = 'waiting' | 'running' | 'failed';

/** Every part that is given must hold. `prefix` is literal. */
export interface Selection {
  readonly provider?: string;
  readonly key?: string;
  readonly prefix?: string;
  readonly tag?: string;
  /** Checked longer ago than this. */
  readonly olderThanMs?: number;
}

export interface ClearOptions {
  /** False: marked stale, served until the refresh is in. True: deleted. */
  readonly hard: boolean;
  readonly dryRun: boolean;
  /** Wants what was cleared again, in the order of dependencies. */
  readonly rewarm: boolean;
}

export interface ClearResult {
  /** Per provider, those that are derived from what was named too. */
  readonly providers: readonly {
    readonly provider: string;
    readonly entries: number;
    readonly bytes: number;
    readonly derived: boolean;
  }[];
  readonly wanted: number;
}

export interface GcOptions {
  readonly dryRun: boolean;
  /** Keyed entries of subjects that nobody asked for this long go. */
  readonly unseenMs: number;
  /** All values together; the least lately read go first. Undefined: no budget. */
  readonly bytesMax?: number;
  readonly rowsMax?: number;
  /** Runs older than this go. */
  readonly runsMs: number;
}

export interface GcResult {
  readonly removed: readonly {
    readonly reason: 'expired' | 'unseen' | 'retired' | 'unknown' | 'budget';
    readonly provider: string;
    readonly entries: number;
    readonly bytes: number;
  }[];
  readonly runs: number;
  readonly left: { readonly entries: number; readonly bytes: number };
}

export interface ProviderStatus {
  readonly provider: string;
  readonly generation: number;
  readonly paused: boolean;
  readonly retired: boolean;
  readonly entries: Readonly<Record<EntryState, number>>;
  readonly bytes: number;
  /** Age of the oldest value that is served. */
  readonly oldestAgeMs: number | undefined;
  readonly waiting: number;
  readonly running: number;
  readonly failed: number;
  readonly lastOkAtMs: number | undefined;
  readonly lastError: { readonly code: string; readonly message: string; readonly atMs: number } | undefined;
  /** Of the latest runs' fetches. */
  readonly durationMs: { readonly p50: number; readonly p95: number } | undefined;
  /** When the next scheduled refresh is due. */
  readonly nextAtMs: number | undefined;
}

export interface HostStatus {
  readonly host: string;
  readonly budget: HostBudget;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly openUntilMs: number | undefined;
  readonly failures: number;
  readonly inFlight: number;
  readonly requests: number;
  readonly lastError: string | undefined;
}

export interface JobStatus {
  readonly id: number;
  readonly provider: string;
  readonly key: string;
  readonly state: JobState;
  readonly reason: JobReason;
  readonly attempt: number;
  readonly runAtMs: number;
  readonly worker: string | undefined;
  readonly leaseUntilMs: number | undefined;
  readonly error: string | undefined;
}

export interface RunRecord {
  readonly id: number;
  readonly provider: string;
  readonly key: string;
  readonly reason: JobReason;
  readonly outcome: JobOutcome;
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Of the new value. */
  readonly bytes: number | undefined;
  readonly worker: string;
  readonly code: string | undefined;
  readonly message: string | undefined;
}

export interface ProcessStatus {
  readonly role: 'scheduler' | 'worker';
  readonly name: string;
  readonly since: number;
  readonly lastSignMs: number;
  readonly leaseUntilMs: number | undefined;
}
