import { describe, expect, test } from 'vitest';
import { decodeMutation, encodeMutation } from '../../../pipeline/records/mutation/codec.ts';
import { diffIssue, diffPull, diffRepo } from '../../../pipeline/records/mutation/diff.ts';
import {
  diffComments,
  diffEvents,
  diffReviewComments,
  diffReviews,
} from '../../../pipeline/records/mutation/diff-parts.ts';
import type { GithubComment, GithubIssue } from '../../../pipeline/records/mutation/github-json.ts';
import type { IssueState } from '../../../pipeline/records/mutation/issue-state.ts';
import { mergeIssue } from '../../../pipeline/records/mutation/merge.ts';
import type { GithubIssueMutation } from '../../../pipeline/records/mutation/types.ts';

const NAME = { owner: 'o', repo: 'r' };
const ann = { id: 1, login: 'ann' };
const bob = { id: 2, login: 'bob' };
const seconds = (text: string) => ({ seconds: Date.parse(text) / 1000 });

const OPEN: GithubIssue = {
  id: 3_000_000_001,
  number: 7,
  title: 'It breaks',
  body: 'text',
  state: 'open',
  locked: false,
  user: ann,
  assignees: [],
  labels: [],
  milestone: null,
  created_at: '2026-01-02T03:04:05Z',
  updated_at: '2026-01-02T03:04:06Z',
  closed_at: null,
};
const BASE = { ...NAME, number: 7 };

/** As it is known after a mutation that went through a log. */
function after(known: IssueState | undefined, mutation: GithubIssueMutation | undefined): IssueState {
  if (mutation === undefined) throw new Error('there is no mutation');
  const { githubIssue } = decodeMutation(encodeMutation({ githubIssue: mutation }));
  return mergeIssue(known, githubIssue as GithubIssueMutation);
}

const knownAs = (issue: GithubIssue) => after(undefined, diffIssue(NAME, undefined, issue));

test('a new issue is written whole, but for what it has not', () => {
  expect(diffIssue(NAME, undefined, OPEN)).toEqual({
    ...BASE,
    id: 3_000_000_001n,
    user: { id: 1n, login: 'ann' },
    created: seconds('2026-01-02T03:04:05Z'),
    updated: seconds('2026-01-02T03:04:06Z'),
    title: 'It breaks',
    bodyChange: { val: 'text' },
    closed: { val: false },
    noMilestone: true,
  });
});

test('what is known already makes no mutation, however often it is told', () => {
  const known = knownAs(OPEN);
  expect(diffIssue(NAME, known, OPEN)).toBeUndefined();
  expect(diffIssue(NAME, known, structuredClone(OPEN))).toBeUndefined();
});

const CLOSED = { state: 'closed', closed_at: '2026-02-01T00:00:00Z', state_reason: 'completed' };
const LABELS = [
  { id: 11, name: 'bug' },
  { id: 12, name: 'p1' },
];
const V1 = { id: 21, number: 1, title: 'v1' };

