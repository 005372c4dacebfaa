import { expect, test } from 'vitest';
import { type Deeds, deedsIn } from '../support/github-deeds.ts';
import { worldView } from '../support/github-state.ts';
import { type Following, follow } from '../support/github-sync.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();

/** Issues and pull requests with everything that they can have. */
function aLife(deeds: Deeds): void {
  for (let n = 0; n < 5; n += 1) deeds.issue({ body: `text ${n}`, labels: n % 2 === 0 ? ['bug'] : [] });
  deeds.pull({ title: 'A change', body: null });
  deeds.pull({ pull: { draft: true, headRepo: undefined, baseRef: 'next' } });
  deeds.label(2, 'bug', 'help wanted');
  deeds.assign(2, 'ann', 'bob');
  deeds.milestone(2, 'v1');
  deeds.comment(1, 'First!');
  deeds.comment(1, 'Second', 'ann');
  deeds.close(3, 'not_planned');
  deeds.close(4);
  deeds.reopen(4);
  deeds.lock(5, true);
  const review = deeds.review(6, 'CHANGES_REQUESTED', 'no');
  deeds.reviewComment(6, review, 'why?');
  deeds.review(6, 'APPROVED');
  deeds.merge(6);
}

async function started(options: Parameters<typeof follow>[1] = {}) {
  const following = await follow(folder, options);
  const deeds = deedsIn(following.server.world, 'o/r');
  return { following, deeds };
}

async function expectSame(following: Following, deeds: Deeds): Promise<void> {
  const wanted = worldView(following.server.world, deeds.repo);
  expect(following.known()).toEqual(wanted);
  expect(await following.replayed()).toEqual(wanted);
}

test('the log adds up to what GitHub has, field by field', async () => {
  const { following, deeds } = await started();
  aLife(deeds);
  await following.turn();
  await expectSame(following, deeds);
});

test('what has not changed costs nothing: no mutation, and every answer is a 304', async () => {
  const { following, deeds } = await started();
  aLife(deeds);
  await following.turn();
  // The second turn asks from the last change on, which is another question than the first one's.
  expect(await following.turn()).toMatchObject({ mutations: 0, state: 'ok' });
  const records = await following.records();
  const { requests } = following.server;
  requests.length = 0;
  expect(await following.turn()).toMatchObject({ mutations: 0, state: 'ok' });
  expect(requests.map(({ status, path }) => `${status} ${path}`)).toEqual(
    ['', '/labels', '/milestones', '/issues', '/issues/comments', '/pulls/comments', '/issues/events'].map(
      (path) => `304 /repos/o/r${path}`,
    ),
  );
  expect(await following.records()).toBe(records);
});

test('whatever happens between two turns is in the log after the second', async () => {
  const { following, deeds } = await started();
  aLife(deeds);
  const comment = deeds.comment(2, 'to be changed');
  const emptied = deeds.comment(2, 'to be emptied');
  const review = deeds.review(7, 'APPROVED');
  const line = deeds.reviewComment(7, review, 'here');
  await following.turn();
  deeds.editComment(comment, 'changed');
  deeds.editComment(emptied, '');
  deeds.editReviewComment(line, 'there');
  deeds.dismiss(review);
  deeds.edit(1, { title: 'Another title', body: '' });
  deeds.label(2, 'bug');
  deeds.renameLabel('bug', 'defect');
  deeds.deleteLabel('help wanted');
  deeds.assign(2, 'bob');
  deeds.milestone(2, 'v2');
  deeds.deleteMilestone('v1');
  deeds.reopen(3);
  deeds.lock(5, false);
  deeds.setPull(7, { draft: false, commits: 9, reviewDecision: 'APPROVED' });
  deeds.set(4, { user: null });
  deeds.issue();
  deeds.comment(8, 'on a new one');
  await following.turn();
  const wanted = worldView(following.server.world, deeds.repo);
  // Whose account is gone is still known to have written it.
  const author = { number: 4, user: expect.stringMatching(/^author /) as unknown };
  expect(following.known()).toMatchObject({
    ...wanted,
    issues: wanted.issues.map((issue) => ((issue as { number: number }).number === 4 ? author : issue)),
  });
});

test('requests do not grow with each issue: a tenth of what one request for each would be, at most', async () => {
  const { following, deeds } = await started();
  const issues = 1500;
  for (let n = 0; n < issues; n += 1) {
    const number = n % 3 === 0 ? deeds.pull() : deeds.issue();
    deeds.comment(number, 'one each');
    deeds.label(number, 'bug');
  }
  await following.turn();
  const { requests } = following.server;
  const first = requests.length;
  // 15 pages of issues, comments and events each, 20 queries for pull requests, and the listings that find what was deleted.
  expect(first).toBeLessThan(issues / 10);
  requests.length = 0;
  following.server.world.nowMs += 3_600_000;
  for (let n = 1; n <= 90; n += 1) deeds.edit(n, { body: 'changed' });
  await following.turn();
  expect(requests.length).toBeLessThan(16);
  expect(following.known()).toEqual(worldView(following.server.world, deeds.repo));
});
