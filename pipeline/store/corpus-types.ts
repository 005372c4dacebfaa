import type { IssueState } from '../records/mutation/issue-state.ts';
import type {
  Comment,
  IssueEvent,
  Label,
  Milestone,
  Review,
  ReviewComment,
} from '../records/mutation/types.ts';

export type { IssueState };

/** What is known of repositories now, in SQLite: the sum of their logs. Words: records/mutation/types.ts. */
export interface Corpus {
  /** The repository, made when new. Names keep their case and are compared as they are. */
  repo(owner: string, name: string): CorpusRepo;
  find(owner: string, name: string): CorpusRepo | undefined;
  /** In order of owner and name. */
  repos(): readonly CorpusRepo[];
  /** The login that was last seen of a user. */
  login(id: bigint): string | undefined;
}

/** A record that was read or written. */
export interface AppliedRecord {
  readonly segment: number;
  readonly offset: number;
  /** Offset of the byte after it. */
  readonly end: number;
  readonly payload: Uint8Array;
}

export interface LogPlace {
  readonly segment: number;
  readonly offset: number;
}

/** The record that was applied last. */
export interface LastRecord extends LogPlace {
  /** Offset of the byte after it. */
  readonly end: number;
  /** Of its payload, lowercase hex: a log that was replaced by another one is recognised by it. */
  readonly sha256: string;
}

/** What GitHub said of the repository itself. */
export interface RepoCondition {
  /** `ok`, `renamed`, `gone`, `blocked`, `issues-disabled`. */
  readonly state: string;
  /** `owner/name`. */
  readonly renamedTo?: string;
}

export interface CorpusRepo {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  /** The end of the last record that was applied; undefined: none was. */
  position(): LogPlace | undefined;
  last(): LastRecord | undefined;
  condition(): RepoCondition;
  /**
   * Applies records in order and moves the position, in the caller's transaction (`store.transaction`). Records before the position
   * are passed over, so that a replay may begin anywhere before it; records of other repositories change nothing. Throws `conflict`
   * where a record does not follow on the one before, `malformed` where it is no mutation.
   */
  apply(records: Iterable<AppliedRecord>): void;
  /** Forgets all of it, and its position: the log was replaced. */
  clear(): void;
  issue(number: number): IssueState | undefined;
  /** By number, ascending, tombstoned ones too, after that number. A page is one SQLite read. */
  issues(page: { readonly after: number; readonly limit: number }): readonly IssueState[];
  /**
   * By that time, then number, both in one direction; tombstoned ones too. Issues without that time come as if it were 0. A page is
   * one read of an index, wherever it begins.
   */
  ordered(page: OrderedPage): readonly IssueState[];
  /** How many are not tombstoned, by what is asked for; from an index. */
  count(which: { readonly closed?: boolean; readonly pullRequest?: boolean }): number;
  /** Issues and pull requests that are there, open or closed, and tombstones of either. From an index. */
  counts(): { readonly issues: number; readonly pulls: number; readonly tombstones: number };
  /** Of all its issues, tombstoned ones too; reads the index of each kind. */
  partCounts(): PartCounts;
  /** The largest number known. 0: none. */
  maxNumber(): number;
  /** Comments, events and reviews come by time, then id. */
  comments(issue: number): readonly Comment[];
  /** Comments, where they are wanted, events and reviews of an issue, in one read. */
  beside(issue: number, wanted: { readonly comments: boolean }): Beside;
  comment(issue: number, id: bigint): Comment | undefined;
  events(issue: number): readonly IssueEvent[];
  reviews(issue: number): readonly Review[];
  reviewComments(issue: number): readonly ReviewComment[];
  /** By id. */
  labels(): readonly Label[];
  milestones(): readonly Milestone[];
}

/** What was read of an issue; made of its bytes when it is asked for. Each by time, then id. */
export interface Beside {
  comments(): readonly Comment[];
  /** Events, and of each only these. */
  commits(): readonly Pick<IssueEvent, 'id' | 'created' | 'commit'>[];
  reviews(): readonly Review[];
}

/** How much belongs to issues. */
export interface PartCounts {
  readonly comments: number;
  readonly events: number;
  readonly reviews: number;
  readonly reviewComments: number;
}

/** A page of issues by a time of theirs. */
export interface OrderedPage {
  readonly by: 'created' | 'updated' | 'closedAt';
  readonly descending: boolean;
  /** The last one of the page before: its time in microseconds since the epoch (0 without one), and its number. */
  readonly after?: { readonly timeUs: number; readonly number: number };
  readonly limit: number;
}
