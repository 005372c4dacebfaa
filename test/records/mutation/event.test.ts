import { expect, test } from 'vitest';
import { decodeMutation, encodeMutation } from '../../../pipeline/records/mutation/codec.ts';
import { eventOf } from '../../../pipeline/records/mutation/event.ts';

const CREATED = { seconds: Date.parse('2026-01-02T03:04:05Z') / 1000 };
const user = (id: number, login: string) => ({ id, login, type: 'User', node_id: 'x' });
const SHA = '0123456789abcdef0123456789abcdef01234567';

const json = (more: object) => ({
  ...{ id: 6_000_000_001, node_id: 'E_1', url: 'https://api.github.com/repos/o/r/issues/events/1' },
  ...{ actor: user(1, 'ann'), commit_id: null, commit_url: null, created_at: '2026-01-02T03:04:05Z' },
  ...{ performed_via_github_app: null, ...more },
});

test.each([
  ['labeled', { label: { name: 'bug', color: 'ededed' } }, { label: { id: 0n, name: 'bug' } }],
  ['unlabeled', { label: { name: 'bug', color: 'ededed' } }, { label: { id: 0n, name: 'bug' } }],
  ['milestoned', { milestone: { title: 'v1' } }, { milestone: { id: 0n, title: 'v1' } }],
  ['demilestoned', { milestone: { title: 'v1' } }, { milestone: { id: 0n, title: 'v1' } }],
  ['assigned', { assignee: user(2, 'bob'), assigner: user(3, 'eve') }, { assigneeId: 2n, assignerId: 3n }],
  ['locked', { lock_reason: 'spam' }, {}],
  ['unlocked', { lock_reason: null }, {}],
  ['closed', { state_reason: 'not_planned' }, { otherJson: { state_reason: 'not_planned' } }],
  [
    'referenced',
    { commit_id: SHA, commit_url: `https://api.github.com/repos/other/place/commits/${SHA}` },
    { commit: { owner: 'other', repo: 'place', commitId: SHA } },
  ],
  ['merged', { commit_id: SHA, commit_url: 'no such url' }, { commit: { commitId: SHA } }],
  ['renamed', { rename: { from: 'a', to: 'b' } }, { renameFrom: 'a', renameTo: 'b' }],
  [
    'review_requested',
    { requested_reviewer: user(4, 'rev'), review_requester: user(5, 'req') },
    { reviewerId: 4n, reviewRequesterId: 5n },
  ],
  [
    'review_requested',
    { requested_team: { id: 6, slug: 'team', name: 'Team' }, review_requester: user(5, 'req') },
    { teamReviewer: { id: 6n, slug: 'team' }, reviewRequesterId: 5n },
  ],
  [
    'review_dismissed',
    { dismissed_review: { state: 'approved', review_id: 3_000_000_007, dismissal_message: 'stale' } },
    { dismissedReview: { state: 'approved', reviewId: 3_000_000_007n, dismissalMessage: 'stale' } },
  ],
  ['invented', { mystery: { deep: [1] }, nothing: null }, { otherJson: { mystery: { deep: [1] } } }],
])('%s %j', (event, more, said: Readonly<Record<string, unknown>>) => {
  const { otherJson, ...rest } = said;
  const mapped = eventOf(json({ event, ...more }));
  expect(mapped).toEqual({
    ...{ id: 6_000_000_001n, eventType: event, actorId: 1n, created: CREATED, ...rest },
    ...(otherJson !== undefined && { otherJson: Buffer.from(JSON.stringify(otherJson)) }),
  });
  const payload = encodeMutation({ githubIssue: { owner: 'o', repo: 'r', number: 7, events: [mapped] } });
  const [read] = decodeMutation(payload).githubIssue?.events ?? [];
  expect(read).toEqual({ ...mapped, ...(mapped.otherJson && { otherJson: expect.anything() as unknown }) });
});

test('an actor whose account is gone is nobody', () => {
  const { actorId, ...rest } = eventOf(json({ event: 'closed', actor: null }));
  expect([actorId, rest.eventType]).toEqual([undefined, 'closed']);
});

test("the issue of a repository's listing is not kept with its event", () => {
  expect(eventOf(json({ event: 'closed', issue: { number: 7, title: 'long' } })).otherJson).toBeUndefined();
});
