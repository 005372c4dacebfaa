import { eventOf } from './event.ts';
import {
  type GithubComment,
  type GithubEvent,
  type GithubReview,
  type GithubReviewComment,
  idOf,
  sameTime,
  timeOf,
  userOf,
} from './github-json.ts';
import type { Comment, IssueEvent, Review, ReviewComment } from './types.ts';

/** Comments of one issue that differ, and ids of those whose text is empty now: replay never empties a text by itself. */
export interface CommentChanges {
  readonly comments: readonly Comment[];
  readonly emptied: readonly bigint[];
}

/**
 * Of comments as GitHub tells them, what must be written. A new one is written whole, a changed one with what changed. One without its
 * times is passed over: GitHub tells it again when it has them.
 */
export function diffComments(
  known: (id: bigint) => Comment | undefined,
  now: readonly GithubComment[],
): CommentChanges {
  const comments: Comment[] = [];
  const emptied: bigint[] = [];
  for (const said of now) {
    const comment = commentOf(said);
    if (comment === undefined) continue;
    const before = known(comment.id);
    if (before === undefined) {
      comments.push(comment);
      continue;
    }
    const body = comment.body ?? '';
    const newText = (before.body ?? '') !== body;
    const newTime = !sameTime(before.updated, comment.updated);
    if (newText && body === '') emptied.push(comment.id);
    if (!newTime && !(newText && body !== '')) continue;
    comments.push({
      id: comment.id,
      ...(newText && body !== '' && { body }),
      ...(newTime && comment.updated !== undefined && { updated: comment.updated }),
    });
  }
  return { comments, emptied };
}

function commentOf({ id, user, body, created_at, updated_at }: GithubComment): Comment | undefined {
  const created = timeOf(created_at);
  const updated = timeOf(updated_at);
  if (created === undefined || updated === undefined) return undefined;
  const author = userOf(user);
  return {
    id: idOf(id, 'a comment'),
    ...(author !== undefined && { user: author }),
    ...(body && { body }),
    created,
    updated,
  };
}

/** Events that are not known; an event never changes. */
export function diffEvents(known: ReadonlySet<bigint>, now: readonly GithubEvent[]): readonly IssueEvent[] {
  return now.map(eventOf).filter(({ id }) => !known.has(id));
}

const REVIEW_FIELDS = [
  'id',
  'user',
  'body',
  'state',
  'submitted_at',
  'commit_id',
  'author_association',
  // Where it is on the web: follows from the rest.
  'node_id',
  'html_url',
  'pull_request_url',
  '_links',
];

/** Reviews that are not known, or were edited or dismissed since: each whole, for replay puts it in the place of the old one. */
export function diffReviews(
  known: readonly Review[],
  now: readonly (GithubReview & Readonly<Record<string, unknown>>)[],
): readonly Review[] {
  const before = new Map(known.map((review) => [review.id, reviewText(review)]));
  return now.map(reviewOf).filter((review) => before.get(review.id) !== reviewText(review));
}

function reviewOf(said: GithubReview & Readonly<Record<string, unknown>>): Review {
  const created = timeOf(said.submitted_at);
  const actor = userOf(said.user);
  const other = otherJson(said, REVIEW_FIELDS);
  return {
    id: idOf(said.id, 'a review'),
    ...(actor !== undefined && { actorId: actor.id }),
    ...(created !== undefined && { created }),
    ...(said.body && { body: said.body }),
    ...(said.state && { state: said.state }),
    ...(said.commit_id && { commitId: said.commit_id }),
    ...(said.author_association && { actorAssociation: said.author_association }),
    ...(other !== undefined && { otherJson: other }),
  };
}

/** What can change of a review. */
function reviewText({ body = '', state = '', commitId = '', created }: Review): string {
  return JSON.stringify([body, state, commitId, created?.seconds]);
}

/** What is left of an object without these fields and without nulls; undefined: nothing. */
export function otherJson(
  said: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): Uint8Array | undefined {
  const rest = Object.entries(said).filter(([key, value]) => !fields.includes(key) && value !== null);
  return rest.length === 0 ? undefined : Buffer.from(JSON.stringify(Object.fromEntries(rest)));
}

/** Comments on lines that are new or differ: each whole. */
export function diffReviewComments(
  known: readonly ReviewComment[],
  now: readonly GithubReviewComment[],
): readonly ReviewComment[] {
  const before = new Map(known.map((comment) => [comment.id, lineText(comment)]));
  return now.flatMap((said) => {
    const comment = reviewCommentOf(said);
    return comment === undefined || before.get(comment.id) === lineText(comment) ? [] : [comment];
  });
}

function lineText({ body = '', updated, path = '', line = 0 }: ReviewComment): string {
  return JSON.stringify([body, updated?.seconds, path, line]);
}

function reviewCommentOf(said: GithubReviewComment): ReviewComment | undefined {
  const comment = commentOf(said);
  if (comment === undefined) return undefined;
  const { pull_request_review_id: review, in_reply_to_id: reply } = said;
  return {
    ...comment,
    ...(review && { reviewId: idOf(review, 'a review') }),
    ...(said.path && { path: said.path }),
    ...(said.line && { line: said.line }),
    ...(said.commit_id && { commitId: said.commit_id }),
    ...(reply && { inReplyTo: idOf(reply, 'a comment') }),
  };
}
