import { expect, test } from 'vitest';
import { type Random, randomFor } from '../../pipeline/demo/random.ts';
import type { IssueState } from '../../pipeline/records/mutation/issue-state.ts';
import { mergeIssue } from '../../pipeline/records/mutation/merge.ts';
import { mergeComment } from '../../pipeline/records/mutation/merge-parts.ts';
import type { Comment, GithubIssueMutation, Mutation } from '../../pipeline/records/mutation/types.ts';
import type { AppliedRecord, CorpusRepo } from '../../pipeline/store/corpus-types.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { at, issueMutation, recordsOf } from '../support/corpus.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const ISSUES = 12;
const RECORDS = 400;

/** A mutation that says some of what can be said, with few values, so that they meet again. */
function randomMutation(random: Random): Mutation {
  const maybe = <T>(make: () => T): T | undefined => (random.below(4) === 0 ? make() : undefined);
  const id = () => BigInt(random.below(5));
  const time = () => at(1 + random.below(1_000));
  const ids = () => Array.from({ length: 1 + random.below(3) }, id);
  const word = () => ['', 'a', 'b', '\u00e9'][random.below(4)] ?? '';
  const comment = (): Comment => ({
    id: id(),
    user: maybe(() => ({ id: id() })),
    body: maybe(word),
    created: maybe(time),
    updated: maybe(time),
  });
  const said: Partial<GithubIssueMutation> = {
    notExist: maybe(() => random.below(3) === 0),
    user: maybe(() => ({ id: id() })),
    created: maybe(time),
    updated: maybe(time),
    closedAt: maybe(time),
    closedBy: maybe(() => ({ id: id() })),
    closed: maybe(() => ({ val: random.below(2) === 0 })),
    locked: maybe(() => ({ val: random.below(2) === 0 })),
    pullRequest: maybe(() => true),
    title: maybe(word),
    body: maybe(word),
    bodyChange: maybe(() => ({ val: word() })),
    noMilestone: maybe(() => random.below(2) === 0),
    assignees: maybe(() => ids().map((user) => ({ id: user }))),
    deletedAssignees: maybe(ids),
    addLabels: maybe(() => ids().map((label) => ({ id: label }))),
    removeLabels: maybe(ids),
    comments: maybe(() => [comment(), comment()]),
    events: maybe(() => [{ id: id(), created: maybe(time) }]),
    reviews: maybe(() => [{ id: id(), created: maybe(time), state: maybe(word) }]),
    commentStatus: maybe(() => ({ serverDate: time() })),
    eventStatus: maybe(() => ({ serverDate: time() })),
    reviewStatus: maybe(() => ({ serverDate: time() })),
    samovar: maybe(() => ({
      closedAtCleared: maybe(() => true),
      stateReason: maybe(() => ({ val: word() })),
      transferredTo: maybe(() => 'a/b#1'),
      deletedComments: maybe(ids),
      emptiedComments: maybe(ids),
    })),
  };
  return issueMutation(1 + random.below(ISSUES), said);
}

/** The same by the pure rules alone, in memory. */
function modelOf(mutations: readonly Mutation[]) {
  const issues = new Map<number, IssueState>();
  const comments = new Map<number, Map<bigint, Comment>>();
  for (const { githubIssue: said } of mutations) {
    if (said === undefined) continue;
    issues.set(said.number, mergeIssue(issues.get(said.number), said));
    if (said.notExist === true) continue;
    const known = comments.get(said.number) ?? new Map<bigint, Comment>();
    comments.set(said.number, known);
    for (const one of said.comments ?? [])
      if (one.id !== 0n) known.set(one.id, mergeComment(known.get(one.id), one));
    for (const id of said.samovar?.emptiedComments ?? []) {
      const before = known.get(id);
      if (before !== undefined) known.set(id, { ...before, body: undefined });
    }
    for (const id of said.samovar?.deletedComments ?? []) known.delete(id);
  }
  return { issues, comments };
}

/** All that can be asked of a repository. */
function read(repo: CorpusRepo) {
  const issues = repo.issues({ after: 0, limit: 1_000 });
  const parts = issues.map(({ number }) => ({
    comments: repo.comments(number),
    events: repo.events(number),
    reviews: repo.reviews(number),
  }));
  return { issues, parts, counts: repo.counts(), labels: repo.labels(), position: repo.position() };
}

type Way = (store: Store, repo: CorpusRepo, records: readonly AppliedRecord[], random: Random) => void;

/** Ways to bring the same records into a corpus. */
const WAYS: Readonly<Record<string, Way>> = {
  'in one transaction': (store, repo, records) => store.transaction(() => repo.apply(records)),
  'one by one': (store, repo, records) => {
    for (const record of records) store.transaction(() => repo.apply([record]));
  },
  'in pieces, each begun again from somewhere before, some of them given up': (
    store,
    repo,
    records,
    random,
  ) => {
    for (let end = 0; end < records.length; ) {
      const next = Math.min(records.length, end + 1 + random.below(30));
      const piece = records.slice(Math.max(0, end - random.below(40)), next);
      const givesUp = random.below(3) === 0;
      const work = () => {
        repo.apply(piece);
        if (givesUp) throw new Error('given up');
      };
      if (givesUp) expect(() => store.transaction(work)).toThrow('given up');
      else store.transaction(work);
      if (!givesUp) end = next;
    }
  },
};

test.each([1, 2, 3])(
  'random mutations add up to what the rules say, however they are applied (seed %d)',
  (seed) => {
    const random = randomFor('corpus', seed);
    const mutations = Array.from({ length: RECORDS }, () => randomMutation(random));
    const records = recordsOf(mutations);
    const results = Object.entries(WAYS).map(([way, apply]) => {
      const store = testStore(folder);
      const repo = store.corpus.repo('o', 'r');
      apply(store, repo, records, randomFor(way, seed));
      return read(repo);
    });
    const [first] = results;
    if (first === undefined) throw new Error('there are ways');
    for (const other of results) expect(other).toEqual(first);
    const model = modelOf(mutations);
    const numbers = [...model.issues.keys()].toSorted((a, b) => a - b);
    expect(first.issues).toEqual(numbers.map((number) => model.issues.get(number)));
    const idsOf = (comments: Iterable<Comment>) => new Map([...comments].map((one) => [one.id, one]));
    for (const [index, number] of numbers.entries())
      expect(idsOf(first.parts[index]?.comments ?? []), `comments of ${number}`).toEqual(
        model.comments.get(number) ?? new Map(),
      );
  },
);
