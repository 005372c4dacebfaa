import { describe, expect, test } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import type { CorpusRepo } from '../../pipeline/store/corpus-types.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { applyAll, at, issueMutation, recordsOf, repoMutation } from '../support/corpus.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const BIG = 9_007_199_254_740_993n;

function opened(): { readonly store: Store; readonly repo: CorpusRepo } {
  const store = testStore(folder);
  return { store, repo: store.corpus.repo('o', 'r') };
}

/** What must be thrown, as `code: message`. */
function thrown(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof SamovarError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing';
}

describe('an issue', () => {
  test('is read as it was said, names found by id, ids past 2^53 exact', () => {
    const { store, repo } = opened();
    applyAll(store, repo, [
      issueMutation(1, {
        id: BIG,
        user: { id: BIG + 1n, login: 'k' },
        created: { seconds: 5, nanos: 6_007 },
        updated: at(7),
        closedAt: at(8),
        closedBy: { id: 3n, login: 'c' },
        closed: { val: true },
        locked: { val: true },
        pullRequest: true,
        title: 'a \u0000 title',
        bodyChange: { val: 'a body \u{1f600}' },
        milestoneId: BIG,
        milestoneNum: 4n,
        milestoneTitle: 'v1',
        assignees: [
          { id: 9n, login: 'z' },
          { id: 8n, login: 'y' },
        ],
        addLabels: [
          { id: BIG + 2n, name: 'bug' },
          { id: 1n, name: 'ui' },
        ],
        commentStatus: { serverDate: at(10) },
        eventStatus: { serverDate: at(11) },
        reviewStatus: { serverDate: at(12) },
        samovar: {
          stateReason: { val: 'completed' },
          pull: { draft: true, merged: true, mergedAt: at(13), commits: 2, headRef: 'x' },
        },
      }),
    ]);
    const milestone = { id: BIG, number: 4n, title: 'v1' };
    expect(repo.issue(1)).toEqual({
      number: 1,
      id: BIG,
      notExist: false,
      user: { id: BIG + 1n, login: 'k' },
      created: { seconds: 5, nanos: 6_007 },
      updated: at(7),
      closedAt: at(8),
      closedBy: { id: 3n, login: 'c' },
      closed: true,
      closedKnown: true,
      locked: true,
      pullRequest: true,
      title: 'a \u0000 title',
      body: 'a body \u{1f600}',
      stateReason: 'completed',
      milestone,
      assignees: [
        { id: 8n, login: 'y' },
        { id: 9n, login: 'z' },
      ],
      labels: [
        { id: 1n, name: 'ui' },
        { id: BIG + 2n, name: 'bug' },
      ],
      pull: { draft: true, merged: true, mergedAt: at(13), commits: 2, headRef: 'x' },
      commentsUntil: at(10),
      eventsUntil: at(11),
      reviewsUntil: at(12),
    });
    expect(repo.milestones()).toEqual([milestone]);
    expect(store.corpus.login(BIG + 1n)).toBe('k');
    expect(repo.issue(2)).toBeUndefined();
  });

  test('keeps its text when something else changes', () => {
    const { store, repo } = opened();
    applyAll(store, repo, [issueMutation(1, { title: 't', bodyChange: { val: 'b' } })]);
    applyAll(store, repo, [issueMutation(1, { updated: at(2) })]);
    expect(repo.issue(1)).toMatchObject({ title: 't', body: 'b', updated: at(2) });
    applyAll(store, repo, [issueMutation(1, { bodyChange: { val: '' } })]);
    expect(repo.issue(1)?.body).toBe('');
  });

  test('keeps its text as a tombstone, whatever its mutation says', () => {
    const { store, repo } = opened();
    applyAll(store, repo, [
      issueMutation(1, { bodyChange: { val: 'b' } }),
      issueMutation(1, { notExist: true, bodyChange: { val: 'x' }, comments: [{ id: 1n, body: 'x' }] }),
    ]);
    expect(repo.issue(1)).toMatchObject({ notExist: true, body: 'b' });
    expect(repo.comments(1)).toEqual([]);
  });

  test('without a number, or of another repository, is none', () => {
    const { store, repo } = opened();
    applyAll(store, repo, [
      issueMutation(0, { title: 'x' }),
      issueMutation(-1, { title: 'x' }),
      issueMutation(1, { owner: 'O', title: 'x' }),
      issueMutation(1, { repo: 'other', title: 'x' }),
      {},
      { githubIssue: { owner: '', repo: '', number: 1 } },
    ]);
    expect(repo.issues({ after: 0, limit: 9 })).toEqual([]);
    expect(repo.position()).toMatchObject({ segment: 0 });
    expect(store.corpus.repos().map(({ name }) => name)).toEqual(['r']);
  });
});

