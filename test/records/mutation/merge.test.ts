import { describe, expect, test } from 'vitest';
import type { IssueState } from '../../../pipeline/records/mutation/issue-state.ts';
import { mergeIssue } from '../../../pipeline/records/mutation/merge.ts';
import { mergeComment, mergeMilestone } from '../../../pipeline/records/mutation/merge-parts.ts';
import type { GithubIssueMutation } from '../../../pipeline/records/mutation/types.ts';

const t = (seconds: number, nanos?: number) => ({ seconds, nanos });

/** The state after mutations of issue 1, each giving only what it says. */
function stateAfter(...said: readonly Partial<GithubIssueMutation>[]): IssueState {
  const states = said.reduce<IssueState | undefined>(
    (state, more) => mergeIssue(state, { owner: 'o', repo: 'r', number: 1, ...more }),
    undefined,
  );
  if (states === undefined) throw new Error('nothing was said');
  return states;
}

describe('an issue seen for the first time', () => {
  test('has what is said, and is open without anyone having said so', () => {
    expect(stateAfter({ created: t(1), user: { id: 7n, login: 'k' }, title: 'x' })).toEqual({
      number: 1,
      id: 0n,
      notExist: false,
      created: t(1),
      user: { id: 7n, login: 'k' },
      closed: false,
      closedKnown: false,
      locked: false,
      pullRequest: false,
      title: 'x',
      body: '',
      assignees: [],
      labels: [],
    });
  });

  test('as a tombstone has nothing but that', () => {
    expect(stateAfter({ notExist: true, title: 'x', created: t(1) })).toMatchObject({
      notExist: true,
      title: '',
    });
    expect(stateAfter({ notExist: true, created: t(1) }).created).toBeUndefined();
  });
});

describe('tombstones', () => {
  test('leave what was known, and nothing else of their mutation counts', () => {
    expect(stateAfter({ title: 'x' }, { notExist: true, title: 'y', closed: { val: true } })).toMatchObject({
      notExist: true,
      title: 'x',
      closed: false,
    });
  });

  test('end with any mutation that does not repeat them', () => {
    expect(stateAfter({ title: 'x' }, { notExist: true }, {}).notExist).toBe(false);
  });

  test('of a first sight: the issue that comes back gets its time of creation', () => {
    expect(stateAfter({ notExist: true }, { created: t(5) }).created).toEqual(t(5));
  });

  test('say where an issue went, until it is back', () => {
    const gone = { notExist: true, samovar: { transferredTo: 'a/b#3' } };
    expect(stateAfter({}, gone).transferredTo).toBe('a/b#3');
    expect(stateAfter({}, gone, { notExist: true }).transferredTo).toBe('a/b#3');
    expect(stateAfter({}, gone, { updated: t(9) }).transferredTo).toBeUndefined();
  });
});

describe('fields', () => {
  test('that are not said stay', () => {
    const first = {
      created: t(1),
      updated: t(2),
      closedAt: t(3),
      user: { id: 1n },
      closedBy: { id: 2n },
      closed: { val: true },
      locked: { val: true },
      pullRequest: true,
      title: 'x',
      body: 'y',
      milestoneId: 4n,
      assignees: [{ id: 5n }],
      addLabels: [{ id: 6n }],
      commentStatus: { serverDate: t(7) },
      eventStatus: { serverDate: t(8) },
      reviewStatus: { serverDate: t(9) },
      samovar: { stateReason: { val: 'completed' }, pull: { merged: true } },
    };
    expect(stateAfter(first, {})).toEqual(stateAfter(first));
    expect(stateAfter(first, { samovar: {} })).toEqual(stateAfter(first));
  });

  test('created is set once', () =>
    expect(stateAfter({ created: t(1) }, { created: t(2) }).created).toEqual(t(1)));

  test('closed_at stays on reopening, as maintner has it, unless it is said to be cleared', () => {
    const closed = { closed: { val: true }, closedAt: t(3) };
    expect(stateAfter(closed, { closed: { val: false } })).toMatchObject({ closed: false, closedAt: t(3) });
    const cleared = stateAfter(closed, { closed: { val: false }, samovar: { closedAtCleared: true } });
    expect(cleared.closedAt).toBeUndefined();
    expect(cleared.closedKnown).toBe(true);
  });

  test('a pull request never becomes an issue', () =>
    expect(stateAfter({ pullRequest: true }, { pullRequest: false }).pullRequest).toBe(true));

  test('locked can be taken back', () =>
    expect(stateAfter({ locked: { val: true } }, { locked: { val: false } }).locked).toBe(false));

  test('the old body cannot empty a text, body_change can', () => {
    expect(stateAfter({ body: 'a' }, { body: '' }).body).toBe('a');
    expect(stateAfter({ body: 'a' }, { bodyChange: { val: '' } }).body).toBe('');
    expect(stateAfter({ body: 'a', bodyChange: { val: 'b' } }).body).toBe('b');
  });

  test('an empty title is none', () => expect(stateAfter({ title: 'a' }, { title: '' }).title).toBe('a'));

  test('an empty state reason takes it away', () =>
    expect(
      stateAfter(
        { samovar: { stateReason: { val: 'completed' } } },
        { samovar: { stateReason: { val: '' } } },
      ).stateReason,
    ).toBeUndefined());

  test("a pull request's state is replaced whole", () =>
    expect(
      stateAfter(
        { samovar: { pull: { draft: true, headRef: 'a' } } },
        { samovar: { pull: { headRef: 'b' } } },
      ).pull,
    ).toEqual({ headRef: 'b' }));
});

