import {
  type GithubIssue,
  type GithubLabel,
  type GithubMilestone,
  type GithubUser,
  idOf,
  labelOf,
  milestoneOf,
  sameTime,
  timeOf,
  userOf,
} from './github-json.ts';
import type { IssueState } from './issue-state.ts';
import type {
  GithubIssueMutation,
  GithubMutation,
  IssueExtension,
  Label,
  Milestone,
  PullState,
  User,
} from './types.ts';

/** Whose log it is. */
export interface RepoName {
  readonly owner: string;
  readonly repo: string;
}

type Part = Partial<GithubIssueMutation>;

/**
 * What must be written so that what is known of an issue becomes what GitHub says of it: maintner's writer rules, minimal. Undefined:
 * nothing differs. Beyond maintner: the id, a cleared time of closing, the reason of a state, labels and milestones that were renamed.
 */
export function diffIssue(
  { owner, repo }: RepoName,
  known: IssueState | undefined,
  issue: GithubIssue,
): GithubIssueMutation | undefined {
  const parts: Part = {
    ...diffPeople(known, issue),
    ...diffTimes(known, issue),
    ...diffText(known, issue),
    ...diffState(known, issue),
    ...diffMilestone(known, issue.milestone ?? undefined),
    ...diffAssignees(known?.assignees ?? [], issue.assignees ?? []),
    ...diffLabels(known?.labels ?? [], issue.labels ?? []),
    ...diffExtension(known, issue),
  };
  const id = idOf(issue.id, `issue ${issue.number}`);
  const isPull = issue.pull_request !== undefined && issue.pull_request !== null;
  const news = {
    ...parts,
    ...(known?.id !== id && { id }),
    ...(isPull && known?.pullRequest !== true && { pullRequest: true }),
  };
  // A tombstone is taken back by any mutation.
  if (known !== undefined && !known.notExist && Object.keys(news).length === 0) return undefined;
  return { owner, repo, number: issue.number, ...news, ...(isPull && { pullRequest: true }) };
}

function diffPeople(known: IssueState | undefined, { user, closed_by }: GithubIssue): Part {
  const author = userOf(user);
  const closer = userOf(closed_by);
  return {
    ...(author !== undefined && !sameUser(known?.user, author) && { user: author }),
    ...(closer !== undefined && !sameUser(known?.closedBy, closer) && { closedBy: closer }),
  };
}

function sameUser(a: User | undefined, b: User): boolean {
  return a !== undefined && a.id === b.id && a.login === b.login;
}

function diffTimes(known: IssueState | undefined, issue: GithubIssue): Part {
  const created = timeOf(issue.created_at);
  const updated = timeOf(issue.updated_at);
  const closedAt = timeOf(issue.closed_at);
  return {
    ...(created !== undefined && known?.created === undefined && { created }),
    ...(updated !== undefined && !sameTime(known?.updated, updated) && { updated }),
    ...(closedAt !== undefined && !sameTime(known?.closedAt, closedAt) && { closedAt }),
  };
}

function diffText(known: IssueState | undefined, issue: GithubIssue): Part {
  const title = issue.title ?? '';
  const body = issue.body ?? '';
  return {
    ...(title !== '' && known?.title !== title && { title }),
    ...(known?.body !== body && { bodyChange: { val: body } }),
  };
}

function diffState(known: IssueState | undefined, issue: GithubIssue): Part {
  const closed = issue.state === 'closed';
  const locked = issue.locked === true;
  return {
    ...((known === undefined || !known.closedKnown || known.closed !== closed) && {
      closed: { val: closed },
    }),
    ...((known?.locked ?? false) !== locked && { locked: { val: locked } }),
  };
}

function diffMilestone(known: IssueState | undefined, milestone: GithubMilestone | undefined): Part {
  const before = known?.milestone;
  if (milestone === undefined) return before === 'none' ? {} : { noMilestone: true };
  const id = idOf(milestone.id, 'a milestone');
  const number = BigInt(milestone.number);
  const { title } = milestone;
  const same =
    before !== undefined &&
    before !== 'none' &&
    before.id === id &&
    before.number === number &&
    before.title === title;
  return same ? {} : { milestoneId: id, milestoneNum: number, milestoneTitle: title };
}