describe('names', () => {
  test('of users and labels are the last ones said, everywhere', () => {
    const { store, repo } = opened();
    applyAll(store, repo, [
      issueMutation(1, { user: { id: 1n, login: 'old' }, addLabels: [{ id: 2n, name: 'old' }] }),
      issueMutation(2, { assignees: [{ id: 1n, login: 'new' }] }),
      repoMutation({ labels: [{ id: 2n, name: 'new' }] }),
      issueMutation(2, { user: { id: 1n } }),
    ]);
    expect(repo.issue(1)).toMatchObject({ user: { login: 'new' }, labels: [{ name: 'new' }] });
  });

  test('of a deleted label are taken from its issues, of a milestone too', () => {
    const { store, repo } = opened();
    applyAll(store, repo, [
      issueMutation(1, {
        addLabels: [
          { id: 2n, name: 'a' },
          { id: 3n, name: 'b' },
        ],
        milestoneId: 4n,
      }),
      repoMutation({ samovar: { deletedLabels: [2n], deletedMilestones: [4n] } }),
    ]);
    expect(repo.issue(1)).toMatchObject({ labels: [{ id: 3n }], milestone: 'none' });
    expect(repo.labels()).toEqual([{ id: 3n, name: 'b' }]);
    expect(repo.milestones()).toEqual([]);
  });

  test('of milestones change field by field', () => {
    const { store, repo } = opened();
    const milestone = { id: 4n, title: 'v1', number: 1n, closed: { val: true } };
    applyAll(store, repo, [repoMutation({ milestones: [milestone] }), issueMutation(1, { milestoneId: 4n })]);
    expect(repo.milestones()).toEqual([milestone]);
    applyAll(store, repo, [repoMutation({ milestones: [{ id: 4n, title: 'v2', closed: { val: false } }] })]);
    expect(repo.milestones()).toEqual([{ ...milestone, title: 'v2', closed: { val: false } }]);
    expect(repo.issue(1)?.milestone).toEqual({ id: 4n, title: 'v2', number: 1n });
  });
});

describe('comments, events and reviews', () => {
  test('of a comment an edit says only what changed; deleted and emptied ones are named', () => {
    const { store, repo } = opened();
    const comment = { user: { id: 1n, login: 'k' }, created: at(1), updated: at(1) };
    applyAll(store, repo, [
      issueMutation(1, {
        comments: [
          { id: 5n, body: 'five', ...comment },
          { id: BIG, body: 'big', ...comment },
          { id: 3n, body: 'three', ...comment, created: at(0) },
          { id: 0n, body: 'bogus', ...comment },
        ],
      }),
      issueMutation(1, { comments: [{ id: 5n, body: 'V', updated: at(2) }] }),
    ]);
    expect(repo.comments(1).map(({ id, body }) => [id, body])).toEqual([
      [3n, 'three'],
      [5n, 'V'],
      [BIG, 'big'],
    ]);
    expect(repo.comment(1, 5n)).toEqual({ id: 5n, body: 'V', ...comment, updated: at(2) });
    applyAll(store, repo, [
      issueMutation(1, { samovar: { deletedComments: [3n], emptiedComments: [5n, 77n] } }),
    ]);
    expect(repo.comments(1)).toEqual([
      { id: 5n, body: undefined, ...comment, updated: at(2) },
      { id: BIG, body: 'big', ...comment },
    ]);
    expect(repo.comment(2, 5n)).toBeUndefined();
  });

  test('of events every field comes back, whatever bytes other_json has', () => {
    const { store, repo } = opened();
    const events = [
      {
        id: BIG,
        eventType: 'assigned',
        actorId: BIG,
        created: at(2),
        label: { id: 0n, name: 'bug' },
        milestone: { id: 0n, title: 'v1' },
        assigneeId: 1n,
        assignerId: 2n,
        commit: { owner: 'o', repo: 'r', commitId: 'abc' },
        otherJson: Buffer.from('{"x": "\u00e9"}'),
        renameFrom: 'a',
        renameTo: 'b',
        reviewerId: 3n,
        reviewRequesterId: 4n,
        dismissedReview: { reviewId: BIG, dismissalMessage: 'm', state: 'APPROVED' },
        teamReviewer: { id: BIG, slug: 's' },
      },
      { id: 7n, created: at(3), otherJson: new Uint8Array([255, 0, 1]) },
    ];
    applyAll(store, repo, [issueMutation(1, { events: [...events, { id: 0n, created: at(1) }] })]);
    const read = repo.events(1).map((event) => ({ ...event, otherJson: Buffer.from(event.otherJson ?? []) }));
    expect(read).toEqual(events.map((event) => ({ ...event, otherJson: Buffer.from(event.otherJson) })));
    expect(repo.issue(1)?.eventMax).toEqual(at(3));
  });

  test('reviews and comments of a diff are replaced by id', () => {
    const { store, repo } = opened();
    const review = { id: BIG, actorId: 2n, created: at(1), body: 'b', state: 'APPROVED', commitId: 'c' };
    const comment = {
      id: 4n,
      reviewId: BIG,
      user: { id: 1n, login: 'k' },
      inReplyTo: 3n,
      path: 'p',
      line: 2,
    };
    applyAll(store, repo, [
      issueMutation(1, {
        reviews: [review],
        samovar: { reviewComments: [comment, { id: 5n, body: 'x', created: at(1), updated: at(2) }] },
      }),
    ]);
    expect(repo.reviews(1)).toEqual([review]);
    expect(repo.reviewComments(1)).toEqual([comment, { id: 5n, body: 'x', created: at(1), updated: at(2) }]);
    applyAll(store, repo, [
      issueMutation(1, {
        reviews: [{ id: BIG, state: 'DISMISSED' }],
        samovar: { deletedReviewComments: [5n], reviewComments: [{ id: 4n, body: 'new' }] },
      }),
    ]);
    expect(repo.reviews(1)).toEqual([{ id: BIG, state: 'DISMISSED' }]);
    expect(repo.reviewComments(1)).toEqual([{ id: 4n, body: 'new' }]);
  });
});

