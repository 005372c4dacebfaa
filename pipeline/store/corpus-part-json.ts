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

interface StoredEvent {
  readonly type?: string;
  readonly actor?: string;
  readonly created?: StoredTime;
  readonly label?: string;
  readonly milestone?: string;
  readonly assignee?: string;
  readonly assigner?: string;
  readonly commit?: IssueEvent['commit'];
  readonly from?: string;
  readonly to?: string;
  readonly reviewer?: string;
  readonly requester?: string;
  readonly dismissed?: {
    readonly reviewId?: string;
    readonly dismissalMessage?: string;
    readonly state?: string;
  };
  readonly team?: { readonly id?: string; readonly slug?: string };
  readonly otherJson?: string;
  readonly otherBytes?: string;
}

/** Fields by name, none copied by a spread: a log has millions of events. */
export function eventJson(event: IssueEvent): string {
  const { dismissedReview: dismissed, teamReviewer: team, otherJson: other } = event;
  const isText = other === undefined || isUtf8(other);
  const stored: StoredEvent = {
    type: event.eventType,
    actor: text(event.actorId),
    created: storedTime(event.created),
    label: event.label?.name,
    milestone: event.milestone?.title,
    assignee: text(event.assigneeId),
    assigner: text(event.assignerId),
    commit: event.commit,
    from: event.renameFrom,
    to: event.renameTo,
    reviewer: text(event.reviewerId),
    requester: text(event.reviewRequesterId),
    dismissed: dismissed && { ...dismissed, reviewId: text(dismissed.reviewId) },
    team: team && { id: text(team.id), slug: team.slug },
    otherJson: isText ? encoded(other, 'utf8') : undefined,
    otherBytes: isText ? undefined : encoded(other, 'base64'),
  };
  return JSON.stringify(stored);
}

export function readEvent(id: bigint, json: string): IssueEvent {
  const stored = JSON.parse(json) as StoredEvent;
  const { label, milestone, dismissed, team } = stored;
  return {
    id,
    eventType: stored.type,
    actorId: big(stored.actor),
    created: timeOf(stored.created),
    label: label === undefined ? undefined : { id: 0n, name: label },
    milestone: milestone === undefined ? undefined : { id: 0n, title: milestone },
    assigneeId: big(stored.assignee),
    assignerId: big(stored.assigner),
    commit: stored.commit,
    otherJson: bytesOf(stored.otherJson, stored.otherBytes),
    renameFrom: stored.from,
    renameTo: stored.to,
    reviewerId: big(stored.reviewer),
    reviewRequesterId: big(stored.requester),
    dismissedReview: dismissed && { ...dismissed, reviewId: big(dismissed.reviewId) },
    teamReviewer: team && { id: big(team.id) ?? 0n, slug: team.slug },
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

function encoded(bytes: Uint8Array | undefined, encoding: 'utf8' | 'base64'): string | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}

/** JSON is UTF-8, but a log may hold anything. */
function storedBytes(bytes: Uint8Array | undefined): Readonly<Record<string, string | undefined>> {
  if (bytes === undefined) return {};
  return isUtf8(bytes) ? { otherJson: encoded(bytes, 'utf8') } : { otherBytes: encoded(bytes, 'base64') };
}

function bytesOf(json: unknown, base64: unknown): Uint8Array | undefined {
  if (json !== undefined) return new Uint8Array(Buffer.from(json as string, 'utf8'));
  return base64 === undefined ? undefined : new Uint8Array(Buffer.from(base64 as string, 'base64'));
}
