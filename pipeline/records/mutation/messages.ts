import { type MessageSpec, spec } from './wire.ts';

/**
 * Fields of maintner's mutations by their numbers, and ours at 1000, which readers that do not know them pass over. Names as in
 * types.ts. schemas/maintner.proto says the same for people.
 */
const TIMESTAMP = spec([1, 'seconds', 'seconds', 'always'], [2, 'nanos', 'int32']);
const BOOL_CHANGE = spec([1, 'val', 'bool', 'always']);
const STRING_CHANGE = spec([1, 'val', 'string', 'always']);
const USER = spec([1, 'id', 'int64', 'always'], [2, 'login', 'string']);
const LABEL = spec([1, 'id', 'int64', 'always'], [2, 'name', 'string']);
const TEAM = spec([1, 'id', 'int64', 'always'], [2, 'slug', 'string']);
const MILESTONE = spec(
  [1, 'id', 'int64', 'always'],
  [2, 'title', 'string'],
  [3, 'closed', BOOL_CHANGE],
  [4, 'number', 'int64'],
);
const COMMIT = spec([1, 'owner', 'string'], [2, 'repo', 'string'], [3, 'commitId', 'string']);
const STATUS = spec([1, 'serverDate', TIMESTAMP]);

const COMMENT = spec(
  [1, 'id', 'int64', 'always'],
  [2, 'user', USER],
  [3, 'body', 'string'],
  [4, 'created', TIMESTAMP],
  [5, 'updated', TIMESTAMP],
);

const DISMISSED = spec([1, 'reviewId', 'int64'], [3, 'dismissalMessage', 'string'], [4, 'state', 'string']);

const EVENT = spec(
  [1, 'id', 'int64', 'always'],
  [2, 'eventType', 'string'],
  [3, 'actorId', 'int64'],
  [4, 'created', TIMESTAMP],
  [5, 'label', LABEL],
  [6, 'milestone', MILESTONE],
  [7, 'assigneeId', 'int64'],
  [8, 'assignerId', 'int64'],
  [9, 'commit', COMMIT],
  [10, 'otherJson', 'bytes'],
  [11, 'renameFrom', 'string'],
  [12, 'renameTo', 'string'],
  [13, 'reviewerId', 'int64'],
  [14, 'reviewRequesterId', 'int64'],
  [15, 'dismissedReview', DISMISSED],
  [16, 'teamReviewer', TEAM],
);

const REVIEW = spec(
  [1, 'id', 'int64', 'always'],
  [2, 'actorId', 'int64'],
  [3, 'created', TIMESTAMP],
  [4, 'body', 'string'],
  [5, 'state', 'string'],
  [6, 'commitId', 'string'],
  [7, 'actorAssociation', 'string'],
  [8, 'otherJson', 'bytes'],
);

const PULL = spec(
  [1, 'draft', 'bool'],
  [2, 'merged', 'bool'],
  [3, 'mergedAt', TIMESTAMP],
  [4, 'mergeCommit', 'string'],
  [5, 'headRef', 'string'],
  [6, 'headSha', 'string'],
  [7, 'headRepo', 'string'],
  [8, 'baseRef', 'string'],
  [9, 'commits', 'int32'],
  [10, 'additions', 'int32'],
  [11, 'deletions', 'int32'],
  [12, 'changedFiles', 'int32'],
  [13, 'reviewDecision', 'string'],
);

const REVIEW_COMMENT = spec(
  [1, 'id', 'int64', 'always'],
  [2, 'reviewId', 'int64'],
  [3, 'user', USER],
  [4, 'body', 'string'],
  [5, 'path', 'string'],
  [6, 'line', 'int32'],
  [7, 'commitId', 'string'],
  [8, 'inReplyTo', 'int64'],
  [9, 'created', TIMESTAMP],
  [10, 'updated', TIMESTAMP],
);

export const ISSUE_EXTENSION = spec(
  [1, 'stateReason', STRING_CHANGE],
  [2, 'transferredTo', 'string'],
  [3, 'closedAtCleared', 'bool'],
  [4, 'deletedComments', 'int64', 'repeated'],
  [5, 'emptiedComments', 'int64', 'repeated'],
  [6, 'pull', PULL],
  [7, 'reviewComments', REVIEW_COMMENT, 'repeated'],
  [8, 'deletedReviewComments', 'int64', 'repeated'],
);