describe('pages and counts', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      issueMutation(index + 1, {
        // Two of each time, and every fifth without one.
        updated: index % 5 === 4 ? undefined : at(1_000 - Math.floor(index / 2)),
        pullRequest: index % 3 === 0,
        closed: { val: index % 2 === 0 },
        notExist: index % 10 === 9,
      }),
    );

  test('pages by number meet every issue once', () => {
    const { store, repo } = opened();
    const other = store.corpus.repo('o', 'z');
    applyAll(store, repo, many(25));
    const numbers: number[] = [];
    for (let page = repo.issues({ after: 0, limit: 10 }); page.length > 0; ) {
      numbers.push(...page.map(({ number }) => number));
      page = repo.issues({ after: numbers.at(-1) ?? 0, limit: 10 });
    }
    expect(numbers).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    expect(repo.maxNumber()).toBe(25);
    expect([other.maxNumber(), other.issues({ after: 0, limit: 9 })]).toEqual([0, []]);
    expect(repo.issues({ after: 2 ** 40, limit: 9 })).toEqual([]);
    expect(repo.issue(2 ** 32 + 1)).toBeUndefined();
  });

  test.each([true, false])('pages by a time meet every issue once, descending: %s', (descending) => {
    const { store, repo } = opened();
    applyAll(store, repo, many(25));
    const seen: { readonly timeUs: number; readonly number: number }[] = [];
    while (true) {
      const page = repo.ordered({ by: 'updated', descending, limit: 4, after: seen.at(-1) });
      if (page.length === 0) break;
      seen.push(
        ...page.map(({ number, updated }) => ({ number, timeUs: (updated?.seconds ?? 0) * 1_000_000 })),
      );
    }
    const expected = seen.toSorted(
      (a, b) => (a.timeUs - b.timeUs || a.number - b.number) * (descending ? -1 : 1),
    );
    expect(seen).toEqual(expected);
    expect(new Set(seen.map(({ number }) => number)).size).toBe(25);
  });

  test('counts are those of the issues, after changes too', () => {
    const { store, repo } = opened();
    applyAll(store, repo, many(30));
    applyAll(store, repo, [
      issueMutation(1, { notExist: true }),
      issueMutation(10, { closed: { val: false } }),
      issueMutation(2, { closed: { val: true }, pullRequest: true }),
      issueMutation(2, { closed: { val: false } }),
    ]);
    const all = repo.issues({ after: 0, limit: 100 });
    const live = all.filter(({ notExist }) => !notExist);
    expect(repo.counts()).toEqual({
      issues: live.filter(({ pullRequest }) => !pullRequest).length,
      pulls: live.filter(({ pullRequest }) => pullRequest).length,
      tombstones: all.length - live.length,
    });
    expect(repo.count({})).toBe(live.length);
    for (const closed of [true, false])
      for (const pullRequest of [true, false])
        expect(repo.count({ closed, pullRequest })).toBe(
          live.filter((issue) => issue.closed === closed && issue.pullRequest === pullRequest).length,
        );
  });
});

