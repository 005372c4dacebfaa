import { describe, expect, test } from 'vitest';
import { commitOf, isApproved, meaningOf } from '../../pipeline/serve/derive.ts';

describe('labels', () => {
  test.each([
    ['p0', 0],
    ['P2', 2],
    ['priority: p1', 1],
    ['priority/p3', 3],
    ['p4-backlog', 4],
    ['sev_p1', 1],
    ['p1/p0', 0],
    ['http2', undefined],
    ['cpp1', undefined],
    ['p10', undefined],
    ['p5', undefined],
    ['mp3', undefined],
  ])('%s: the priority is %s', (label, priority) => {
    expect(meaningOf([label]).priority).toBe(priority);
  });

  test('the first label in order says the priority, not the highest one', () => {
    expect(meaningOf(['z: p0', 'A: p3']).priority).toBe(3);
  });

  test.each([
    ['bug', 'BUG'],
    ['Type: Bug', 'BUG'],
    ['kind/bug', 'BUG'],
    ['End-to-End Bugs', 'BUG'],
    ['debug', undefined],
    ['enhancement', 'FEATURE'],
    ['type: feature request', 'FEATURE'],
    ['kind/addition', 'FEATURE'],
    ['question', 'QUESTION'],
    ['type: cleanup', 'CLEANUP'],
    ['type: process', 'PROCESS'],
    ['docs', undefined],
  ])('%s: the type is %s', (label, type) => {
    expect(meaningOf([label]).type).toBe(type);
  });

  test('are sorted without regard to case; blocked wins over release blocking', () => {
    expect(meaningOf(['b', 'C', 'a']).sorted).toEqual(['a', 'b', 'C']);
    expect(meaningOf(['release-blocking'])).toMatchObject({ blocked: false, releaseBlocking: true });
    expect(meaningOf(['status: Blocked', 'release-blocking'])).toMatchObject({
      blocked: true,
      releaseBlocking: false,
    });
  });
});

test('the commit is that of the latest event that has one', () => {
  const commit = (commitId: string) => ({ owner: 'o', repo: 'r', commitId });
  expect(commitOf([{ id: 1n, commit: commit('a') }, { id: 2n, commit: commit('b') }, { id: 3n }])).toBe('b');
  expect(commitOf([{ id: 1n }])).toBeUndefined();
});

test('approved is what every reviewer last approved', () => {
  const review = (id: bigint, actorId: bigint, state: string, seconds: number) => ({
    id,
    actorId,
    state,
    created: { seconds },
  });
  expect(isApproved([])).toBe(false);
  expect(isApproved([review(1n, 1n, 'APPROVED', 5)])).toBe(true);
  // By time, not by the order they come in.
  expect(isApproved([review(2n, 1n, 'APPROVED', 9), review(1n, 1n, 'CHANGES_REQUESTED', 5)])).toBe(true);
  expect(isApproved([review(1n, 1n, 'APPROVED', 5), review(2n, 2n, 'CHANGES_REQUESTED', 6)])).toBe(false);
});
