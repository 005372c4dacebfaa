import type { Random } from '../../pipeline/demo/random.ts';
import type {
  Comment,
  GithubIssueMutation,
  GithubMutation,
  IssueEvent,
  IssueExtension,
  Mutation,
  PullState,
  RepoExtension,
  Review,
  ReviewComment,
  Timestamp,
} from '../../pipeline/records/mutation/types.ts';

/** Where values come from. A scalar is never the zero value: that and an absent one are the same bytes. */
interface Values {
  readonly maybe: <T>(make: () => T) => T | undefined;
  readonly below: (end: number) => number;
  readonly id: () => bigint;
  readonly text: () => string;
  readonly int: () => number;
  readonly time: () => Timestamp;
}

export interface RandomOptions {
  /**
   * wide: values to the ends of their ranges, texts of any sort, of any length; narrow: few values, so that mutations of one issue meet,
   * and texts that a replay has to get right.
   */
  readonly values: 'wide' | 'narrow';
  readonly owner?: string;
  readonly repo?: string;
  /** Field 1000 too. */
  readonly extended?: boolean;
}

const TEXTS = ['a', 'REC@0+0=', '=', '\u0000', 'h\u00e9llo', '\u65e5\u672c', '\u{1fad6}', ' ', '\n', '"'];
const INT32_MAX = 2 ** 31 - 1;
/** 9999-12-31T23:59:59Z, the last second that a protobuf time can have. */
const LAST_SECOND = 253_402_300_799;

const WIDE_IDS = [
  0n,
  1n,
  127n,
  128n,
  300n,
  3_000_000_000n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -1n,
  -(2n ** 63n),
];

function valuesOf(random: Random, { values }: RandomOptions): Values {
  const below = (end: number) => random.below(end);
  const pick = <T>(list: readonly T[], or: T): T => list[below(list.length)] ?? or;
  const maybe = <T>(make: () => T) => (below(3) === 0 ? make() : undefined);
  if (values === 'narrow') {
    return {
      below,
      maybe,
      id: () => BigInt(1 + below(6)),
      text: () => pick(['a', 'b', 'h\u00e9llo = REC@', 'x'.repeat(300)], 'c'),
      int: () => 1 + below(6),
      time: () => ({ seconds: 1_500_000_000 + below(1_000) }),
    };
  }
  return {
    below,
    maybe,
    id: () => pick(WIDE_IDS, 5n),
    text: () =>
      Array.from({ length: 1 + below(below(20) === 0 ? 2_000 : 8) }, () => pick(TEXTS, 'b')).join(''),
    int: () => pick([1, 127, 128, 65_536, INT32_MAX, -1, -INT32_MAX - 1], 2),
    time: () => ({
      seconds: pick([0, 1, LAST_SECOND, 1_700_000_000, -5_000_000_000], 3),
      ...(below(2) === 0 && { nanos: 1 + below(999_999_999) }),
    }),
  };
}

export function randomMutation(random: Random, options: RandomOptions): Mutation {
  const v = valuesOf(random, options);
  const which = v.below(12);
  const names = { owner: options.owner ?? 'o', repo: options.repo ?? 'r' };
  if (which === 0 && options.values === 'wide') return {};
  if (which <= 2) return clean({ github: repoMutation(v, options, names) }) as Mutation;
  return clean({ githubIssue: issueMutation(v, options, names) }) as Mutation;
}

type Names = Pick<GithubMutation, 'owner' | 'repo'>;

function repoMutation(v: Values, { extended }: RandomOptions, names: Names): GithubMutation {
  return {
    ...names,
    labels: v.maybe(() => list(v, () => ({ id: v.id(), name: v.maybe(v.text) }))),
    milestones: v.maybe(() => list(v, () => milestone(v))),
    samovar: extended ? v.maybe(() => repoExtension(v)) : undefined,
  };
}

function repoExtension(v: Values): RepoExtension {
  return {
    deletedLabels: v.maybe(() => list(v, v.id)),
    deletedMilestones: v.maybe(() => list(v, v.id)),
    state: v.maybe(v.text),
    renamedTo: v.maybe(v.text),
  };
}