describe('the position', () => {
  const said = [issueMutation(1, { title: 'a' }), issueMutation(1, { title: 'b' }), issueMutation(2, {})];

  test('is the end of the last record; records before it change nothing', () => {
    const { store, repo } = opened();
    expect(repo.position()).toBeUndefined();
    const records = recordsOf(said);
    store.transaction(() => repo.apply(records));
    expect(repo.position()).toEqual({ segment: 0, offset: records.at(-1)?.end });
    applyAll(store, repo, [issueMutation(1, { title: 'c' })]);
    const position = repo.position();
    store.transaction(() => repo.apply(records));
    expect(repo.issue(1)?.title).toBe('c');
    expect(repo.position()).toEqual(position);
    store.transaction(() => repo.apply(recordsOf([issueMutation(1, { title: 'd' })], { segment: 1 })));
    expect(repo.issue(1)?.title).toBe('d');
    expect(repo.position()).toMatchObject({ segment: 1 });
  });

  test('is not moved by a transaction that fails, and neither is anything else', () => {
    const { store, repo } = opened();
    applyAll(store, repo, [issueMutation(1, { title: 'a', user: { id: 1n, login: 'k' } })]);
    const position = repo.position();
    const failing = () =>
      store.transaction(() => {
        repo.apply(recordsOf([issueMutation(1, { title: 'b', user: { id: 1n, login: 'z' } })], position));
        throw new Error('after it');
      });
    expect(failing).toThrow('after it');
    expect(repo.position()).toEqual(position);
    expect(repo.issue(1)).toMatchObject({ title: 'a', user: { login: 'k' } });
    applyAll(store, repo, [issueMutation(1, { title: 'b', user: { id: 1n, login: 'z' } })]);
    expect(repo.issue(1)).toMatchObject({ title: 'b', user: { login: 'z' } });
  });

  test('admits only the record behind it', () => {
    const { store, repo } = opened();
    const [first, second, third] = recordsOf(said);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were made');
    const apply = (...records: readonly (typeof first)[]) =>
      thrown(() => store.transaction(() => repo.apply(records)));
    expect(apply(second)).toMatch(/^conflict: .*offset \d+: the next one must begin at the beginning/);
    expect(apply(first, third)).toMatch(/^conflict: /);
    expect(repo.position()).toBeUndefined();
    expect(apply(first)).toBe('nothing');
    expect(apply({ ...second, offset: second.offset - 1 })).toMatch(/^conflict: /);
    expect(apply({ ...second, segment: 1 })).toMatch(/^conflict: /);
    expect(apply({ ...second, payload: new Uint8Array([0xff]) })).toMatch(
      /^malformed: cannot apply the record at segment 0, offset \d+/,
    );
    expect(apply(second, third)).toBe('nothing');
  });
});

test('cleared, a repository is as if it had never been, and others are untouched', () => {
  const { store, repo } = opened();
  const other = store.corpus.repo('o', 'other');
  const said = [
    issueMutation(1, {
      title: 'a',
      bodyChange: { val: 'b' },
      comments: [{ id: 1n, body: 'c' }],
      addLabels: [{ id: 1n, name: 'l' }],
      milestoneId: 2n,
    }),
    repoMutation({ samovar: { state: 'renamed', renamedTo: 'a/b' } }),
  ];
  applyAll(store, repo, said);
  applyAll(store, other, [{ githubIssue: { owner: 'o', repo: 'other', number: 1, title: 'mine' } }]);
  expect(repo.condition()).toEqual({ state: 'renamed', renamedTo: 'a/b' });
  store.transaction(() => repo.clear());
  expect([repo.position(), repo.issue(1), repo.maxNumber(), repo.count({})]).toEqual([
    undefined,
    undefined,
    0,
    0,
  ]);
  expect([repo.labels(), repo.milestones(), repo.comments(1)]).toEqual([[], [], []]);
  expect(repo.condition()).toEqual({ state: 'ok' });
  expect(other.issue(1)?.title).toBe('mine');
  applyAll(store, repo, said);
  expect(repo.issue(1)).toMatchObject({ title: 'a', body: 'b' });
});

test('more issues than are kept open at once are all written, however often each changes', () => {
  const { store, repo } = opened();
  const count = 5_000;
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  applyAll(store, repo, [
    ...numbers.map((number) => issueMutation(number, { title: `first ${number}` })),
    ...numbers.map((number) => issueMutation(number, { title: `second ${number}`, closed: { val: true } })),
  ]);
  expect(repo.count({ closed: true })).toBe(count);
  expect(repo.issue(1)?.title).toBe('second 1');
  expect(repo.issue(count)?.title).toBe(`second ${count}`);
});