const REPO_EXTENSION = spec(
  [1, 'deletedLabels', 'int64', 'repeated'],
  [2, 'deletedMilestones', 'int64', 'repeated'],
  [3, 'state', 'string'],
  [4, 'renamedTo', 'string'],
);

const GITHUB = spec(
  [1, 'owner', 'string', 'always'],
  [2, 'repo', 'string', 'always'],
  [3, 'labels', LABEL, 'repeated'],
  [4, 'milestones', MILESTONE, 'repeated'],
  [1000, 'samovar', REPO_EXTENSION],
);

export const GITHUB_ISSUE = spec(
  [1, 'owner', 'string', 'always'],
  [2, 'repo', 'string', 'always'],
  [3, 'number', 'int32', 'always'],
  [4, 'user', USER],
  [5, 'created', TIMESTAMP],
  [6, 'updated', TIMESTAMP],
  [7, 'body', 'string'],
  [8, 'comments', COMMENT, 'repeated'],
  [9, 'title', 'string'],
  [10, 'assignees', USER, 'repeated'],
  [11, 'deletedAssignees', 'int64', 'repeated'],
  [12, 'id', 'int64'],
  [13, 'notExist', 'bool'],
  [14, 'commentStatus', STATUS],
  [15, 'noMilestone', 'bool'],
  [16, 'milestoneId', 'int64'],
  [17, 'milestoneNum', 'int64'],
  [18, 'milestoneTitle', 'string'],
  [19, 'closed', BOOL_CHANGE],
  [21, 'closedAt', TIMESTAMP],
  [22, 'closedBy', USER],
  [23, 'removeLabels', 'int64', 'repeated'],
  [24, 'addLabels', LABEL, 'repeated'],
  [25, 'locked', BOOL_CHANGE],
  [26, 'events', EVENT, 'repeated'],
  [27, 'eventStatus', STATUS],
  [28, 'pullRequest', 'bool'],
  [29, 'reviews', REVIEW, 'repeated'],
  [30, 'reviewStatus', STATUS],
  [31, 'bodyChange', STRING_CHANGE],
  [1000, 'samovar', ISSUE_EXTENSION],
);

export const MUTATION = spec(
  [1, 'githubIssue', GITHUB_ISSUE],
  [2, 'git', 'bytes'],
  [3, 'github', GITHUB],
  [4, 'gerrit', 'bytes'],
);

/** Of an issue's mutation what lies beside its state: four lists, each a message with nothing else. */
export const COMMENTS = spec([8, 'comments', COMMENT, 'repeated']);
export const EVENTS = spec([26, 'events', EVENT, 'repeated']);
export const REVIEWS = spec([29, 'reviews', REVIEW, 'repeated']);
export const REVIEW_COMMENTS = spec([7, 'reviewComments', REVIEW_COMMENT, 'repeated']);

const BESIDE: readonly string[] = ['comments', 'events', 'reviews', 'reviewComments'];

function withoutBeside({ fields }: MessageSpec): MessageSpec {
  return { fields: fields.filter(({ name }) => !BESIDE.includes(name)) };
}

/** A mutation without these lists: of an issue only its state. */
export const MUTATION_CORE = spec(
  [
    1,
    'githubIssue',
    {
      fields: withoutBeside(GITHUB_ISSUE).fields.map((field) =>
        field.kind === ISSUE_EXTENSION ? { ...field, kind: withoutBeside(ISSUE_EXTENSION) } : field,
      ),
    },
  ],
  [2, 'git', 'bytes'],
  [3, 'github', GITHUB],
  [4, 'gerrit', 'bytes'],
);

/** What is looked for in those lists without reading all of them: who is named, and when. */
export const PART_USER = spec([2, 'user', USER]);
export const REVIEW_COMMENT_USER = spec([3, 'user', USER]);
export const EVENT_TIME = spec([1, 'id', 'int64', 'always'], [4, 'created', TIMESTAMP]);
export const REVIEW_TIME = spec([1, 'id', 'int64', 'always'], [3, 'created', TIMESTAMP]);
export const EVENT_COMMITS = spec([
  26,
  'events',
  spec([1, 'id', 'int64', 'always'], [4, 'created', TIMESTAMP], [9, 'commit', COMMIT]),
  'repeated',
]);
