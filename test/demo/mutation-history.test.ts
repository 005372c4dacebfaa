import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { demoHistories, RECORDED_UNTIL_MS } from '../../pipeline/demo/mutation-history.ts';
import { decodeMutation, encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import type { GithubIssueMutation } from '../../pipeline/records/mutation/types.ts';

const histories = demoHistories();
const issuesOf = (name: string): readonly GithubIssueMutation[] =>
  (histories.find((one) => one.name === name)?.mutations ?? []).flatMap(
    ({ githubIssue }) => githubIssue ?? [],
  );

describe('the history of the demo', () => {
  test('is the same on every machine', () => {
    const hash = createHash('sha256');
    for (const { mutations } of histories)
      for (const mutation of mutations) hash.update(encodeMutation(mutation));
    expect(hash.digest('hex')).toBe('b7b883bb1d5c7a4f4a46bdf66f351acefce9087d276ec2caed1e636cdb5c24b5');
  });

  test('is as the codec writes and reads it', () => {
    for (const { mutations } of histories)
      for (const mutation of mutations) {
        const bytes = encodeMutation(mutation);
        expect(Buffer.compare(encodeMutation(decodeMutation(bytes)), bytes)).toBe(0);
      }
  });

  test.each(['kettle', 'teapot'])('of %s has all that a repository has', (name) => {
    const issues = issuesOf(name);
    const has = (what: (said: GithubIssueMutation) => unknown) => issues.some((said) => Boolean(what(said)));
    for (const what of [
      'comments',
      'events',
      'reviews',
      'notExist',
      'closedAt',
      'pullRequest',
      'assignees',
      'milestoneId',
    ] as const)
      expect([what, has((said) => said[what])]).toEqual([what, true]);
    expect(has(({ samovar }) => samovar?.pull?.merged)).toBe(true);
    expect(has(({ samovar }) => samovar?.reviewComments)).toBe(true);
    expect(has(({ comments }) => comments?.some(({ id }) => id > 2n ** 31n))).toBe(true);
  });

  test.each(['kettle', 'teapot'])(
    'of %s is in order, begins each issue with its opening, and ends in time',
    (name) => {
      const known = new Set<number>();
      let lastS = 0;
      for (const said of issuesOf(name)) {
        expect(known.has(said.number) || said.created !== undefined).toBe(true);
        known.add(said.number);
        const atS = said.updated?.seconds ?? lastS;
        expect(atS).toBeGreaterThanOrEqual(lastS);
        expect(atS * 1000).toBeLessThan(RECORDED_UNTIL_MS);
        lastS = atS;
      }
      expect([...known].sort((a, b) => a - b)).toEqual(Array.from(known, (_, index) => index + 1));
    },
  );

  test('says nothing of an issue after it was deleted', () => {
    for (const { name } of histories) {
      const gone = new Set<number>();
      for (const { number, notExist } of issuesOf(name)) {
        expect(gone.has(number)).toBe(false);
        if (notExist) gone.add(number);
      }
    }
  });
});