describe('one difference is one thing said', () => {
  const cases: readonly (readonly [string, Partial<GithubIssue>, Partial<GithubIssue>, object])[] = [
    ['another title', {}, { title: 'It works' }, { title: 'It works' }],
    ['another text', {}, { body: 'more' }, { bodyChange: { val: 'more' } }],
    ['a text that is gone', {}, { body: null }, { bodyChange: { val: '' } }],
    [
      'a later time',
      {},
      { updated_at: '2026-03-01T00:00:00Z' },
      { updated: seconds('2026-03-01T00:00:00Z') },
    ],
    [
      'closed',
      {},
      CLOSED,
      {
        closed: { val: true },
        closedAt: seconds('2026-02-01T00:00:00Z'),
        samovar: { stateReason: { val: 'completed' } },
      },
    ],
    ['who closed it', CLOSED, { ...CLOSED, closed_by: bob }, { closedBy: { id: 2n, login: 'bob' } }],
    [
      'another reason',
      CLOSED,
      { ...CLOSED, state_reason: 'not_planned' },
      { samovar: { stateReason: { val: 'not_planned' } } },
    ],
    [
      'opened again',
      CLOSED,
      { state_reason: 'reopened' },
      { closed: { val: false }, samovar: { stateReason: { val: 'reopened' }, closedAtCleared: true } },
    ],
    ['locked', {}, { locked: true }, { locked: { val: true } }],
    ['unlocked', { locked: true }, {}, { locked: { val: false } }],
    ['a milestone', {}, { milestone: V1 }, { milestoneId: 21n, milestoneNum: 1n, milestoneTitle: 'v1' }],
    [
      'a milestone that was renamed',
      { milestone: V1 },
      { milestone: { ...V1, title: 'v2' } },
      { milestoneId: 21n, milestoneNum: 1n, milestoneTitle: 'v2' },
    ],
    ['no milestone any more', { milestone: V1 }, {}, { noMilestone: true }],
    ['assigned', {}, { assignees: [bob] }, { assignees: [{ id: 2n, login: 'bob' }] }],
    [
      'one more, one less',
      { assignees: [ann] },
      { assignees: [bob] },
      { assignees: [{ id: 2n, login: 'bob' }], deletedAssignees: [1n] },
    ],
    [
      'an assignee who was renamed',
      { assignees: [bob] },
      { assignees: [{ ...bob, login: 'rob' }] },
      { assignees: [{ id: 2n, login: 'rob' }] },
    ],
    [
      'labels',
      { labels: LABELS.slice(0, 1) },
      { labels: LABELS.slice(1) },
      { addLabels: [{ id: 12n, name: 'p1' }], removeLabels: [11n] },
    ],
    [
      'a label that was renamed',
      { labels: LABELS.slice(0, 1) },
      { labels: [{ id: 11, name: 'defect' }] },
      { addLabels: [{ id: 11n, name: 'defect' }] },
    ],
    [
      'an author who was renamed',
      {},
      { user: { ...ann, login: 'anna' } },
      { user: { id: 1n, login: 'anna' } },
    ],
    ['a pull request after all', {}, { pull_request: {} }, { pullRequest: true }],
  ];
  test.each(cases)('%s', (_name, before, now, said) => {
    const known = knownAs({ ...OPEN, ...before });
    const issue = { ...OPEN, ...now };
    const mutation = diffIssue(NAME, known, issue);
    expect(mutation).toEqual({ ...BASE, ...said });
    expect(diffIssue(NAME, after(known, mutation), issue)).toBeUndefined();
  });
});

test.each([
  ['an author whose account is gone', { user: null }],
  ['an empty title', { title: '' }],
  ['a label of which only the name is told', { labels: ['bug'] }],
  ['who closed it, where a list leaves that out', { closed_by: null }],
  ['a field that GitHub invents', { mystery: { deep: [1] } }],
])('nothing is said of %s', (_name, now) => {
  expect(diffIssue(NAME, knownAs(OPEN), { ...OPEN, ...now })).toBeUndefined();
});

test('a tombstone is taken back, also where nothing else differs', () => {
  const known = after(knownAs(OPEN), { ...BASE, notExist: true });
  const mutation = diffIssue(NAME, known, OPEN);
  expect(mutation).toEqual(BASE);
  expect(after(known, mutation).notExist).toBe(false);
});

test('an issue of which only a tombstone was known gets all that it has', () => {
  const known = after(undefined, { ...BASE, notExist: true });
  const mutation = diffIssue(NAME, known, OPEN);
  expect(mutation).toMatchObject({
    id: 3_000_000_001n,
    created: seconds(OPEN.created_at),
    title: OPEN.title,
  });
  expect(diffIssue(NAME, after(known, mutation), OPEN)).toBeUndefined();
});

test('each mutation of a pull request says that it is one', () => {
  const pull = { ...OPEN, pull_request: {} };
  expect(diffIssue(NAME, knownAs(pull), { ...pull, title: 'B' })).toEqual({
    ...BASE,
    title: 'B',
    pullRequest: true,
  });
});

test('an id that is none is refused', () => {
  expect(() => diffIssue(NAME, undefined, { ...OPEN, id: 1.5 })).toThrow('the id 1.5');
});

/** A small generator, so that a failure can be had again. */
function dice(seed: number) {
  let state = seed;
  const roll = (sides: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * sides);
  };
  return { roll, some: <T>(all: readonly T[]) => all.filter(() => roll(2) === 0) };
}

