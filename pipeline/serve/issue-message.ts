import type { Comment, Review, Timestamp, User } from '../records/mutation/types.ts';
import type { Beside, Corpus, CorpusRepo, IssueState } from '../store/corpus-types.ts';
import { commitOf, isApproved, type LabelMeaning, meaningOf } from './derive.ts';
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

interface Subject {
  readonly issue: IssueState;
  readonly repo: CorpusRepo;
  readonly logins: Logins;
  readonly full: string;
  readonly withComments: boolean;
  /** Read once, and only when a field needs it. */
  beside?: Beside;
  reviews?: readonly Review[];
  /** Looked at once, and only when a field needs it. */
  meaning?: LabelMeaning;
}

type FieldOf = (subject: Subject) => unknown;

const FIELDS: Readonly<Record<keyof IssueMessage, FieldOf>> = {
  name: ({ issue, full }) => `${full}/issues/${issue.number}`,
  title: ({ issue }) => issue.title,
  body: ({ issue }) => issue.body,
  priority: (subject) => (labelsOf(subject).priority ?? -1) + 1,
  priorityUnknown: (subject) => labelsOf(subject).priority === undefined,
  issueType: (subject) => TYPE_NUMBERS[labelsOf(subject).type ?? 'ISSUE_TYPE_UNSPECIFIED'],
  labels: (subject) => labelsOf(subject).sorted,
  createdAt: ({ issue }) => timestamp(issue.created),
  updatedAt: ({ issue }) => timestamp(issue.updated),
  closedAt: ({ issue }) => timestamp(issue.closedAt),
  closed: ({ issue }) => issue.closed,
  closedBy: ({ issue, logins }) => userMessage(issue.closedBy, logins),
  isPr: ({ issue }) => issue.pullRequest,
  approved: (subject) => subject.issue.pullRequest && isApproved(reviewsOf(subject)),
  commit: (subject) => commitOf(besideOf(subject).commits()),
  issueId: ({ issue }) => issue.number,
  url: ({ issue, full }) => `https://github.com/${full}/issues/${issue.number}`,
  assignees: ({ issue, logins }) => issue.assignees.map((user) => userMessage(user, logins)),
  reporter: ({ issue, logins }) => userMessage(issue.user, logins),
  comments: (subject) =>
    besideOf(subject)
      .comments()
      .map((comment) => commentMessage(comment, subject.logins)),
  reviews: (subject) => reviewsOf(subject).map((review) => reviewMessage(review, subject.logins)),
  repo: ({ full }) => full,
  blocked: (subject) => labelsOf(subject).blocked,
  releaseBlocking: (subject) => labelsOf(subject).releaseBlocking,
};
const FIELD_NAMES = Object.keys(FIELDS) as readonly (keyof IssueMessage)[];
const TYPE_NUMBERS = Object.fromEntries(ISSUE_TYPES.map((name, number) => [name, number]));

/** Makes issues as clients get them, of one repository. What the mask leaves out is not looked up either. */
export function issueMessages(
  repo: CorpusRepo,
  logins: Logins,
  mask: Mask,
): (issue: IssueState) => IssueMessage {
  const full = `${repo.owner}/${repo.name}`;
  const withComments = mask.has('comments');
  const fields = FIELD_NAMES.filter(mask.has).map((name) => [name, FIELDS[name]] as const);
  return (issue) => {
    const subject: Subject = { issue, repo, logins, full, withComments };
    const message: Record<string, unknown> = {};
    for (const [name, of] of fields) {
      const value = of(subject);
      // Zero values are not sent: proto3 knows no difference.
      if (value !== undefined && value !== '' && value !== false && value !== 0) message[name] = value;
    }
    return message;
  };
}

function besideOf(subject: Subject): Beside {
  const { repo, issue, withComments } = subject;
  subject.beside ??= repo.beside(issue.number, { comments: withComments });
  return subject.beside;
}

function reviewsOf(subject: Subject): readonly Review[] {
  subject.reviews ??= besideOf(subject).reviews();
  return subject.reviews;
}

function labelsOf(subject: Subject): LabelMeaning {
  subject.meaning ??= meaningOf(subject.issue.labels.map(({ name = '' }) => name));
  return subject.meaning;
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

/** Without what is not there, which proto3 does not send. A page has thousands of them. */
function compact<T extends object>(message: T): Given<T> {
  const given: Given<T> = {};
  for (const key in message) {
    const value = message[key];
    if (value !== undefined && value !== '') given[key] = value as Exclude<T[typeof key], undefined>;
  }
  return given;
}
