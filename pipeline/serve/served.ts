import type { LogSegment } from '../mutation-log/contract.ts';
import type { CorpusRepo } from '../store/corpus-types.ts';
import type { Logins } from './issue-message.ts';

/** How far the replay of a repository's log is. */
export interface ReplayState {
  /** All that was in the log when the server started is in the corpus. */
  readonly ready: boolean;
  /** `replaying: 41 of 120 MB`, `following`, or why it failed. */
  readonly detail: string;
}

/** A repository that is served. */
export interface ServedRepo {
  readonly repo: CorpusRepo;
  readonly state: () => ReplayState;
  /** Where its log can be had from; undefined: only the corpus is here. */
  readonly log?: ServedLog;
  /** Appends a mutation to the log and applies it; undefined: this process does not write. */
  readonly write?: (payloads: readonly Uint8Array[]) => Promise<void>;
}

/** The bytes of a log, for followers. */
export interface ServedLog {
  /** The growing one last, as it is now. */
  segments(): Promise<readonly LogSegment[]>;
  /** From `start`, without the byte at `end`. */
  bytes(segment: LogSegment, range: { readonly start: number; readonly end: number }): Promise<Uint8Array>;
  /** https address of a frozen segment that anyone who may read it can fetch; undefined: its bytes are served here. */
  publicUrl(segment: LogSegment): string | undefined;
}

/** All that is served. */
export interface Served {
  /** In order of owner and name. */
  repos(): readonly ServedRepo[];
  find(owner: string, name: string): ServedRepo | undefined;
  readonly logins: Logins;
}
