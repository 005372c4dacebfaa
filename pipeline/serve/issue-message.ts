import type { Comment, Review, Timestamp, User } from '../records/mutation/types.ts';
import type { Corpus, CorpusRepo, IssueState } from '../store/corpus-types.ts';
import { commitOf, isApproved, meaningOf } from './derive.ts';
import type { Mask } from './mask.ts';
import {
  type CommentMessage,
  ISSUE_TYPES,
  type IssueMessage,
  type ReviewMessage,
  type TimestampMessage,
  type UserMessage,
} from './messages.ts';

export type Logins = Pick<Corpus, 'login'>;

/** An issue as clients get it. What the mask leaves out is not looked up either. */
export function issueMessage(
  issue: IssueState,
  repo: CorpusRepo,
  logins: Logins,
  { has }: Mask,
): IssueMessage {
  const full = `${repo.owner}/${repo.name}`;
  const message: Record<string, unknown> = {};
  const set = (field: keyof IssueMessage, value: () => unknown) => {
    if (!has(field)) return;
    const given = value();
    // Zero values are not sent: proto3 knows no difference.
    if (given !== undefined && given !== '' && given !== false && given !== 0) message[field] = given;
  };
  setLabels(set, issue);
  set('name', () => `${full}/issues/${issue.number}`);
  set('title', () => issue.title);
  set('body', () => issue.body);
  set('createdAt', () => timestamp(issue.created));
  set('updatedAt', () => timestamp(issue.updated));
  set('closedAt', () => timestamp(issue.closedAt));
  set('closed', () => issue.closed);
  set('closedBy', () => userMessage(issue.closedBy, logins));
  set('isPr', () => issue.pullRequest);
  set('approved', () => issue.pullRequest && isApproved(repo.reviews(issue.number)));
  set('commit', () => commitOf(repo.events(issue.number)));
  set('issueId', () => issue.number);
  set('url', () => `https://github.com/${full}/issues/${issue.number}`);
  set('assignees', () => issue.assignees.map((user) => userMessage(user, logins)));
  set('reporter', () => userMessage(issue.user, logins));
  set('comments', () => repo.comments(issue.number).map((comment) => commentMessage(comment, logins)));
  set('reviews', () => repo.reviews(issue.number).map((review) => reviewMessage(review, logins)));
  set('repo', () => full);
  return message;
}

type Setter = (field: keyof IssueMessage, value: () => unknown) => void;

function setLabels(set: Setter, issue: IssueState): void {
  const meaning = meaningOf(issue.labels.map(({ name = '' }) => name));
  set('labels', () => meaning.sorted);
  set('priority', () => (meaning.priority ?? -1) + 1);
  set('priorityUnknown', () => meaning.priority === undefined);
  set('issueType', () => (meaning.type === undefined ? 0 : ISSUE_TYPES.indexOf(meaning.type)));
  set('blocked', () => meaning.blocked);
  set('releaseBlocking', () => meaning.releaseBlocking);
}

export function commentMessage(comment: Comment, logins: Logins): CommentMessage {
  return compact({
    id: String(comment.id),
    user: userMessage(comment.user, logins),
    createdAt: timestamp(comment.created),
    updatedAt: timestamp(comment.updated),
    body: comment.body,
  });
}

function reviewMessage(review: Review, logins: Logins): ReviewMessage {
  return compact({
    id: String(review.id),
    actor: userMessage(review.actorId === undefined ? undefined : { id: review.actorId }, logins),
    actorAssociation: review.actorAssociation,
    createdAt: timestamp(review.created),
    body: review.body,
    state: review.state,
    commitId: review.commitId,
  });
}

/** By the login that was seen last: mutations name it only where they first meet a user. */
function userMessage(user: User | undefined, logins: Logins): UserMessage | undefined {
  if (user === undefined) return undefined;
  return compact({ id: String(user.id), login: user.login ?? logins.login(user.id) });
}

function timestamp(time: Timestamp | undefined): TimestampMessage | undefined {
  if (time === undefined) return undefined;
  return time.nanos ? { seconds: time.seconds, nanos: time.nanos } : { seconds: time.seconds };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function compact<T extends object>(message: T): Given<T> {
  return Object.fromEntries(
    Object.entries(message).filter(([, value]) => value !== undefined && value !== ''),
  ) as Given<T>;
}