describe('milestones', () => {
  test('are unknown, none, or one', () => {
    expect(stateAfter({}).milestone).toBeUndefined();
    expect(stateAfter({ noMilestone: true }).milestone).toBe('none');
    expect(
      stateAfter({ noMilestone: true }, { milestoneId: 3n, milestoneNum: 1n, milestoneTitle: 'v1' }),
    ).toMatchObject({ milestone: { id: 3n, number: 1n, title: 'v1' } });
  });

  test('none wins over one in the same mutation', () =>
    expect(stateAfter({ noMilestone: true, milestoneId: 3n }).milestone).toBe('none'));
});

describe('lists', () => {
  test('of labels: removed first, then added, by id', () => {
    const state = stateAfter(
      {
        addLabels: [
          { id: 9n, name: 'z' },
          { id: 2n, name: 'b' },
        ],
      },
      {
        removeLabels: [2n, 9n],
        addLabels: [
          { id: 9n, name: 'zz' },
          { id: 1n, name: 'a' },
        ],
      },
    );
    expect(state.labels).toEqual([
      { id: 1n, name: 'a' },
      { id: 9n, name: 'zz' },
    ]);
  });

  test('of assignees: added or renamed first, then removed', () => {
    const state = stateAfter(
      {
        assignees: [
          { id: 5n, login: 'e' },
          { id: 4n, login: 'd' },
        ],
      },
      { assignees: [{ id: 5n, login: 'ee' }, { id: 3n }], deletedAssignees: [4n, 3n] },
    );
    expect(state.assignees).toEqual([{ id: 5n, login: 'ee' }]);
  });

  test('a name that is not said again stays', () =>
    expect(stateAfter({ addLabels: [{ id: 1n, name: 'a' }] }, { addLabels: [{ id: 1n }] }).labels).toEqual([
      { id: 1n, name: 'a' },
    ]));
});

test('the time of the latest event or review only grows, and bogus ones do not count', () => {
  const events = [
    { id: 1n, created: t(5, 2) },
    { id: 2n, created: t(5, 1) },
    { id: 0n, created: t(99) },
  ];
  expect(stateAfter({ events }).eventMax).toEqual(t(5, 2));
  expect(stateAfter({ events }, { reviews: [{ id: 3n, created: t(4) }] }).eventMax).toEqual(t(5, 2));
  expect(stateAfter({ events }, { reviews: [{ id: 3n, created: t(6) }] }).eventMax).toEqual(t(6));
});

describe('comments', () => {
  const whole = { id: 1n, user: { id: 2n }, body: 'a', created: t(1), updated: t(1) };

  test('an edit says only what changed', () =>
    expect(mergeComment(whole, { id: 1n, body: 'b', updated: t(2) })).toEqual({
      ...whole,
      body: 'b',
      updated: t(2),
    }));

  test('an empty text says nothing', () => expect(mergeComment(whole, { id: 1n, body: '' }).body).toBe('a'));
});

test('a milestone keeps what is not said', () =>
  expect(
    mergeMilestone({ id: 1n, title: 'a', number: 2n, closed: { val: true } }, { id: 1n, title: 'b' }),
  ).toEqual({
    id: 1n,
    title: 'b',
    number: 2n,
    closed: { val: true },
  }));
