import type { GithubIssueMutation, GithubMutation, Mutation } from './types.ts';

/** What a mutation may have changed, as bits: of an issue, or of the repository (its number is 0). */
export const TOUCHED = {
  issue: 1,
  comments: 2,
  reviews: 4,
  events: 8,
  repository: 16,
} as const;

export const ALL_OF_ISSUE = TOUCHED.issue | TOUCHED.comments | TOUCHED.reviews | TOUCHED.events;

export interface TouchedThing {
  /** 0: the repository's labels and milestones. */
  readonly issue: number;
  readonly kinds: number;
}

export function touchedBy(mutation: Mutation): readonly TouchedThing[] {
  const { githubIssue, github } = mutation;
  const things: TouchedThing[] = [];
  if (github !== undefined && touchesRepository(github)) things.push({ issue: 0, kinds: TOUCHED.repository });
  if (githubIssue === undefined) return things;
  things.push({ issue: githubIssue.number, kinds: issueKinds(githubIssue) });
  // A label or milestone may be heard of with an issue first.
  if (githubIssue.addLabels !== undefined || githubIssue.milestoneId !== undefined)
    things.push({ issue: 0, kinds: TOUCHED.repository });
  return things;
}

function touchesRepository({ labels, milestones, samovar }: GithubMutation): boolean {
  return [labels, milestones, samovar?.deletedLabels, samovar?.deletedMilestones].some(
    (list) => list !== undefined && list.length > 0,
  );
}

function issueKinds(mutation: GithubIssueMutation): number {
  const { samovar } = mutation;
  const has = (...lists: readonly (readonly unknown[] | undefined)[]) =>
    lists.some((list) => list !== undefined && list.length > 0);
  const comments = has(
    mutation.comments,
    samovar?.deletedComments,
    samovar?.emptiedComments,
    samovar?.reviewComments,
    samovar?.deletedReviewComments,
  );
  return (
    TOUCHED.issue |
    (comments ? TOUCHED.comments : 0) |
    (has(mutation.reviews) ? TOUCHED.reviews : 0) |
    (has(mutation.events) ? TOUCHED.events : 0) |
    // What belongs to an issue that is not there is not there either.
    (mutation.notExist === true ? ALL_OF_ISSUE : 0)
  );
}
