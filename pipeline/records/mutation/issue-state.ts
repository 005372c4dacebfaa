import type { Label, PullState, Timestamp, User } from './types.ts';

/** One issue or pull request as it is now. */
export interface IssueState {
  readonly number: number;
  readonly id: bigint;
  /** Tombstoned. */
  readonly notExist: boolean;
  readonly user?: User;
  readonly created?: Timestamp;
  readonly updated?: Timestamp;
  readonly closedAt?: Timestamp;
  readonly closedBy?: User;
  readonly closed: boolean;
  /** The log says whether it is closed: an issue seen for the first time does not. */
  readonly closedKnown: boolean;
  readonly locked: boolean;
  readonly pullRequest: boolean;
  readonly title: string;
  readonly body: string;
  readonly stateReason?: string;
  readonly transferredTo?: string;
  /** `'none'`: looked at, and it has none. */
  readonly milestone?: 'none' | { readonly id: bigint; readonly number?: bigint; readonly title?: string };
  /** By id, ascending. */
  readonly assignees: readonly User[];
  readonly labels: readonly Label[];
  readonly pull?: PullState;
  /** Until when comments, events, reviews are known, by the server's clock. */
  readonly commentsUntil?: Timestamp;
  readonly eventsUntil?: Timestamp;
  readonly reviewsUntil?: Timestamp;
  /** The latest time of an event or review. */
  readonly eventMax?: Timestamp;
}
