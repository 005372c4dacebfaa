import { expect, test } from 'vitest';
import { deedsIn } from '../support/github-deeds.ts';
import { worldView } from '../support/github-state.ts';
import { follow } from '../support/github-sync.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const GRACE_MS = 30 * MINUTE_MS;
const RECONCILE_MS = 6 * HOUR_MS;

async function started() {
  const following = await follow(folder);
  const { world } = following.server;
  const deeds = deedsIn(world, 'o/r');
  const turn = () => following.turn({ deletionGraceMs: GRACE_MS, reconcileMs: RECONCILE_MS });
  const later = (ms: number) => {
    world.nowMs += ms;
    return turn();
  };
  const same = async () => {
    const wanted = worldView(world, deeds.repo);
    expect(following.known()).toEqual(wanted);
    expect(await following.replayed()).toEqual(wanted);
  };
  return { following, world, deeds, turn, later, same };
}

test('a deleted issue is a tombstone after two looks and the grace time, not before', async () => {
  const { following, deeds, turn, later, same } = await started();
  for (let n = 0; n < 4; n += 1) deeds.comment(deeds.issue(), 'said');
  await turn();
  deeds.deleteIssue(2);
  await later(MINUTE_MS);
  expect(following.known().gone).toEqual([]);
  // The whole listing is due: the first look.
  await later(RECONCILE_MS);
  expect(following.known().gone).toEqual([]);
  await later(GRACE_MS - MINUTE_MS);
  expect(following.known().gone).toEqual([]);
  await later(2 * MINUTE_MS);
  expect(following.known().gone).toEqual([{ number: 2 }]);
  await same();
});

test('an issue that comes while the listing goes on is no tombstone, nor one that GitHub left out once', async () => {
  const { following, deeds, turn, later, same } = await started();
  for (let n = 0; n < 4; n += 1) deeds.issue();
  await turn();
  const hidden = deeds.repo.issues.get(3);
  let created = false;
  following.server.setBefore(({ path, query }) => {
    if (path !== '/repos/o/r/issues' || query.get('sort') !== 'created') return undefined;
    if (!created) deeds.issue();
    created = true;
    deeds.repo.issues.delete(3);
    return undefined;
  });
  await later(RECONCILE_MS);
  expect(created).toBe(true);
  following.server.setBefore(undefined);
  deeds.repo.issues.set(3, hidden as NonNullable<typeof hidden>);
  await later(2 * GRACE_MS);
  await later(2 * GRACE_MS);
  expect(following.known().gone).toEqual([]);
  await same();
});

test('an issue that was transferred is a tombstone that says where it is', async () => {
  const { following, world, deeds, turn, later, same } = await started();
  const there = deedsIn(world, 'elsewhere/other');
  for (let n = 0; n < 3; n += 1) there.issue();
  for (let n = 0; n < 3; n += 1) deeds.comment(deeds.issue(), 'said');
  await turn();
  deeds.transfer(2, there.repo);
  await later(RECONCILE_MS);
  await later(2 * GRACE_MS);
  expect(following.known().gone).toEqual([{ number: 2, to: 'elsewhere/other#4' }]);
  await same();
});

test('an issue transferred to where we may not read is a tombstone all the same', async () => {
  const { following, world, deeds, turn, later } = await started();
  const there = deedsIn(world, 'secret/other');
  deeds.issue();
  await turn();
  deeds.transfer(1, there.repo);
  there.repo.state = 'gone';
  await later(RECONCILE_MS);
  await later(2 * GRACE_MS);
  expect(following.known().gone).toEqual([{ number: 1 }]);
});

test('deleted comments, on issues and on lines, go after two looks; those of deleted issues go with them', async () => {
  const { following, deeds, turn, later, same } = await started();
  const pull = deeds.pull();
  const kept = deeds.comment(pull, 'kept');
  const comment = deeds.comment(pull, 'said');
  const review = deeds.review(pull, 'COMMENTED');
  const line = deeds.reviewComment(pull, review, 'here');
  deeds.reviewComment(pull, review, 'kept too');
  const other = deeds.issue();
  deeds.comment(other, 'goes with its issue');
  await turn();
  deeds.deleteComment(comment);
  deeds.deleteReviewComment(line);
  deeds.deleteIssue(other);
  await later(RECONCILE_MS);
  expect(JSON.stringify(following.known())).toContain(String(comment));
  await later(2 * GRACE_MS);
  await same();
  expect(JSON.stringify(following.known())).toContain(String(kept));
});

test('nothing is written of what is gone a second time', async () => {
  const { following, deeds, turn, later } = await started();
  deeds.comment(deeds.issue(), 'kept');
  deeds.deleteIssue(deeds.issue());
  const number = deeds.issue();
  await turn();
  deeds.deleteIssue(number);
  await later(RECONCILE_MS);
  await later(2 * GRACE_MS);
  const records = await following.records();
  for (let n = 0; n < 4; n += 1) expect(await later(RECONCILE_MS)).toMatchObject({ mutations: 0 });
  expect(await following.records()).toBe(records);
});

test('an issue that came back is there again, with what it has now', async () => {
  const { world, following, deeds, turn, later, same } = await started();
  const there = deedsIn(world, 'o/other');
  deeds.comment(deeds.issue({ body: 'before' }), 'said');
  const issue = deeds.repo.issues.get(1);
  const [comment] = [...deeds.repo.comments.values()];
  await turn();
  deeds.transfer(1, there.repo);
  await later(RECONCILE_MS);
  await later(2 * GRACE_MS);
  expect(following.known().gone).toEqual([{ number: 1, to: 'o/other#1' }]);
  deeds.repo.departed.delete(1);
  deeds.repo.issues.set(1, issue as NonNullable<typeof issue>);
  deeds.repo.comments.set(comment?.id as number, comment as NonNullable<typeof comment>);
  deeds.edit(1, { body: 'after' });
  await later(MINUTE_MS);
  await same();
});

test('a kill between the two looks changes nothing of it', async () => {
  const { following, deeds, turn, later, same } = await started();
  for (let n = 0; n < 3; n += 1) deeds.issue();
  await turn();
  deeds.deleteIssue(2);
  const broken = new Error('killed');
  following.server.world.nowMs += RECONCILE_MS;
  const killed = following.turn({ deletionGraceMs: GRACE_MS, reconcileMs: RECONCILE_MS }, (context) => ({
    ...context,
    github: {
      ...context.github,
      get: async (path, call) => {
        if (path.includes('sort=created')) throw broken;
        return context.github.get(path, call);
      },
    },
  }));
  await expect(killed).rejects.toBe(broken);
  expect(following.known().gone).toEqual([]);
  await later(MINUTE_MS);
  await later(2 * GRACE_MS);
  expect(following.known().gone).toEqual([{ number: 2 }]);
  await same();
});

test('what the listing has and nobody told of is made good', async () => {
  const { world, deeds, turn, later, same } = await started();
  for (let n = 0; n < 3; n += 1) deeds.issue();
  await turn();
  world.nowMs += RECONCILE_MS / 2;
  await turn();
  // Without a time that says so: no crawl sees it.
  deeds.set(1, { title: 'changed by nobody' });
  await later(RECONCILE_MS);
  await same();
});
