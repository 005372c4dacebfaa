import type { Comment, GithubIssueMutation, Milestone, User } from './types.ts';

/**
 * What a mutation says of a comment, over what is known of it. A text that is not said, or empty, leaves the known one: proto3 cannot
 * tell the two apart, which is why texts that became empty are named in `emptiedComments`.
 */
export function mergeComment(known: Comment | undefined, said: Comment): Comment {
  return {
    id: said.id,
    user: said.user ?? known?.user,
    body: said.body || known?.body,
    created: said.created ?? known?.created,
    updated: said.updated ?? known?.updated,
  };
}

/** A title or number that is not said stays. */
export function mergeMilestone(known: Milestone | undefined, said: Milestone): Milestone {
  return {
    id: said.id,
    title: said.title || known?.title,
    closed: said.closed ?? known?.closed,
    number: said.number ?? known?.number,
  };
}

/** Everyone of whom an issue's mutation may say a login. */
export function* usersOf(mutation: GithubIssueMutation): Generator<User> {
  if (mutation.user) yield mutation.user;
  if (mutation.closedBy) yield mutation.closedBy;
  if (mutation.assignees) yield* mutation.assignees;
  for (const { user } of mutation.comments ?? []) if (user) yield user;
  for (const { user } of mutation.samovar?.reviewComments ?? []) if (user) yield user;
}

const NAME_KEYS = ['owner', 'repo', 'number'];
const PART_KEYS = new Set([
  ...NAME_KEYS,
  ...['comments', 'commentStatus', 'events', 'eventStatus', 'reviews', 'reviewStatus', 'samovar'],
]);
const EXTENSION_PART_KEYS = new Set([
  'deletedComments',
  'emptiedComments',
  'reviewComments',
  'deletedReviewComments',
]);

/** It says of the issue itself only that it is there, and until when its parts are known: most of a log's mutations do. */
export function isOnlyParts(mutation: GithubIssueMutation): boolean {
  return (
    onlyHas(mutation, PART_KEYS) && (!mutation.samovar || onlyHas(mutation.samovar, EXTENSION_PART_KEYS))
  );
}

function onlyHas(said: object, keys: ReadonlySet<string>): boolean {
  for (const key in said) if (!keys.has(key)) return false;
  return true;
}
