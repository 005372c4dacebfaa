import { isUtf8 } from 'node:buffer';
import type { Comment, IssueEvent, Review, ReviewComment, User } from '../records/mutation/types.ts';
import { type StoredTime, storedTime, timeOf } from './corpus-issue-json.ts';

/** Comments, events and reviews as JSON: ids as texts, users by id only, bytes of a JSON text as that text. */
type Stored = Readonly<Record<string, unknown>> & {
  readonly created?: StoredTime;
  readonly updated?: StoredTime;
};

type UserOf = (id: bigint) => User;

export function commentJson({ user, body, created, updated }: Comment): string {
  return JSON.stringify({
    user: text(user?.id),
    created: storedTime(created),
    updated: storedTime(updated),
    body,
  });
}

export function readComment(id: bigint, json: string, userOf: UserOf): Comment {
  const { user, body, created, updated } = JSON.parse(json) as Stored;
  return {
    id,
    user: user === undefined ? undefined : userOf(BigInt(user as string)),
    body: body as string | undefined,
    created: timeOf(created),
    updated: timeOf(updated),
  };
}

const EVENT_IDS = ['actorId', 'assigneeId', 'assignerId', 'reviewerId', 'reviewRequesterId'] as const;

export function eventJson(event: IssueEvent): string {
  const { id: _id, created, otherJson, label, milestone, dismissedReview, teamReviewer, ...rest } = event;
  const ids: Record<string, string | undefined> = {};
  for (const key of EVENT_IDS) ids[key] = text(event[key]);
  return JSON.stringify({
    ...rest,
    ...ids,
    created: storedTime(created),
    label: label?.name,
    milestone: milestone?.title,
    dismissedReview: dismissedReview && { ...dismissedReview, reviewId: text(dismissedReview.reviewId) },
    teamReviewer: teamReviewer && { ...teamReviewer, id: text(teamReviewer.id) },
    ...storedBytes(otherJson),
  });
}

export function readEvent(id: bigint, json: string): IssueEvent {
  const { otherJson, otherBytes, created, updated: _none, ...rest } = JSON.parse(json) as Stored;
  const { label, milestone, dismissedReview, teamReviewer } = rest as {
    label?: string;
    milestone?: string;
    dismissedReview?: Readonly<Record<string, string>>;
    teamReviewer?: Readonly<Record<string, string>>;
  };
  const ids: Partial<Record<(typeof EVENT_IDS)[number], bigint | undefined>> = {};
  for (const key of EVENT_IDS) ids[key] = big(rest[key]);
  return {
    ...(rest as Omit<IssueEvent, 'id'>),
    ...ids,
    id,
    created: timeOf(created),
    label: label === undefined ? undefined : { id: 0n, name: label },
    milestone: milestone === undefined ? undefined : { id: 0n, title: milestone },
    dismissedReview: dismissedReview && { ...dismissedReview, reviewId: big(dismissedReview.reviewId) },
    teamReviewer: teamReviewer && { ...teamReviewer, id: big(teamReviewer.id) ?? 0n },
    otherJson: bytesOf(otherJson, otherBytes),
  };
}

export function reviewJson({ id: _id, actorId, created, otherJson, ...rest }: Review): string {
  return JSON.stringify({
    ...rest,
    actorId: text(actorId),
    created: storedTime(created),
    ...storedBytes(otherJson),
  });
}

export function readReview(id: bigint, json: string): Review {
  const { otherJson, otherBytes, created, updated: _none, actorId, ...rest } = JSON.parse(json) as Stored;
  return {
    ...(rest as Omit<Review, 'id'>),
    id,
    actorId: big(actorId),
    created: timeOf(created),
    otherJson: bytesOf(otherJson, otherBytes),
  };
}

export function reviewCommentJson(comment: ReviewComment): string {
  const { id: _id, user, reviewId, inReplyTo, created, updated, ...rest } = comment;
  return JSON.stringify({
    ...rest,
    user: text(user?.id),
    reviewId: text(reviewId),
    inReplyTo: text(inReplyTo),
    created: storedTime(created),
    updated: storedTime(updated),
  });
}

export function readReviewComment(id: bigint, json: string, userOf: UserOf): ReviewComment {
  const { user, reviewId, inReplyTo, created, updated, ...rest } = JSON.parse(json) as Stored;
  return {
    ...(rest as Omit<ReviewComment, 'id'>),
    id,
    user: user === undefined ? undefined : userOf(BigInt(user as string)),
    reviewId: big(reviewId),
    inReplyTo: big(inReplyTo),
    created: timeOf(created),
    updated: timeOf(updated),
  };
}

function text(id: bigint | undefined): string | undefined {
  return id === undefined ? undefined : String(id);
}

function big(id: unknown): bigint | undefined {
  return id === undefined ? undefined : BigInt(id as string);
}

/** JSON is UTF-8, but a log may hold anything. */
function storedBytes(bytes: Uint8Array | undefined): Readonly<Record<string, string>> {
  if (bytes === undefined) return {};
  return isUtf8(bytes)
    ? { otherJson: Buffer.from(bytes).toString('utf8') }
    : { otherBytes: Buffer.from(bytes).toString('base64') };
}

function bytesOf(json: unknown, base64: unknown): Uint8Array | undefined {
  if (json !== undefined) return new Uint8Array(Buffer.from(json as string, 'utf8'));
  return base64 === undefined ? undefined : new Uint8Array(Buffer.from(base64 as string, 'base64'));
}
