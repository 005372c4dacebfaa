import { describe, expect, test } from 'vitest';
import { describeError, SamovarError } from '../../pipeline/errors.ts';
import { deedsIn } from '../support/github-deeds.ts';
import type { GithubFault } from '../support/github-server.ts';
import { worldView } from '../support/github-state.ts';
import { type FollowingOptions, follow } from '../support/github-sync.ts';
import { renameRepo } from '../support/github-world.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const HOUR_MS = 3_600_000;

async function started(options: FollowingOptions = {}) {
  const following = await follow(folder, options);
  const { world, requests, budgets } = following.server;
  const deeds = deedsIn(world, 'o/r');
  const same = () => expect(following.known()).toEqual(worldView(world, deeds.repo));
  return { following, world, requests, budgets, deeds, same };
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('limits', () => {
  test('a token that has used up its hour waits for the next one, and is not used meanwhile', async () => {
    const { following, budgets, deeds, same } = await started({ limits: { core: 12 } });
    for (let n = 0; n < 250; n += 1) deeds.comment(deeds.issue(), 'said');
    await following.turn();
    same();
    expect(following.waitedMs).toBeGreaterThan(HOUR_MS / 2);
    expect(following.waitedMs).toBeLessThan(5 * HOUR_MS);
    expect(budgets.ignored).toBe(0);
  });

  test('a clock of ours that is wrong waits for as long as GitHub means', async () => {
    const { following, budgets, deeds, same } = await started({ limits: { core: 12 } });
    following.skewMs = 2 * HOUR_MS;
    for (let n = 0; n < 250; n += 1) deeds.comment(deeds.issue(), 'said');
    await following.turn();
    same();
    expect(budgets.ignored).toBeLessThan(3);
    expect(following.waitedMs).toBeLessThan(5 * HOUR_MS);
  });

  test('another token goes on where one has used up its hour', async () => {
    const { following, requests, deeds, same } = await started({
      limits: { core: 14 },
      followerTokens: ['one', 'two', 'three'],
    });
    for (let n = 0; n < 250; n += 1) deeds.comment(deeds.issue(), 'said');
    await following.turn();
    same();
    expect(following.waitedMs).toBe(0);
    expect(new Set(requests.map(({ token }) => token)).size).toBe(3);
  });

  test.each([
    [403, true],
    [403, false],
    [429, true],
  ])('a secondary limit is kept to (%i, with retry-after: %s)', async (status, retryAfter) => {
    const { following, budgets, deeds, same } = await started();
    for (let n = 0; n < 5; n += 1) deeds.issue();
    following.server.setBefore((_request, n) => {
      if (n === 4) budgets.slowDown(50, { status, retryAfter });
      return undefined;
    });
    await following.turn();
    same();
    expect(following.waitedMs).toBeGreaterThanOrEqual(50_000);
    expect(following.waitedMs).toBeLessThan(5 * 60_000);
    expect(budgets.ignored).toBe(0);
  });

  test('the limit of GraphQL is one of its own', async () => {
    const { following, budgets, deeds, same } = await started({ limits: { graphql: 7 } });
    for (let n = 0; n < 260; n += 1) deeds.pull();
    await following.turn();
    same();
    expect(budgets.ignored).toBe(0);
    expect(following.waitedMs).toBeGreaterThan(0);
  });
});

describe('what goes wrong on the way is asked again', () => {
  const faults: readonly (readonly [string, GithubFault])[] = [
    ['a 500', { status: 500 }],
    ['a 502 that is no JSON', { status: 502, headers: { 'content-type': 'text/html' } }],
    ['a 503 with a time', { status: 503, headers: { 'retry-after': '1' } }],
    ['a connection that breaks', 'reset'],
    ['a body that is cut off', 'cut'],
    ['no answer', 'hang'],
  ];
  test.each(faults)('%s, at every third request', async (_name, fault) => {
    const { following, deeds, same } = await started({ timeoutMs: 400 });
    for (let n = 0; n < 3; n += 1) deeds.comment(deeds.pull(), 'said');
    following.server.setBefore((_request, n) => (n % 3 === 0 ? fault : undefined));
    await following.turn();
    same();
  });

  test('an error that does not end is told, without the token, and what was read before it stays', async () => {
    const secret = 'ghp_0123456789abcdefghij';
    const { following, deeds, same } = await started({ followerTokens: [secret] });
    deeds.comment(deeds.issue(), 'said');
    following.server.setBefore(({ path }) => (path.endsWith('/comments') ? { status: 500 } : undefined));
    const error = await failureOf(following.turn());
    expect(error).toMatchObject({ code: 'unavailable', status: 500 });
    expect(describeError(error)).toContain('/repos/o/r/issues/comments');
    expect(everythingIn(error)).not.toContain(secret);
    expect(following.known().issues).toHaveLength(1);
    following.server.setBefore(undefined);
    await following.turn();
    same();
  });

  test('a token that is refused is not used again while another one is there', async () => {
    const { following, requests, deeds, same } = await started({
      tokens: ['good'],
      followerTokens: ['revoked', 'good'],
    });
    deeds.comment(deeds.pull(), 'said');
    await following.turn();
    same();
    expect(requests.filter(({ token }) => token === 'revoked').length).toBeLessThan(3);
  });

  test('when every token is refused that is said, and none is named', async () => {
    const { following, deeds } = await started({ tokens: ['good'], followerTokens: ['revoked-secret'] });
    deeds.issue();
    const error = await failureOf(following.turn());
    expect(error).toMatchObject({ code: 'denied' });
    expect(everythingIn(error)).not.toContain('revoked-secret');
    expect(following.waitedMs).toBe(0);
  });
});

/** All that a log could show of an error: what it holds too, however deep. */
function everythingIn(error: unknown, depth = 0): string {
  if (typeof error !== 'object' || error === null || depth > 5) return String(error);
  const keys = Object.getOwnPropertyNames(error);
  return keys
    .map((key) => `${key}=${everythingIn((error as Record<string, unknown>)[key], depth + 1)}`)
    .join(' ');
}

describe('a repository', () => {
  test('that was renamed goes on in its log, under its old name', async () => {
    const { following, world, deeds, same } = await started();
    deeds.comment(deeds.pull(), 'said');
    await following.turn();
    renameRepo(world, deeds.repo, 'o/renamed');
    deeds.comment(deeds.issue(), 'after that');
    expect(await following.turn()).toMatchObject({ state: 'renamed' });
    expect(following.condition()).toEqual({ state: 'renamed', renamedTo: 'o/renamed' });
    same();
    deeds.edit(2, { body: 'and again' });
    await following.turn();
    same();
    expect(await following.turn()).toMatchObject({ mutations: 0, state: 'renamed' });
  });

  test('that was renamed before it was ever seen is followed where it is', async () => {
    const { following, world, deeds, same } = await started();
    deeds.comment(deeds.issue(), 'said');
    renameRepo(world, deeds.repo, 'o/renamed');
    await following.turn();
    same();
  });

  test('whose old name belongs to another one now is not mixed with it', async () => {
    const { following, world, deeds } = await started();
    deeds.issue({ title: 'mine' });
    await following.turn();
    renameRepo(world, deeds.repo, 'o/renamed');
    deedsIn(world, 'o/r').issue({ title: "a stranger's" });
    const error = await failureOf(following.turn());
    expect(error).toBeInstanceOf(SamovarError);
    expect(error).toMatchObject({ code: 'conflict' });
    expect(JSON.stringify(following.known())).not.toContain('stranger');
  });

  test.each([
    ['gone', 'gone'],
    ['blocked', 'blocked'],
  ] as const)('that is %s is noted once, and comes back', async (state, noted) => {
    const { following, deeds, same } = await started();
    deeds.comment(deeds.issue(), 'said');
    await following.turn();
    deeds.repo.state = state;
    expect(await following.turn()).toMatchObject({ mutations: 1, state: noted });
    expect(await following.turn()).toMatchObject({ mutations: 0, state: noted });
    expect(following.condition()).toEqual({ state: noted });
    expect(following.known().issues).toHaveLength(1);
    deeds.repo.state = 'ok';
    deeds.comment(1, 'again');
    expect(await following.turn()).toMatchObject({ state: 'ok' });
    expect(following.condition()).toEqual({ state: 'ok' });
    same();
  });

  test('that has no issues is noted, asks for nothing else, and comes back', async () => {
    const { following, requests, deeds, same } = await started();
    deeds.issue();
    await following.turn();
    deeds.repo.hasIssues = false;
    expect(await following.turn()).toMatchObject({ state: 'issues-disabled' });
    requests.length = 0;
    expect(await following.turn()).toMatchObject({ mutations: 0, state: 'issues-disabled' });
    expect(requests.length).toBe(1);
    deeds.repo.hasIssues = true;
    deeds.issue();
    await following.turn();
    expect(following.condition()).toEqual({ state: 'ok' });
    same();
  });
});

test('a dry run asks GitHub, says how much it would write, and writes nothing', async () => {
  const { following, deeds, same } = await started();
  for (let n = 0; n < 3; n += 1) deeds.comment(deeds.pull(), 'said');
  const dry = await following.turn({ dryRun: true });
  expect(following.known().issues).toEqual([]);
  expect(dry.mutations).toBeGreaterThanOrEqual(6);
  await following.turn();
  same();
  expect(await following.turn({ dryRun: true })).toMatchObject({ mutations: 0 });
});
