import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Field } from '../../../pipeline/backends/warehouse/contract.ts';
import { unpackRow } from '../../../pipeline/records/chunk.ts';
import type { IssueState } from '../../../pipeline/records/mutation/issue-state.ts';
import { mutationRow, type UnpackedRow } from '../../../pipeline/records/mutation/rows.ts';
import {
  commentRow,
  eventRow,
  issueRow,
  labelRow,
  milestoneRow,
  pullRow,
  reviewCommentRow,
  reviewRow,
} from '../../../pipeline/records/mutation/rows-state.ts';
import { ALL_OF_ISSUE, TOUCHED, touchedBy } from '../../../pipeline/records/mutation/rows-touched.ts';
import { packLine, rowLine, seconds } from '../../../pipeline/records/mutation/rows-values.ts';
import type { GithubIssueMutation, Mutation } from '../../../pipeline/records/mutation/types.ts';

const PLACE = { owner: 'o', repo: 'r', segment: 3, offset: 510 };
const OF = { owner: 'o', repo: 'r', logins: (id: bigint) => (id === 5n ? 'eve' : undefined) };
const time = { seconds: 1_700_000_000, nanos: 123_456_789 };
const user = { id: 5n, login: 'eve' };
const name = { owner: 'o', repo: 'r' };

/** An issue's mutation with something in every field. */
const FULL: GithubIssueMutation = {
  ...name,
  number: 1,
  id: 2n ** 60n,
  user,
  created: time,
  updated: time,
  bodyChange: { val: 'body' },
  title: 'title',
  comments: [{ id: 1n, user, body: 'c', created: time, updated: time }],
  commentStatus: { serverDate: time },
  assignees: [user],
  deletedAssignees: [6n],
  notExist: true,
  noMilestone: true,
  milestoneId: 1n,
  milestoneNum: 2n,
  milestoneTitle: 'v1',
  closed: { val: false },
  closedAt: time,
  closedBy: user,
  removeLabels: [8n],
  addLabels: [{ id: 7n, name: 'bug' }],
  locked: { val: true },
  events: [{ id: 1n, eventType: 'x', otherJson: Buffer.from('{"x":1}') }],
  eventStatus: { serverDate: time },
  pullRequest: true,
  reviews: [{ id: 1n, otherJson: Buffer.from('{}') }],
  reviewStatus: { serverDate: time },
  samovar: {
    stateReason: { val: 'completed' },
    transferredTo: 'o/x#1',
    deletedComments: [9n],
    reviewComments: [{ id: 1n, created: time }],
    pull: { merged: true },
  },
};

const STATE: IssueState = {
  number: 1,
  id: 11n,
  notExist: false,
  user: { id: 5n },
  created: time,
  updated: time,
  closedAt: time,
  closedBy: user,
  closed: true,
  closedKnown: true,
  locked: false,
  pullRequest: true,
  title: 'title',
  body: 'body',
  stateReason: 'completed',
  transferredTo: 'o/x#1',
  milestone: { id: 1n, number: 2n, title: 'v1' },
  assignees: [{ id: 5n }],
  labels: [{ id: 7n, name: 'bug' }],
  pull: {
    draft: true,
    merged: true,
    mergedAt: time,
    mergeCommit: 'a',
    headRef: 'b',
    headSha: 'c',
    headRepo: 'd',
    baseRef: 'e',
    commits: 1,
    additions: 2,
    deletions: 3,
    changedFiles: 4,
    reviewDecision: 'APPROVED',
  },
};

const parsed = (row: UnpackedRow) => JSON.parse(rowLine(row.values).toString()) as Record<string, unknown>;
const schemaOf = (file: string) =>
  JSON.parse(readFileSync(`schemas/${file}.json`, 'utf8')) as readonly Field[];

/** Together the rows have each column of the schema, and no other. */
function expectColumns(file: string, rows: readonly UnpackedRow[]): void {
  const keys = new Set(rows.flatMap((row) => Object.keys(parsed(row))));
  expect([...keys].sort()).toEqual(
    schemaOf(file)
      .map((field) => field.name)
      .sort(),
  );
}

const mutation = (said: Mutation) => mutationRow(PLACE, said, 12);

describe('rows and their schemas have the same columns', () => {
  it('mutations', () => {
    const repository = mutation({
      github: {
        ...name,
        labels: [{ id: 1n }],
        milestones: [{ id: 1n }],
        samovar: { state: 'renamed', renamedTo: 'o/x', deletedLabels: [4n] },
      },
    });
    const gone = { ...repository, values: { ...repository.values, deleted: true } };
    expectColumns('mutations', [mutation({ githubIssue: FULL }), gone]);
  });

  const body = { id: 1n, user, body: 'text', created: time, updated: time };
  const diff = { ...body, reviewId: 1n, inReplyTo: 2n, path: 'a', line: 3, commitId: 'c' };
  const review = { id: 1n, actorId: 5n, created: time, body: 'b', state: 'APPROVED', commitId: 'c' };
  const event = {
    ...{ id: 1n, eventType: 'x', actorId: 5n, created: time, label: { id: 0n, name: 'l' } },
    ...{ milestone: { id: 0n, title: 'm' }, assigneeId: 5n, assignerId: 5n, reviewerId: 5n },
    ...{ reviewRequesterId: 5n, teamReviewer: { id: 1n, slug: 't' }, commit: { commitId: 'c' } },
    ...{ renameFrom: 'a', renameTo: 'b', otherJson: Buffer.from('{}') },
    dismissedReview: { reviewId: 1n, state: 's', dismissalMessage: 'm' },
  };
  const other = { actorAssociation: 'MEMBER', otherJson: Buffer.from('{}') };
  it.each([
    ['issues', [issueRow(OF, STATE)]],
    ['pulls', [pullRow(OF, STATE)]],
    ['comments', [commentRow(OF, STATE, body), reviewCommentRow(OF, STATE, diff)]],
    ['reviews', [reviewRow(OF, STATE, { ...review, ...other })]],
    ['events', [eventRow(OF, STATE, event)]],
    ['labels', [labelRow(OF, { id: 1n, name: 'bug' })]],
    ['milestones', [milestoneRow(OF, { id: 1n, title: 'v1', number: 2n })]],
  ] as const)('%s', (kind, rows) => expectColumns(`github/${kind}`, rows));
});