function diffAssignees(known: readonly User[], now: readonly GithubUser[]): Part {
  const users = now.flatMap((user) => userOf(user) ?? []);
  const before = new Map(known.map((user) => [user.id, user]));
  const ids = new Set(users.map(({ id }) => id));
  const assignees = users.filter((user) => !sameUser(before.get(user.id), user));
  const deletedAssignees = known.map(({ id }) => id).filter((id) => !ids.has(id));
  return {
    ...(assignees.length > 0 && { assignees }),
    ...(deletedAssignees.length > 0 && { deletedAssignees }),
  };
}

function diffLabels(known: readonly Label[], now: readonly (GithubLabel | string)[]): Part {
  // A label may come as its bare name: it has no id then, and nothing can be said of it.
  const labels = now.flatMap((label) => (typeof label === 'string' ? [] : [labelOf(label)]));
  const before = new Map(known.map(({ id, name }) => [id, name]));
  const ids = new Set(labels.map(({ id }) => id));
  const addLabels = labels.filter(({ id, name }) => !before.has(id) || before.get(id) !== name);
  const removeLabels = known.map(({ id }) => id).filter((id) => !ids.has(id));
  return { ...(addLabels.length > 0 && { addLabels }), ...(removeLabels.length > 0 && { removeLabels }) };
}

function diffExtension(known: IssueState | undefined, issue: GithubIssue): Part {
  const reason = issue.state_reason ?? '';
  const cleared = known?.closedAt !== undefined && timeOf(issue.closed_at) === undefined;
  const samovar: IssueExtension = {
    ...((known?.stateReason ?? '') !== reason && { stateReason: { val: reason } }),
    ...(cleared && { closedAtCleared: true }),
  };
  return Object.keys(samovar).length === 0 ? {} : { samovar };
}

/** All of a pull request's state where any of it differs; undefined where nothing does. */
export function diffPull(known: PullState | undefined, now: PullState): PullState | undefined {
  return pullText(known ?? {}) === pullText(now) && known !== undefined ? undefined : now;
}

/** With what is zero left out, as the log leaves it out. */
function pullText(pull: PullState): string {
  const said = Object.entries(pull)
    .filter(([, value]) => value !== undefined && value !== 0 && value !== false && value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(said, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'nanos' in value && value.nanos === 0
      ? { ...value, nanos: undefined }
      : value,
  );
}

export interface RepoParts {
  readonly labels: readonly Label[];
  readonly milestones: readonly Milestone[];
}

/** What must be written of a repository's labels and milestones; `now` is all of them. Undefined: nothing differs. */
export function diffRepo(
  { owner, repo }: RepoName,
  known: RepoParts,
  now: { readonly labels: readonly GithubLabel[]; readonly milestones: readonly GithubMilestone[] },
): GithubMutation | undefined {
  const allLabels = now.labels.map(labelOf);
  const allMilestones = now.milestones.map(milestoneOf);
  const labels = changed(known.labels, allLabels, (a, b) => a.name === b.name);
  const milestones = changed(known.milestones, allMilestones, sameMilestone);
  const deletedLabels = gone(known.labels, allLabels);
  const deletedMilestones = gone(known.milestones, allMilestones);
  const samovar = {
    ...(deletedLabels.length > 0 && { deletedLabels }),
    ...(deletedMilestones.length > 0 && { deletedMilestones }),
  };
  const said = {
    ...(labels.length > 0 && { labels }),
    ...(milestones.length > 0 && { milestones }),
    ...(Object.keys(samovar).length > 0 && { samovar }),
  };
  return Object.keys(said).length === 0 ? undefined : { owner, repo, ...said };
}

function sameMilestone(a: Milestone, b: Milestone): boolean {
  return (
    a.title === b.title && a.number === b.number && (a.closed?.val ?? false) === (b.closed?.val ?? false)
  );
}

interface Identified {
  readonly id: bigint;
}

function changed<T extends Identified>(
  known: readonly T[],
  now: readonly T[],
  same: (a: T, b: T) => boolean,
): readonly T[] {
  const before = new Map(known.map((item) => [item.id, item]));
  return now.filter((item) => {
    const old = before.get(item.id);
    return old === undefined || !same(old, item);
  });
}

function gone(known: readonly Identified[], now: readonly Identified[]): readonly bigint[] {
  const ids = new Set(now.map(({ id }) => id));
  return known.map(({ id }) => id).filter((id) => !ids.has(id));
}