function anyIssue({ roll, some }: ReturnType<typeof dice>): GithubIssue {
  const closed = roll(2) === 0;
  return {
    ...OPEN,
    title: `title ${roll(3)}`,
    body: [null, '', 'a', 'b'][roll(4)] ?? null,
    state: closed ? 'closed' : 'open',
    closed_at: closed ? `2026-02-0${1 + roll(3)}T00:00:00Z` : null,
    state_reason: closed
      ? (['completed', 'not_planned'][roll(2)] ?? null)
      : ([null, 'reopened'][roll(2)] ?? null),
    locked: roll(2) === 0,
    assignees: some([ann, bob, { id: 3, login: 'eve' }]),
    labels: some([...LABELS, { id: 13, name: `label ${roll(2)}` }]),
    milestone: roll(2) === 0 ? null : { ...V1, id: 21 + roll(2), title: `v${roll(2)}` },
    updated_at: `2026-03-0${1 + roll(9)}T00:00:00Z`,
    ...(roll(3) === 0 && { closed_by: bob }),
  };
}

test('random changes: what is written makes of what was known exactly what was seen, and then there is nothing to write', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const chance = dice(seed);
    let known: IssueState | undefined;
    for (let step = 0; step < 6; step += 1) {
      const issue = anyIssue(chance);
      const mutation = diffIssue(NAME, known, issue);
      known = mutation === undefined ? known : after(known, mutation);
      expect(diffIssue(NAME, known, issue), `seed ${seed}, step ${step}`).toBeUndefined();
      expect(known?.labels.map(({ id, name }) => ({ id: Number(id), name }))).toEqual(issue.labels);
      expect(known?.assignees.map(({ id, login }) => ({ id: Number(id), login }))).toEqual(issue.assignees);
      expect([known?.title, known?.body, known?.closed, known?.locked]).toEqual([
        ...[issue.title, issue.body ?? '', issue.state === 'closed', issue.locked],
      ]);
    }
  }
});

describe('comments', () => {
  const SAID: GithubComment = {
    id: 5_000_000_001,
    body: 'hm',
    user: ann,
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
  };
  const known = {
    id: 5_000_000_001n,
    user: { id: 1n, login: 'ann' },
    body: 'hm',
    created: seconds('2026-01-02T03:04:05Z'),
    updated: seconds('2026-01-02T03:04:05Z'),
  };
  const diff = (now: Partial<GithubComment>) => diffComments(() => known, [{ ...SAID, ...now }]);

  test('a new one is whole', () => {
    expect(diffComments(() => undefined, [SAID])).toEqual({ comments: [known], emptied: [] });
  });

  test.each([
    ['the same', {}, [], []],
    ['another text', { body: 'oh' }, [{ id: known.id, body: 'oh' }], []],
    [
      'a later time',
      { updated_at: '2026-02-01T00:00:00Z' },
      [{ id: known.id, updated: seconds('2026-02-01T00:00:00Z') }],
      [],
    ],
    [
      'an emptied text',
      { body: '', updated_at: '2026-02-01T00:00:00Z' },
      [{ id: known.id, updated: seconds('2026-02-01T00:00:00Z') }],
      [known.id],
    ],
    ['an emptied text and nothing else', { body: null }, [], [known.id]],
    ['an account that is gone', { user: null }, [], []],
    ['no time', { body: 'oh', updated_at: null }, [], []],
  ])('%s', (_name, now, comments, emptied) => {
    expect(diff(now)).toEqual({ comments, emptied });
  });
});

