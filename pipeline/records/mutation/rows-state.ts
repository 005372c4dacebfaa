import type { IssueState } from './issue-state.ts';
import { textOf, type UnpackedRow } from './rows.ts';
import { filled, type Logins, listed, type RowValues, seconds, userColumns } from './rows-values.ts';
import type { Comment, IssueEvent, Label, Milestone, Review, ReviewComment, Timestamp } from './types.ts';

/** The repository that a thing is in, and how to name users. */
export interface RowPlace {
  readonly owner: string;
  readonly repo: string;
  readonly logins: Logins;
}

/** The issue that a thing belongs to; where that one is not there, the thing is not. */
export type RowIssue = Pick<IssueState, 'number' | 'notExist'>;

interface Parts {
  readonly path: string;
  readonly issue?: RowIssue;
  readonly deleted?: boolean;
  readonly at?: Timestamp | undefined;
  readonly values: RowValues;
}

function made({ owner, repo }: RowPlace, { path, issue, deleted, at, values }: Parts): UnpackedRow {
  const gone = deleted ?? issue?.notExist ?? false;
  return {
    path,
    issue: issue?.number ?? 0,
    at: Math.floor(seconds(at) ?? 0),
    deleted: gone,
    values: { path, owner, repo, ...values, deleted: gone },
  };
}

const keyOf = ({ owner, repo }: RowPlace, ...parts: readonly (string | number | bigint)[]) =>
  [owner, repo, ...parts].join('/');

/** An issue or a pull request, in table `issues`: GitHub counts both as issues. */
export function issueRow(place: RowPlace, issue: IssueState): UnpackedRow {
  const { milestone } = issue;
  const values = {
    number: issue.number,
    id: issue.id === 0n ? undefined : issue.id,
    pull_request: issue.pullRequest,
    title: issue.title,
    body: filled(issue.body),
    closed: issue.closed,
    state_reason: filled(issue.stateReason),
    ...userColumns('user', issue.user, place.logins),
    created: seconds(issue.created),
    updated: seconds(issue.updated),
    closed_at: seconds(issue.closedAt),
    ...userColumns('closed_by', issue.closedBy, place.logins),
    locked: issue.locked,
    ...(milestone !== undefined &&
      milestone !== 'none' && {
        milestone_id: milestone.id,
        milestone_number: milestone.number,
        milestone_title: milestone.title,
      }),
    assignees: listed(issue.assignees.map(({ id, login }) => ({ id, login: login ?? place.logins(id) }))),
    labels: listed(issue.labels.map(({ id, name }) => ({ id, name }))),
    transferred_to: filled(issue.transferredTo),
  };
  return made(place, { path: keyOf(place, issue.number), issue, at: issue.updated ?? issue.created, values });
}

/** What a pull request has beside its issue, in table `pulls`. */
export function pullRow(place: RowPlace, issue: IssueState): UnpackedRow {
  const { pull } = issue;
  const values = {
    number: issue.number,
    title: issue.title,
    ...userColumns('user', issue.user, place.logins),
    closed: issue.closed,
    created: seconds(issue.created),
    updated: seconds(issue.updated),
    closed_at: seconds(issue.closedAt),
    draft: pull === undefined ? undefined : (pull.draft ?? false),
    merged: pull === undefined ? undefined : (pull.merged ?? false),
    merged_at: seconds(pull?.mergedAt),
    merge_commit: filled(pull?.mergeCommit),
    head_ref: filled(pull?.headRef),
    head_sha: filled(pull?.headSha),
    head_repo: filled(pull?.headRepo),
    base_ref: filled(pull?.baseRef),
    commits: pull?.commits,
    additions: pull?.additions,
    deletions: pull?.deletions,
    changed_files: pull?.changedFiles,
    review_decision: filled(pull?.reviewDecision),
  };
  return made(place, { path: keyOf(place, issue.number), issue, at: issue.updated ?? issue.created, values });
}

/** A comment on an issue or pull request, in table `comments`. */
export function commentRow(place: RowPlace, issue: RowIssue, comment: Comment): UnpackedRow {
  const values = {
    number: issue.number,
    id: comment.id,
    kind: 'issue',
    ...userColumns('user', comment.user, place.logins),
    created: seconds(comment.created),
    updated: seconds(comment.updated),
    body: filled(comment.body),
  };
  return made(place, {
    path: keyOf(place, issue.number, 'c', comment.id),
    issue,
    at: comment.updated ?? comment.created,
    values,
  });
}

/** A comment on a line of a diff, in table `comments` too. */
export function reviewCommentRow(place: RowPlace, issue: RowIssue, comment: ReviewComment): UnpackedRow {
  const values = {
    number: issue.number,
    id: comment.id,
    kind: 'review',
    ...userColumns('user', comment.user, place.logins),
    created: seconds(comment.created),
    updated: seconds(comment.updated),
    body: filled(comment.body),
    review_id: comment.reviewId,
    in_reply_to: comment.inReplyTo,
    file_path: filled(comment.path),
    file_line: comment.line,
    commit_id: filled(comment.commitId),
  };
  return made(place, {
    path: keyOf(place, issue.number, 'r', comment.id),
    issue,
    at: comment.updated ?? comment.created,
    values,
  });
}

export function reviewRow(place: RowPlace, issue: RowIssue, review: Review): UnpackedRow {
  const user = review.actorId === undefined ? undefined : { id: review.actorId };
  const values = {
    number: issue.number,
    id: review.id,
    ...userColumns('user', user, place.logins),
    association: filled(review.actorAssociation),
    state: filled(review.state),
    created: seconds(review.created),
    body: filled(review.body),
    commit_id: filled(review.commitId),
    other_json: textOf(review.otherJson),
  };
  return made(place, { path: keyOf(place, issue.number, review.id), issue, at: review.created, values });
}

export function eventRow(place: RowPlace, issue: RowIssue, event: IssueEvent): UnpackedRow {
  const user = (prefix: string, id: bigint | undefined) =>
    userColumns(prefix, id === undefined ? undefined : { id }, place.logins);
  const values = {
    number: issue.number,
    id: event.id,
    kind: event.eventType,
    ...user('actor', event.actorId),
    created: seconds(event.created),
    label: filled(event.label?.name),
    milestone: filled(event.milestone?.title),
    ...user('assignee', event.assigneeId),
    ...user('assigner', event.assignerId),
    ...user('reviewer', event.reviewerId),
    ...user('review_requester', event.reviewRequesterId),
    team_reviewer: filled(event.teamReviewer?.slug),
    commit_id: filled(event.commit?.commitId),
    renamed_from: filled(event.renameFrom),
    renamed_to: filled(event.renameTo),
    dismissed_review_id: event.dismissedReview?.reviewId,
    dismissed_state: filled(event.dismissedReview?.state),
    dismissal_message: filled(event.dismissedReview?.dismissalMessage),
    other_json: textOf(event.otherJson),
  };
  return made(place, { path: keyOf(place, issue.number, event.id), issue, at: event.created, values });
}

export function labelRow(place: RowPlace, { id, name }: Label): UnpackedRow {
  return made(place, { path: keyOf(place, id), values: { id, name } });
}

export function milestoneRow(place: RowPlace, { id, number, title, closed }: Milestone): UnpackedRow {
  return made(place, { path: keyOf(place, id), values: { id, number, title, closed: closed?.val ?? false } });
}
