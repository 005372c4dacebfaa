import {
  filled,
  latest,
  listed,
  loadableValue,
  type RowValues,
  seconds,
  userColumns,
} from './rows-values.ts';
import type { GithubIssueMutation, GithubMutation, IssueEvent, Mutation, Review, User } from './types.ts';

/** Where a mutation is in the log of a repository. */
export interface MutationPlace {
  readonly owner: string;
  readonly repo: string;
  readonly segment: number;
  readonly offset: number;
}

/** A row, before it is a line: `path` is its key, `at` epoch seconds of what it tells (0: not known). */
export interface UnpackedRow {
  readonly path: string;
  readonly issue: number;
  readonly at: number;
  readonly deleted: boolean;
  readonly values: RowValues;
}

/** `owner/repo/0003/510`: a record's key in the warehouse, the same however often the log is read. */
export function mutationPath({ owner, repo, segment, offset }: MutationPlace): string {
  return `${owner}/${repo}/${String(segment).padStart(4, '0')}/${offset}`;
}

/** The row of one record of a log. `bytes`: length of its payload. */
export function mutationRow(place: MutationPlace, mutation: Mutation, bytes: number): UnpackedRow {
  const { githubIssue, github } = mutation;
  const path = mutationPath(place);
  const time = githubIssue === undefined ? undefined : issueTime(githubIssue);
  const values = {
    path,
    owner: place.owner,
    repo: place.repo,
    segment: place.segment,
    record_offset: place.offset,
    record_bytes: bytes,
    kind: isForeign(place, mutation) ? 'foreign' : kindOf(mutation),
    time,
    ...(githubIssue !== undefined && issueColumns(githubIssue)),
    ...(githubIssue === undefined && github !== undefined && repositoryColumns(github)),
    raw: rawOf(mutation, isForeign(place, mutation)),
  };
  return { path, issue: githubIssue?.number ?? 0, at: Math.floor(time ?? 0), deleted: false, values };
}

/** Of another repository than the log's: a log may have been cut out of a larger one by hand. The corpus passes such over. */
export function isForeign(
  { owner, repo }: Pick<MutationPlace, 'owner' | 'repo'>,
  mutation: Mutation,
): boolean {
  const of = mutation.githubIssue ?? mutation.github;
  return of !== undefined && (of.owner !== owner || of.repo !== repo);
}

function kindOf({ githubIssue, github, other }: Mutation): string {
  if (githubIssue !== undefined) return githubIssue.notExist === true ? 'tombstone' : 'issue';
  return github === undefined ? (other ?? 'empty') : 'repository';
}

/** The latest time that a mutation names: when what it tells of happened, or was looked at. */
function issueTime(issue: GithubIssueMutation): number | undefined {
  const { samovar } = issue;
  const happened = [
    issue.updated,
    issue.closedAt,
    ...(issue.comments ?? []).map(({ created, updated }) => updated ?? created),
    ...(issue.events ?? []).map(({ created }) => created),
    ...(issue.reviews ?? []).map(({ created }) => created),
    ...(samovar?.reviewComments ?? []).map(({ created, updated }) => updated ?? created),
  ];
  const looked = [issue.commentStatus, issue.eventStatus, issue.reviewStatus].map(
    (status) => status?.serverDate,
  );
  return latest(happened.map(seconds)) ?? latest([issue.created, ...looked].map(seconds));
}

function issueColumns(issue: GithubIssueMutation): RowValues {
  const { samovar } = issue;
  return {
    number: issue.number,
    issue_id: issue.id,
    ...userColumns('user', issue.user),
    created: seconds(issue.created),
    updated: seconds(issue.updated),
    title: issue.title,
    body: issue.bodyChange?.val ?? issue.body,
    pull_request: issue.pullRequest,
    closed: issue.closed?.val,
    closed_at: seconds(issue.closedAt),
    ...userColumns('closed_by', issue.closedBy),
    locked: issue.locked?.val,
    not_exist: issue.notExist,
    state_reason: samovar?.stateReason?.val,
    transferred_to: samovar?.transferredTo,
    no_milestone: issue.noMilestone,
    milestone_id: issue.milestoneId,
    milestone_number: issue.milestoneNum,
    milestone_title: issue.milestoneTitle,
    labels_added: listed(issue.addLabels?.map(({ id, name }) => ({ id, name }))),
    labels_removed: listed(issue.removeLabels),
    assignees_added: listed(issue.assignees?.map(plainUser)),
    assignees_removed: listed(issue.deletedAssignees),
    comments: listed(issue.comments)?.length,
    comments_deleted: listed(samovar?.deletedComments)?.length,
    review_comments: listed(samovar?.reviewComments)?.length,
    reviews: listed(issue.reviews)?.length,
    events: listed(issue.events)?.length,
  };
}

const plainUser = ({ id, login }: User) => ({ id, login });

function repositoryColumns({ labels, milestones, samovar }: GithubMutation): RowValues {
  return {
    labels: listed(labels)?.length,
    milestones: listed(milestones)?.length,
    repository_state: filled(samovar?.state),
    renamed_to: filled(samovar?.renamedTo),
  };
}

/** What has no column, as JSON with the names of records/mutation/types.ts; undefined when nothing is left. */
function rawOf({ githubIssue, github }: Mutation, foreign: boolean): string | undefined {
  const { owner, repo } = githubIssue ?? github ?? {};
  const rest = {
    ...(foreign && { owner, repo }),
    ...(githubIssue && restOfIssue(githubIssue)),
    ...(github && restOfRepository(github)),
  };
  const text = JSON.stringify(rest, loadableValue);
  return text === '{}' ? undefined : text;
}

function restOfIssue(issue: GithubIssueMutation): RowValues {
  const { stateReason: _, transferredTo: __, ...extension } = issue.samovar ?? {};
  return {
    comments: listed(issue.comments),
    commentStatus: issue.commentStatus,
    events: listed(issue.events?.map(withText)),
    eventStatus: issue.eventStatus,
    reviews: listed(issue.reviews?.map(withText)),
    reviewStatus: issue.reviewStatus,
    samovar: Object.keys(extension).length === 0 ? undefined : extension,
  };
}

function restOfRepository({ labels, milestones, samovar }: GithubMutation): RowValues {
  const { state: _, renamedTo: __, ...extension } = samovar ?? {};
  return {
    labels: listed(labels),
    milestones: listed(milestones),
    repository: Object.keys(extension).length === 0 ? undefined : extension,
  };
}

/** JSON within JSON stays a text: what it holds is not known. */
function withText<T extends IssueEvent | Review>({ otherJson, ...rest }: T) {
  return { ...rest, ...(otherJson !== undefined && { otherJson: textOf(otherJson) }) };
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined || bytes.length === 0 ? undefined : Buffer.from(bytes).toString('utf8');
}
