import { Environment } from '@marcbachmann/cel-js';
import {
  type CommentMessage,
  ISSUE_TYPES,
  type IssueMessage,
  PRIORITIES,
  type RepositoryMessage,
  type ReviewMessage,
  type TimestampMessage,
  type UserMessage,
} from './messages.ts';

const TIMESTAMP = 'google.protobuf.Timestamp';
const USER = { id: 'int', login: 'string' };
const COMMENT = { id: 'int', user: 'User', created_at: TIMESTAMP, updated_at: TIMESTAMP, body: 'string' };
const REVIEW = {
  id: 'int',
  actor: 'User',
  actor_association: 'string',
  created_at: TIMESTAMP,
  body: 'string',
  state: 'string',
  commit_id: 'string',
};
const ISSUE = {
  name: 'string',
  title: 'string',
  body: 'string',
  priority: 'string',
  priority_unknown: 'bool',
  issue_type: 'string',
  labels: 'list<string>',
  created_at: TIMESTAMP,
  updated_at: TIMESTAMP,
  closed_at: TIMESTAMP,
  closed: 'bool',
  closed_by: 'User',
  is_pr: 'bool',
  approved: 'bool',
  commit: 'string',
  issue_id: 'int',
  url: 'string',
  assignees: 'list<User>',
  reporter: 'User',
  comments: 'list<Comment>',
  reviews: 'list<Review>',
  repo: 'string',
  blocked: 'bool',
  release_blocking: 'bool',
};
const REPOSITORY = { name: 'string', issue_count: 'int', pull_request_count: 'int' };

export type Variable = 'issue' | 'comment' | 'repository';

/** What a filter may hold: enough for any that a person writes. */
const LIMITS = { maxAstNodes: 500, maxDepth: 30, maxListElements: 200, maxMapEntries: 50 };

/** The variables and types of filters: fields as in schemas/drghs.proto, enums by their names. */
export function environment(variable: Variable): Environment {
  const type = { issue: 'Issue', comment: 'Comment', repository: 'Repository' }[variable];
  return new Environment({ limits: LIMITS })
    .registerType('User', { fields: USER })
    .registerType('Comment', { fields: COMMENT })
    .registerType('Review', { fields: REVIEW })
    .registerType('Issue', { fields: ISSUE })
    .registerType('Repository', { fields: REPOSITORY })
    .registerVariable(variable, type)
    .registerVariable('now', TIMESTAMP);
}

/** Numbers, texts and flags have their zero value where there is none; a time is not there then, and `has` says so. */
export function celIssue(issue: IssueMessage): object {
  return {
    name: issue.name ?? '',
    title: issue.title ?? '',
    body: issue.body ?? '',
    priority: issue.priority === undefined ? '' : (PRIORITIES[issue.priority] ?? ''),
    priority_unknown: issue.priorityUnknown ?? false,
    issue_type: issue.issueType === undefined ? '' : (ISSUE_TYPES[issue.issueType] ?? ''),
    labels: issue.labels ?? [],
    created_at: celTime(issue.createdAt),
    updated_at: celTime(issue.updatedAt),
    closed_at: celTime(issue.closedAt),
    closed: issue.closed ?? false,
    closed_by: celUser(issue.closedBy),
    is_pr: issue.isPr ?? false,
    approved: issue.approved ?? false,
    commit: issue.commit ?? '',
    issue_id: BigInt(issue.issueId ?? 0),
    url: issue.url ?? '',
    assignees: (issue.assignees ?? []).map(celUser),
    reporter: celUser(issue.reporter),
    comments: (issue.comments ?? []).map(celComment),
    reviews: (issue.reviews ?? []).map(celReview),
    repo: issue.repo ?? '',
    blocked: issue.blocked ?? false,
    release_blocking: issue.releaseBlocking ?? false,
  };
}

export function celComment(comment: CommentMessage): object {
  return {
    id: BigInt(comment.id ?? 0),
    user: celUser(comment.user),
    created_at: celTime(comment.createdAt),
    updated_at: celTime(comment.updatedAt),
    body: comment.body ?? '',
  };
}

function celReview(review: ReviewMessage): object {
  return {
    id: BigInt(review.id ?? 0),
    actor: celUser(review.actor),
    actor_association: review.actorAssociation ?? '',
    created_at: celTime(review.createdAt),
    body: review.body ?? '',
    state: review.state ?? '',
    commit_id: review.commitId ?? '',
  };
}

export function celRepository(repository: RepositoryMessage): object {
  return {
    name: repository.name,
    issue_count: BigInt(repository.issueCount ?? 0),
    pull_request_count: BigInt(repository.pullRequestCount ?? 0),
  };
}

function celUser(user: UserMessage | undefined): object {
  return { id: BigInt(user?.id ?? 0), login: user?.login ?? '' };
}

function celTime(time: TimestampMessage | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time.seconds * 1000 + (time.nanos ?? 0) / 1e6);
}
