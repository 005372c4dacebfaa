import { describe, expect, test } from 'vitest';
import { randomFor } from '../../../pipeline/demo/random.ts';
import type { SamovarError } from '../../../pipeline/errors.ts';
import { decodeMutation, encodeMutation } from '../../../pipeline/records/mutation/codec.ts';
import {
  type PartKind,
  readCommits,
  readParts,
  type SplitMutation,
  splitMutation,
  writeParts,
} from '../../../pipeline/records/mutation/codec-split.ts';
import { mergeIssue } from '../../../pipeline/records/mutation/merge.ts';
import type { Mutation, User } from '../../../pipeline/records/mutation/types.ts';
import { randomMutation } from '../../support/random-mutations.ts';

const KINDS: readonly PartKind[] = ['comments', 'events', 'reviews', 'reviewComments'];

/** What was split, put together again. */
function joined({ githubIssue, github, parts }: SplitMutation): object {
  if (githubIssue === undefined) return { github };
  const read = Object.fromEntries(
    KINDS.flatMap((kind) => {
      const bytes = parts?.lists[kind];
      return bytes === undefined ? [] : [[kind, readParts(kind, bytes)]];
    }),
  ) as Readonly<Record<string, unknown>>;
  const { reviewComments, ...lists } = read;
  const samovar =
    githubIssue.samovar === undefined && reviewComments === undefined
      ? undefined
      : { ...githubIssue.samovar, reviewComments };
  return { github, githubIssue: { ...githubIssue, ...lists, samovar } };
}

const without = ({ other: _, ...mutation }: Mutation) => ({ github: undefined, ...mutation });

test('random mutations: what is split is what is decoded, whether its lists are looked at or not', () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = randomFor('split', seed);
    const values = seed % 2 === 0 ? 'wide' : 'narrow';
    const payload = encodeMutation(randomMutation(random, { values, extended: true }));
    const [whole, split] = [decodeMutation(payload), splitMutation(payload)];
    expect(joined(split), `seed ${seed}`).toEqual(without(whole));
    if (whole.githubIssue === undefined || split.githubIssue === undefined) continue;
    expect(mergeIssue(undefined, split.githubIssue, split.parts?.latest).eventMax, `seed ${seed}`).toEqual(
      mergeIssue(undefined, whole.githubIssue).eventMax,
    );
    const named = [
      ...(whole.githubIssue.comments ?? []),
      ...(whole.githubIssue.samovar?.reviewComments ?? []),
    ].flatMap(({ user }) => (user?.login ? [user] : []));
    const byText = (users: readonly User[]) => users.map(({ id, login }) => `${id} ${login}`).sort();
    expect(byText(split.parts?.users ?? []), `seed ${seed}`).toEqual(byText(named));
  }
});

test('random damage is malformed exactly where decoding finds it so', () => {
  const outcome = (work: () => unknown) => {
    try {
      work();
      return 'read';
    } catch (error) {
      return (error as SamovarError).code;
    }
  };
  let malformed = 0;
  for (let seed = 1; seed <= 1_500; seed += 1) {
    const random = randomFor('split damage', seed);
    const payload = Uint8Array.from(
      encodeMutation(randomMutation(random, { values: 'narrow', extended: true })),
    );
    if (payload.length === 0) continue;
    for (let n = 0; n <= random.below(3); n += 1) payload[random.below(payload.length)] = random.below(256);
    const damaged = random.below(3) === 0 ? payload.subarray(0, random.below(payload.length)) : payload;
    const wanted = outcome(() => decodeMutation(damaged));
    expect(
      outcome(() => joined(splitMutation(damaged))),
      `seed ${seed}`,
    ).toBe(wanted);
    if (wanted === 'malformed') malformed += 1;
  }
  expect(malformed).toBeGreaterThan(100);
});

describe('unusual bytes', () => {
  const comment = (id: bigint) => ({ id, body: `comment ${id}`, user: { id: 5n, login: 'kim' } });
  const issue = { owner: 'o', repo: 'r', number: 1 };

  test('a list whose parts lie apart is one', () => {
    const inner = (said: object) => encodeMutation({ githubIssue: { ...issue, ...said } });
    const [a, b] = [inner({ comments: [comment(1n)] }), inner({ comments: [comment(2n)], title: 'x' })];
    // One message of the fields of both: the comments of the first, then owner, repo, number, then those of the second.
    const fields = Buffer.concat([a.subarray(2), b.subarray(2)]);
    const payload = Buffer.concat([Buffer.from([0x0a, fields.length]), fields]);
    const { parts } = splitMutation(payload);
    const list = parts?.lists.comments ?? new Uint8Array();
    expect(readParts('comments', list)).toEqual([comment(1n), comment(2n)]);
  });

  test('a mutation whose issue comes in two parts is read as decoding reads it', () => {
    const payload = Buffer.concat([
      encodeMutation({
        githubIssue: { ...issue, comments: [comment(1n)], samovar: { transferredTo: 'a/b#1' } },
      }),
      encodeMutation({
        githubIssue: { ...issue, comments: [comment(2n)], events: [{ id: 3n, created: { seconds: 9 } }] },
      }),
    ]);
    const split = splitMutation(payload);
    expect(joined(split)).toEqual(without(decodeMutation(payload)));
    expect(split.parts?.latest).toEqual({ seconds: 9 });
    expect(split.parts?.users.map(({ login }) => login)).toEqual(['kim', 'kim']);
  });
});

test('of events the commits are found without the rest', () => {
  const events = [
    { id: 1n, eventType: 'labeled', label: { id: 0n, name: 'bug' }, created: { seconds: 5 } },
    { id: 2n, eventType: 'closed', commit: { commitId: 'abc' }, created: { seconds: 6 } },
  ];
  expect(readCommits(writeParts('events', events))).toEqual([
    { id: 1n, created: { seconds: 5 } },
    { id: 2n, created: { seconds: 6 }, commit: { commitId: 'abc' } },
  ]);
});
