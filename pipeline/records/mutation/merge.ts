import type { IssueState } from './issue-state.ts';
import type { GithubIssueMutation, IssueExtension, Label, Timestamp, User } from './types.ts';

/**
 * The replay rules for one issue: what is known of it after a mutation. They are maintner's, so that the same log says the same to
 * both, but for three points where maintner forgets: an issue that came back from a tombstone gets the `created` it never had;
 * `transferredTo` is read from a tombstone too, and ends with it; and field 1000 (ours) is looked at.
 *
 * Comments, events and reviews are not in the state: merge-parts.ts. `latest` is the time of the mutation's latest event or review, for
 * who has taken them out of it.
 */
export function mergeIssue(
  before: IssueState | undefined,
  mutation: GithubIssueMutation,
  latest: Timestamp | undefined = latestEvent(mutation),
): IssueState {
  const known = before ?? firstSight(mutation);
  const { samovar } = mutation;
  if (mutation.notExist === true)
    return { ...known, notExist: true, transferredTo: samovar?.transferredTo ?? known.transferredTo };
  // Every field by its name, none copied by a spread: a log has millions of mutations.
  return {
    number: known.number,
    id: known.id || (mutation.id ?? 0n),
    // Without `notExist` it is there: that is how a tombstone is taken back.
    notExist: false,
    user: mutation.user ?? known.user,
    created: known.created ?? mutation.created,
    updated: mutation.updated ?? known.updated,
    closedAt: mutation.closedAt ?? (samovar?.closedAtCleared === true ? undefined : known.closedAt),
    closedBy: mutation.closedBy ?? known.closedBy,
    closed: mutation.closed?.val ?? known.closed,
    closedKnown: known.closedKnown || mutation.closed !== undefined,
    locked: mutation.locked?.val ?? known.locked,
    pullRequest: known.pullRequest || mutation.pullRequest === true,
    title: mutation.title || known.title,
    body: newBody(mutation) ?? known.body,
    stateReason: mergeReason(known.stateReason, samovar),
    transferredTo: samovar?.transferredTo ?? (known.notExist ? undefined : known.transferredTo),
    milestone: mergeMilestone(known.milestone, mutation),
    assignees: mergeAssignees(known.assignees, mutation),
    labels: mergeLabels(known.labels, mutation),
    pull: samovar?.pull ?? known.pull,
    commentsUntil: mutation.commentStatus?.serverDate ?? known.commentsUntil,
    eventsUntil: mutation.eventStatus?.serverDate ?? known.eventsUntil,
    reviewsUntil: mutation.reviewStatus?.serverDate ?? known.reviewsUntil,
    eventMax: laterOf(known.eventMax, latest),
  };
}

function firstSight({ number, id }: GithubIssueMutation): IssueState {
  return {
    number,
    id: id ?? 0n,
    notExist: false,
    closed: false,
    closedKnown: false,
    locked: false,
    pullRequest: false,
    title: '',
    body: '',
    assignees: [],
    labels: [],
  };
}

/** The text that a mutation gives an issue; undefined: it says nothing of it. The old field cannot empty a text, the new one can. */
export function newBody(mutation: GithubIssueMutation): string | undefined {
  if (mutation.notExist === true) return undefined;
  return mutation.bodyChange?.val ?? (mutation.body || undefined);
}

function mergeMilestone(known: IssueState['milestone'], mutation: GithubIssueMutation) {
  if (mutation.noMilestone === true) return 'none';
  const { milestoneId: id, milestoneNum: number, milestoneTitle: title } = mutation;
  if (id === undefined || id === 0n) return known;
  return { id, number, title };
}

function mergeAssignees(known: readonly User[], mutation: GithubIssueMutation): readonly User[] {
  const { assignees = [], deletedAssignees = [] } = mutation;
  if (assignees.length === 0 && deletedAssignees.length === 0) return known;
  return byId(without(added(known, assignees), deletedAssignees));
}

function mergeLabels(known: readonly Label[], mutation: GithubIssueMutation): readonly Label[] {
  const { addLabels = [], removeLabels = [] } = mutation;
  if (addLabels.length === 0 && removeLabels.length === 0) return known;
  return byId(added(without(known, removeLabels), addLabels));
}

interface Identified {
  readonly id: bigint;
}

/** One that is known already gets what is said of it now, but keeps a name that is not said again. */
function added<T extends Identified>(known: readonly T[], more: readonly T[]): readonly T[] {
  const all = new Map(known.map((item) => [item.id, item]));
  for (const item of more) {
    if (item.id !== 0n) all.set(item.id, { ...all.get(item.id), ...defined(item) });
  }
  return [...all.values()];
}

function defined<T extends object>(item: T): T {
  return Object.fromEntries(
    Object.entries(item).filter(([, value]) => value !== undefined && value !== ''),
  ) as T;
}

function without<T extends Identified>(known: readonly T[], ids: readonly bigint[]): readonly T[] {
  return ids.length === 0 ? known : known.filter(({ id }) => !ids.includes(id));
}

function byId<T extends Identified>(items: readonly T[]): readonly T[] {
  return items.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** The latest time of its events and reviews. */
function latestEvent({ events = [], reviews = [] }: GithubIssueMutation): Timestamp | undefined {
  let last: Timestamp | undefined;
  for (const { id, created } of [...events, ...reviews]) if (id !== 0n) last = laterOf(last, created);
  return last;
}

/** The later of two times, of which either may not be known. */
export function laterOf(a: Timestamp | undefined, b: Timestamp | undefined): Timestamp | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const isLater = a.seconds === b.seconds ? (b.nanos ?? 0) > (a.nanos ?? 0) : b.seconds > a.seconds;
  return isLater ? b : a;
}

function mergeReason(known: string | undefined, samovar: IssueExtension | undefined): string | undefined {
  return samovar?.stateReason === undefined ? known : samovar.stateReason.val || undefined;
}
