import { describe, expect, test } from 'vitest';
import { type Deeds, deedsIn } from '../support/github-deeds.ts';
import type { GithubRequest } from '../support/github-server.ts';
import { worldView } from '../support/github-state.ts';
import { type Following, type FollowingOptions, follow } from '../support/github-sync.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const DAY_MS = 86_400_000;

async function started(options: FollowingOptions = {}, stepMs = 1000) {
  const following = await follow(folder, options);
  const deeds = deedsIn(following.server.world, 'o/r', { stepMs });
  // A whole listing would heal what the crawl misses: none after this one of nothing.
  await following.turn();
  following.server.requests.length = 0;
  const turn = following.turn;
  following.turn = (over) => turn({ reconcileMs: Number.POSITIVE_INFINITY, ...over });
  return { following, deeds, requests: following.server.requests };
}

function expectSame(following: Following, deeds: Deeds): void {
  expect(following.known()).toEqual(worldView(following.server.world, deeds.repo));
}

const isPageOf = (path: string) => (request: GithubRequest) => request.path === `/repos/o/r${path}`;

describe.each([
  ['inclusive', false],
  ['exclusive', true],
])('with a `since` that is %s', (_name, sinceIsExclusive) => {
  test('more issues and comments of one second than fit on a page are all found', async () => {
    const { following, deeds, requests } = await started({ sinceIsExclusive }, 0);
    for (let n = 0; n < 230; n += 1) deeds.comment(deeds.issue(), `comment ${n}`);
    following.server.world.nowMs += 5000;
    deeds.issue();
    await following.turn();
    expectSame(following, deeds);
    expect(requests.length).toBeLessThan(30);
  });

  test('pages that end within a second lose nothing', async () => {
    const { following, deeds } = await started({ sinceIsExclusive }, 250);
    for (let n = 0; n < 330; n += 1) deeds.issue();
    await following.turn();
    expectSame(following, deeds);
  });
});

test('issues that change while they are listed are not lost, nor those they lay before', async () => {
  const { following, deeds } = await started();
  for (let n = 0; n < 450; n += 1) deeds.issue();
  let at = 0;
  following.server.setBefore((request) => {
    if (isPageOf('/issues')(request) && at < 40) {
      // Of those that were listed: they go to the end, and what is behind them moves up.
      for (let n = at + 1; n <= at + 10; n += 1) deeds.edit(n, { body: `changed ${n}` });
      at += 10;
    }
    return undefined;
  });
  await following.turn();
  expectSame(following, deeds);
});

test('issues of one second that change while they are listed do not hide those behind them', async () => {
  const { following, deeds, requests } = await started({}, 0);
  for (let n = 0; n < 350; n += 1) deeds.issue();
  // Long ago: no later turn looks there again.
  following.server.world.nowMs += 10 * DAY_MS;
  let pages = 0;
  following.server.setBefore((request) => {
    if (isPageOf('/issues')(request)) {
      pages += 1;
      if (pages <= 4) deeds.edit(pages, { body: 'changed' });
    }
    return undefined;
  });
  await following.turn();
  expectSame(following, deeds);
  expect(requests.length).toBeLessThan(60);
});

test('an issue with a time in the future neither holds the others up nor is asked for without end', async () => {
  const { following, deeds, requests } = await started();
  for (let n = 0; n < 5; n += 1) deeds.issue();
  const nowS = Math.floor(following.server.world.nowMs / 1000);
  deeds.set(3, { updatedS: nowS + 400 * 86_400 });
  await following.turn();
  deeds.edit(1, { body: 'after that' });
  following.server.world.nowMs += 10 * 60_000;
  deeds.edit(2, { body: 'much later' });
  requests.length = 0;
  await following.turn();
  expectSame(following, deeds);
  expect(requests.length).toBeLessThan(15);
});

test('more than a page of issues with times in the future ends too', async () => {
  const { following, deeds, requests } = await started();
  for (let n = 1; n <= 250; n += 1) deeds.set(deeds.issue(), { updatedS: 4_000_000_000 });
  await following.turn();
  await following.turn();
  deeds.issue();
  await following.turn();
  expectSame(following, deeds);
  expect(requests.length).toBeLessThan(60);
});

test.each([-3_600_000, 3_600_000])('a clock of ours that is %i ms off loses nothing', async (skewMs) => {
  const { following, deeds } = await started();
  following.skewMs = skewMs;
  deeds.issue();
  await following.turn();
  for (let n = 0; n < 3; n += 1) {
    following.server.world.nowMs += 60_000;
    deeds.comment(deeds.issue(), 'said');
    deeds.edit(1, { body: `${n}` });
    await following.turn();
    expectSame(following, deeds);
  }
});

test('what GitHub shows late, with a time before the cursor, is found within the overlap', async () => {
  const { following, deeds } = await started();
  deeds.issue();
  const late = deeds.issue();
  deeds.issue();
  const hidden = deeds.repo.issues.get(late);
  deeds.repo.issues.delete(late);
  await following.turn();
  deeds.repo.issues.set(late, hidden as NonNullable<typeof hidden>);
  await following.turn();
  expectSame(following, deeds);
});

test('a comment on an issue that is younger than the listing of issues comes with its issue', async () => {
  const { following, deeds } = await started();
  deeds.issue();
  following.server.setBefore((request) => {
    if (isPageOf('/issues/comments')(request) && deeds.repo.issues.size === 1)
      deeds.comment(deeds.pull(), 'on a new one');
    return undefined;
  });
  await following.turn();
  await following.turn();
  expectSame(following, deeds);
});

test('events that come while they are listed push none over the edge of a page', async () => {
  const { following, deeds } = await started();
  const number = deeds.issue();
  for (let n = 0; n < 130; n += 1) deeds.label(number, n % 2 === 0 ? 'a' : 'b');
  let pages = 0;
  following.server.setBefore((request) => {
    if (isPageOf('/issues/events')(request)) {
      pages += 1;
      if (pages === 2) for (let n = 0; n < 7; n += 1) deeds.label(number, `new ${n}`);
    }
    return undefined;
  });
  await following.turn();
  await following.turn();
  expectSame(following, deeds);
});

test('an event that GitHub lists late, behind newer ones, is found', async () => {
  const { following, deeds } = await started();
  deeds.close(deeds.issue());
  deeds.label(1, 'a');
  const [late] = deeds.repo.events.splice(0, 1);
  await following.turn();
  deeds.repo.events.unshift(late as NonNullable<typeof late>);
  await following.turn();
  expectSame(following, deeds);
});

test('more labels, milestones and reviews than fit on a page, and then fewer', async () => {
  const { following, deeds } = await started();
  const pull = deeds.pull();
  for (let n = 0; n < 205; n += 1) {
    deeds.label(pull, `label ${n}`);
    deeds.milestone(pull, `v${n}`);
    deeds.review(pull, 'COMMENTED', `review ${n}`);
  }
  await following.turn();
  expectSame(following, deeds);
  for (let n = 0; n < 150; n += 1) deeds.deleteLabel(`label ${n}`);
  deeds.deleteMilestone('v204');
  deeds.renameLabel('label 200', 'another');
  await following.turn();
  expectSame(following, deeds);
});

test('a repository without anything is nothing but its name', async () => {
  const { following, deeds } = await started();
  expect(await following.turn()).toMatchObject({ mutations: 0, state: 'ok' });
  following.server.world.nowMs += DAY_MS;
  deeds.issue();
  await following.turn();
  expectSame(following, deeds);
});