test('comments on lines are written whole when they are new or differ', () => {
  const said = {
    id: 9,
    body: 'why?',
    user: bob,
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
    pull_request_review_id: 8,
    path: 'a.ts',
    line: 3,
    commit_id: 'abc',
    in_reply_to_id: null,
  };
  const [known] = diffReviewComments([], [said]);
  expect(known).toEqual({
    ...{ id: 9n, body: 'why?', user: { id: 2n, login: 'bob' }, reviewId: 8n, path: 'a.ts', line: 3 },
    commitId: 'abc',
    created: seconds('2026-01-02T03:04:05Z'),
    updated: seconds('2026-01-02T03:04:05Z'),
  });
  const all = known === undefined ? [] : [known];
  expect(diffReviewComments(all, [said])).toEqual([]);
  expect(diffReviewComments(all, [{ ...said, body: 'why not?' }])).toMatchObject([
    { id: 9n, body: 'why not?' },
  ]);
  expect(diffReviewComments(all, [{ ...said, line: null }])).toMatchObject([{ id: 9n, path: 'a.ts' }]);
});

test('a review is written again, whole, when it was edited or dismissed', () => {
  const said = {
    ...{
      id: 8,
      user: bob,
      body: 'no',
      state: 'CHANGES_REQUESTED',
      commit_id: 'abc',
      author_association: 'MEMBER',
    },
    ...{ submitted_at: '2026-01-02T03:04:05Z', node_id: 'x', html_url: 'y', _links: {}, mystery: 1 },
  };
  const [known] = diffReviews([], [said]);
  expect(known).toEqual({
    ...{
      id: 8n,
      actorId: 2n,
      body: 'no',
      state: 'CHANGES_REQUESTED',
      commitId: 'abc',
      actorAssociation: 'MEMBER',
    },
    created: seconds('2026-01-02T03:04:05Z'),
    otherJson: Buffer.from('{"mystery":1}'),
  });
  const all = known === undefined ? [] : [known];
  expect(diffReviews(all, [said])).toEqual([]);
  expect(diffReviews(all, [{ ...said, state: 'DISMISSED' }])).toMatchObject([
    { id: 8n, state: 'DISMISSED', body: 'no' },
  ]);
  expect(diffReviews(all, [{ ...said, body: '' }])).toMatchObject([{ id: 8n, state: 'CHANGES_REQUESTED' }]);
});

test('an event that is known is not written again', () => {
  const events = [
    { id: 4, event: 'locked' },
    { id: 5, event: 'unlocked' },
  ];
  expect(diffEvents(new Set([4n]), events).map(({ id }) => id)).toEqual([5n]);
});

test("a pull request's state is written whole when any of it differs, zero values aside", () => {
  const state = { draft: false, merged: false, commits: 2, headRef: 'topic', mergedAt: { seconds: 5 } };
  expect(diffPull(undefined, state)).toEqual(state);
  expect(diffPull(state, { ...state })).toBeUndefined();
  expect(
    diffPull({ commits: 2, headRef: 'topic', mergedAt: { seconds: 5, nanos: 0 } }, state),
  ).toBeUndefined();
  expect(diffPull(state, { ...state, merged: true })).toEqual({ ...state, merged: true });
  expect(diffPull(state, { ...state, headRef: undefined })).toEqual({ ...state, headRef: undefined });
});

describe('labels and milestones of a repository', () => {
  const known = {
    labels: [
      { id: 1n, name: 'bug' },
      { id: 2n, name: 'old' },
    ],
    milestones: [{ id: 5n, title: 'v1', number: 1n, closed: { val: false } }],
  };
  const labels = [
    { id: 1, name: 'bug' },
    { id: 2, name: 'old' },
  ];
  const milestones = [{ id: 5, number: 1, title: 'v1', state: 'open' }];

  test('the same is nothing', () => {
    expect(diffRepo(NAME, known, { labels, milestones })).toBeUndefined();
  });

  test('new, renamed, closed and deleted ones', () => {
    const now = {
      labels: [
        { id: 1, name: 'defect' },
        { id: 3, name: 'new' },
      ],
      milestones: [{ id: 5, number: 1, title: 'v1', state: 'closed' }],
    };
    expect(diffRepo(NAME, known, now)).toEqual({
      ...NAME,
      labels: [
        { id: 1n, name: 'defect' },
        { id: 3n, name: 'new' },
      ],
      milestones: [{ id: 5n, title: 'v1', number: 1n, closed: { val: true } }],
      samovar: { deletedLabels: [2n] },
    });
    expect(diffRepo(NAME, known, { labels, milestones: [] })).toEqual({
      ...NAME,
      samovar: { deletedMilestones: [5n] },
    });
  });
});
