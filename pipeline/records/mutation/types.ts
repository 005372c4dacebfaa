/**
 * A mutation: one change to what is known of a repository, as a log holds it. The names are maintner's (`maintpb`), the shape is
 * plain: a message that is absent is `undefined`, and so is a scalar that has its zero value, for proto3 tells the two not apart.
 * Where the difference matters the field is a message around the value (`Changed`).
 *
 * Glossary: a *log* is the mutations of one repository, in order; a *segment* is a file of it; a *record* is one mutation in a
 * segment; its *position* is the segment's number and the record's first byte in it. *Replay* applies records to a *corpus*: what is
 * known of repositories now. *Tombstone*: a mutation that says that an issue is not there.
 */
export interface Mutation {
  readonly githubIssue?: GithubIssueMutation;
  readonly github?: GithubMutation;
  /** Git and Gerrit mutations are kept as they are and not looked into. */
  readonly other?: 'git' | 'gerrit';
}

/** Seconds since the epoch, and nanoseconds beyond them. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos?: number;
}

/** A value that was looked at, and may have become false or empty. */
export interface Changed<T> {
  readonly val: T;
}

export interface User {
  readonly id: bigint;
  readonly login?: string;
}

export interface Label {
  readonly id: bigint;
  readonly name?: string;
}

export interface Milestone {
  readonly id: bigint;
  readonly title?: string;
  readonly closed?: Changed<boolean>;
  readonly number?: bigint;
}

export interface Team {
  readonly id: bigint;
  readonly slug?: string;
}

export interface CommitRef {
  readonly owner?: string;
  readonly repo?: string;
  readonly commitId?: string;
}

export interface SyncStatus {
  readonly serverDate?: Timestamp;
}

/** Labels and milestones of a repository. */
export interface GithubMutation {
  readonly owner: string;
  readonly repo: string;
  readonly labels?: readonly Label[];
  readonly milestones?: readonly Milestone[];
  /** Field 1000, ours: readers that do not know it pass over it. */
  readonly samovar?: RepoExtension;
}

export interface GithubIssueMutation {
  readonly owner: string;
  readonly repo: string;
  readonly number: number;
  readonly id?: bigint;
  readonly user?: User;
  readonly created?: Timestamp;
  readonly updated?: Timestamp;
  /** Written by old logs only; `bodyChange` is today's. */
  readonly body?: string;
  readonly bodyChange?: Changed<string>;
  readonly title?: string;
  readonly comments?: readonly Comment[];
  readonly commentStatus?: SyncStatus;
  readonly assignees?: readonly User[];
  readonly deletedAssignees?: readonly bigint[];
  readonly notExist?: boolean;
  readonly noMilestone?: boolean;
  readonly milestoneId?: bigint;
  readonly milestoneNum?: bigint;
  readonly milestoneTitle?: string;
  readonly closed?: Changed<boolean>;
  readonly closedAt?: Timestamp;
  readonly closedBy?: User;
  readonly removeLabels?: readonly bigint[];
  readonly addLabels?: readonly Label[];
  readonly locked?: Changed<boolean>;
  readonly events?: readonly IssueEvent[];
  readonly eventStatus?: SyncStatus;
  readonly pullRequest?: boolean;
  readonly reviews?: readonly Review[];
  readonly reviewStatus?: SyncStatus;
  /** Field 1000, ours: readers that do not know it pass over it. */
  readonly samovar?: IssueExtension;
}

export interface Comment {
  readonly id: bigint;
  readonly user?: User;
  readonly body?: string;
  readonly created?: Timestamp;
  readonly updated?: Timestamp;
}

export interface IssueEvent {
  readonly id: bigint;
  readonly eventType?: string;
  readonly actorId?: bigint;
  readonly created?: Timestamp;
  /** Only its name. */
  readonly label?: Label;
  /** Only its title. */
  readonly milestone?: Milestone;
  readonly assigneeId?: bigint;
  readonly assignerId?: bigint;
  readonly commit?: CommitRef;
  /** What GitHub says of it that has no field here: a JSON object. */
  readonly otherJson?: Uint8Array;
  readonly renameFrom?: string;
  readonly renameTo?: string;
  readonly reviewerId?: bigint;
  readonly reviewRequesterId?: bigint;
  readonly dismissedReview?: DismissedReview;
  readonly teamReviewer?: Team;
}

export interface DismissedReview {
  readonly reviewId?: bigint;
  readonly dismissalMessage?: string;
  readonly state?: string;
}

export interface Review {
  readonly id: bigint;
  readonly actorId?: bigint;
  readonly created?: Timestamp;
  readonly body?: string;
  readonly state?: string;
  readonly commitId?: string;
  readonly actorAssociation?: string;
  readonly otherJson?: Uint8Array;
}

/** What maintner's mutations have no place for, of a repository. */
export interface RepoExtension {
  readonly deletedLabels?: readonly bigint[];
  readonly deletedMilestones?: readonly bigint[];
  /** `renamed`, `gone`, `blocked`, `issues-disabled`, or `ok` again. */
  readonly state?: string;
  /** The new `owner/name` of one that was renamed. */
  readonly renamedTo?: string;
}

/** What maintner's mutations have no place for, of an issue. */
export interface IssueExtension {
  /** `completed`, `not_planned`, `reopened`, `duplicate`. */
  readonly stateReason?: Changed<string>;
  /** `owner/name#number`, of one that was transferred. */
  readonly transferredTo?: string;
  /** closed_at no longer holds: it was opened again. */
  readonly closedAtCleared?: boolean;
  readonly deletedComments?: readonly bigint[];
  /** Ids of comments whose text is empty now. */
  readonly emptiedComments?: readonly bigint[];
  readonly pull?: PullState;
  readonly reviewComments?: readonly ReviewComment[];
  readonly deletedReviewComments?: readonly bigint[];
}

/** As it is now: a mutation that has one has all of it. */
export interface PullState {
  readonly draft?: boolean;
  readonly merged?: boolean;
  readonly mergedAt?: Timestamp;
  readonly mergeCommit?: string;
  readonly headRef?: string;
  readonly headSha?: string;
  readonly headRepo?: string;
  readonly baseRef?: string;
  readonly commits?: number;
  readonly additions?: number;
  readonly deletions?: number;
  readonly changedFiles?: number;
  /** `APPROVED`, `CHANGES_REQUESTED`, `REVIEW_REQUIRED`. */
  readonly reviewDecision?: string;
}

/** A comment on a line of a pull request's diff. */
export interface ReviewComment {
  readonly id: bigint;
  readonly reviewId?: bigint;
  readonly user?: User;
  readonly body?: string;
  readonly path?: string;
  readonly line?: number;
  readonly commitId?: string;
  readonly inReplyTo?: bigint;
  readonly created?: Timestamp;
  readonly updated?: Timestamp;
}