describe('the row of a mutation', () => {
  it('has the place of its record for a key, and the latest time it names', () => {
    const later = { seconds: time.seconds + 100 };
    const row = mutation({
      githubIssue: { ...name, number: 7, updated: time, comments: [{ id: 1n, created: later }] },
    });
    expect(row).toMatchObject({ path: 'o/r/0003/510', issue: 7, at: later.seconds });
    expect(parsed(row)).toMatchObject({ kind: 'issue', segment: 3, record_offset: 510, time: later.seconds });
  });

  it.each([
    ['tombstone', { githubIssue: { ...name, number: 1, notExist: true } }],
    ['repository', { github: name }],
    ['foreign', { githubIssue: { ...name, repo: 'R', number: 1 } }],
    ['git', { other: 'git' }],
    ['empty', {}],
  ] as const)('says what it is: %s', (kind, said) => {
    expect(parsed(mutation(said))).toMatchObject({ kind });
  });

  it('keeps false and empty where they are said', () => {
    const said = { ...name, number: 1, closed: { val: false }, bodyChange: { val: '' } };
    expect(parsed(mutation({ githubIssue: said }))).toMatchObject({ closed: false, body: '' });
    expect(parsed(mutation({ githubIssue: { ...name, number: 1 } }))).not.toHaveProperty('closed');
  });

  it('has what has no column as JSON, with JSON in it as text', () => {
    const raw = JSON.parse(String(parsed(mutation({ githubIssue: FULL })).raw)) as Record<string, unknown>;
    expect(raw).toMatchObject({
      comments: [{ id: 1, body: 'c' }],
      events: [{ otherJson: '{"x":1}' }],
      samovar: { pull: { merged: true }, deletedComments: [9] },
    });
    expect(raw).not.toHaveProperty('title');
  });
});

describe('a line', () => {
  it('has nothing that a loader refuses, and every id exactly', () => {
    const line = rowLine({ a: 'nul\0 and half \ud800', id: 2n ** 60n, small: 5n, none: undefined });
    expect(line.toString()).toBe(`{"a":"nul\ufffd and half \ufffd","id":"${2n ** 60n}","small":5}\n`);
  });

  it.each([10, 570, 100_000])('of %d bytes comes out of its package as it went in', (length) => {
    const line = Buffer.from('x'.repeat(length));
    const { data, bytes } = packLine(line);
    expect(unpackRow(data, bytes).equals(line)).toBe(true);
  });

  it('has times in seconds with microseconds, and none for what is no time', () => {
    expect(seconds(time)).toBe(1_700_000_000.123456);
    expect(seconds({ seconds: -62_135_596_800 })).toBeUndefined();
    expect(seconds({ seconds: 1e12 })).toBeUndefined();
  });
});

describe('what a mutation touches', () => {
  it.each([
    ['a title', { title: 'x' }, TOUCHED.issue],
    ['a comment', { comments: [{ id: 1n }] }, TOUCHED.issue | TOUCHED.comments],
    ['a deletion', { samovar: { deletedComments: [1n] } }, TOUCHED.issue | TOUCHED.comments],
    ['one on a diff', { samovar: { deletedReviewComments: [1n] } }, TOUCHED.issue | TOUCHED.comments],
    ['a review', { reviews: [{ id: 1n }] }, TOUCHED.issue | TOUCHED.reviews],
    ['an event', { events: [{ id: 1n }] }, TOUCHED.issue | TOUCHED.events],
    ['a tombstone', { notExist: true }, ALL_OF_ISSUE],
  ] as const)('%s', (_, said, kinds) => {
    expect(touchedBy({ githubIssue: { ...name, number: 4, ...said } })).toEqual([{ issue: 4, kinds }]);
  });

  it('is the repository too where a label may be heard of first', () => {
    const said = { ...name, number: 4, addLabels: [{ id: 1n, name: 'bug' }] };
    expect(touchedBy({ githubIssue: said })).toContainEqual({ issue: 0, kinds: TOUCHED.repository });
    expect(touchedBy({ github: { ...name, labels: [{ id: 1n }] } })).toEqual([
      { issue: 0, kinds: TOUCHED.repository },
    ]);
    expect(touchedBy({ github: name })).toEqual([]);
  });
});