function issueMutation(v: Values, { extended, values }: RandomOptions, names: Names): GithubIssueMutation {
  const flag = () => v.below(values === 'wide' ? 2 : 12) === 0;
  return {
    ...names,
    number: v.int(),
    id: v.maybe(() => v.id() || 1n),
    user: v.maybe(() => user(v)),
    created: v.maybe(v.time),
    updated: v.maybe(v.time),
    body: v.maybe(v.text),
    bodyChange: v.maybe(() => ({ val: v.maybe(v.text) ?? '' })),
    title: v.maybe(v.text),
    comments: v.maybe(() => list(v, () => comment(v))),
    commentStatus: v.maybe(() => status(v)),
    assignees: v.maybe(() => list(v, () => user(v))),
    deletedAssignees: v.maybe(() => list(v, v.id)),
    notExist: flag() || undefined,
    noMilestone: flag() || undefined,
    milestoneId: v.maybe(() => v.id() || 1n),
    milestoneNum: v.maybe(() => v.id() || 1n),
    milestoneTitle: v.maybe(v.text),
    closed: v.maybe(() => ({ val: v.below(2) === 0 })),
    closedAt: v.maybe(v.time),
    closedBy: v.maybe(() => user(v)),
    removeLabels: v.maybe(() => list(v, v.id)),
    addLabels: v.maybe(() => list(v, () => ({ id: v.id(), name: v.maybe(v.text) }))),
    locked: v.maybe(() => ({ val: v.below(2) === 0 })),
    events: v.maybe(() => list(v, () => issueEvent(v))),
    eventStatus: v.maybe(() => status(v)),
    pullRequest: v.maybe(() => true),
    reviews: v.maybe(() => list(v, () => review(v))),
    reviewStatus: v.maybe(() => status(v)),
    samovar: extended ? v.maybe(() => issueExtension(v)) : undefined,
  };
}

function issueExtension(v: Values): IssueExtension {
  return {
    stateReason: v.maybe(() => ({ val: v.maybe(v.text) ?? '' })),
    transferredTo: v.maybe(v.text),
    closedAtCleared: v.maybe(() => true),
    deletedComments: v.maybe(() => list(v, v.id)),
    emptiedComments: v.maybe(() => list(v, v.id)),
    pull: v.maybe(() => pull(v)),
    reviewComments: v.maybe(() => list(v, () => reviewComment(v))),
    deletedReviewComments: v.maybe(() => list(v, v.id)),
  };
}

function pull(v: Values): PullState {
  return {
    draft: v.maybe(() => true),
    merged: v.maybe(() => true),
    mergedAt: v.maybe(v.time),
    mergeCommit: v.maybe(v.text),
    headRef: v.maybe(v.text),
    headSha: v.maybe(v.text),
    headRepo: v.maybe(v.text),
    baseRef: v.maybe(v.text),
    commits: v.maybe(v.int),
    additions: v.maybe(v.int),
    deletions: v.maybe(v.int),
    changedFiles: v.maybe(v.int),
    reviewDecision: v.maybe(v.text),
  };
}

function reviewComment(v: Values): ReviewComment {
  return {
    ...comment(v),
    reviewId: v.maybe(() => v.id() || 1n),
    path: v.maybe(v.text),
    line: v.maybe(v.int),
    commitId: v.maybe(v.text),
    inReplyTo: v.maybe(() => v.id() || 1n),
  };
}

const user = (v: Values) => ({ id: v.id(), login: v.maybe(v.text) });
const status = (v: Values) => ({ serverDate: v.maybe(v.time) });

function milestone(v: Values) {
  return {
    id: v.id(),
    title: v.maybe(v.text),
    closed: v.maybe(() => ({ val: v.below(2) === 0 })),
    number: v.maybe(() => v.id() || 1n),
  };
}

function comment(v: Values): Comment {
  return {
    id: v.id(),
    user: v.maybe(() => user(v)),
    body: v.maybe(v.text),
    created: v.maybe(v.time),
    updated: v.maybe(v.time),
  };
}

function issueEvent(v: Values): IssueEvent {
  const someone = () => v.maybe(() => v.id() || 1n);
  return {
    id: v.id(),
    eventType: v.maybe(v.text),
    actorId: someone(),
    created: v.maybe(v.time),
    label: v.maybe(() => ({ id: 0n, name: v.text() })),
    milestone: v.maybe(() => ({ id: 0n, title: v.text() })),
    assigneeId: someone(),
    assignerId: someone(),
    commit: v.maybe(() => ({ owner: v.text(), repo: v.text(), commitId: v.text() })),
    otherJson: v.maybe(() => Uint8Array.from(Buffer.from(`{"x":${v.below(100)}}`))),
    renameFrom: v.maybe(v.text),
    renameTo: v.maybe(v.text),
    reviewerId: someone(),
    reviewRequesterId: someone(),
    dismissedReview: v.maybe(() => ({
      reviewId: someone(),
      dismissalMessage: v.maybe(v.text),
      state: v.maybe(v.text),
    })),
    teamReviewer: v.maybe(() => ({ id: v.id(), slug: v.maybe(v.text) })),
  };
}

function review(v: Values): Review {
  return {
    id: v.id(),
    actorId: v.maybe(() => v.id() || 1n),
    created: v.maybe(v.time),
    body: v.maybe(v.text),
    state: v.maybe(v.text),
    commitId: v.maybe(v.text),
    actorAssociation: v.maybe(v.text),
    otherJson: v.maybe(() => Uint8Array.from(Buffer.from(`{"y":${v.below(100)}}`))),
  };
}

function list<T>(v: Values, make: () => T): T[] {
  return Array.from({ length: 1 + v.below(3) }, make);
}

/** Without what is undefined, as a decoder gives it. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, clean(one)]));
}
