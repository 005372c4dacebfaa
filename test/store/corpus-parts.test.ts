import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openStore } from '../../pipeline/store/open.ts';
import { applyAll, at, issueMutation } from '../support/corpus.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const comment = (id: bigint, body: string, more: object = {}) => ({ id, body, ...more });

function rowsIn(file: string): number {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare<[], number>('SELECT count(*) FROM corpus_part').pluck().get() ?? 0;
  } finally {
    db.close();
  }
}

test('a comment that is written anew a thousand times stays a few rows, and what was said once stays', () => {
  const store = testStore(folder);
  const repo = store.corpus.repo('o', 'r');
  applyAll(store, repo, [
    issueMutation(1, {
      comments: [
        comment(1n, 'first', { created: at(5), user: { id: 7n, login: 'kim' } }),
        comment(2n, 'other'),
      ],
    }),
  ]);
  for (let n = 1; n <= 1_000; n += 1)
    applyAll(store, repo, [issueMutation(1, { comments: [comment(1n, `edit ${n}`)] })]);
  expect(rowsIn(store.file)).toBeLessThan(100);
  expect(repo.comments(1)).toEqual([
    { id: 2n, body: 'other' },
    { id: 1n, body: 'edit 1000', created: at(5), user: { id: 7n, login: 'kim' } },
  ]);
  expect(repo.partCounts()).toMatchObject({ comments: 2, events: 0 });
});

test('many comments of one issue that nobody writes anew stay as they came', () => {
  const store = testStore(folder);
  const repo = store.corpus.repo('o', 'r');
  const said = Array.from({ length: 300 }, (_, n) =>
    issueMutation(1, { comments: [comment(BigInt(n + 1), 'x')] }),
  );
  applyAll(store, repo, said);
  expect(rowsIn(store.file)).toBe(300);
  expect(repo.comments(1)).toHaveLength(300);
});

test('a login that changes is seen at once, by who changes it and by another process', () => {
  const store = testStore(folder);
  const repo = store.corpus.repo('o', 'r');
  const named = (login: string) =>
    issueMutation(1, { user: { id: 7n, login }, comments: [comment(1n, 'x', { user: { id: 7n } })] });
  applyAll(store, repo, [named('kim')]);
  const other = openStore(store.file, { nowMs: () => 0 });
  try {
    const there = other.corpus.find('o', 'r');
    const seen = () =>
      [repo, there].map((one) => [one?.issue(1)?.user?.login, one?.comments(1)[0]?.user?.login]);
    expect(seen()).toEqual([
      ['kim', 'kim'],
      ['kim', 'kim'],
    ]);
    applyAll(store, repo, [named('robin')]);
    expect(seen()).toEqual([
      ['robin', 'robin'],
      ['robin', 'robin'],
    ]);
  } finally {
    other.close();
  }
});

test('a login of a transaction that was taken back is nowhere', () => {
  const store = testStore(folder);
  const repo = store.corpus.repo('o', 'r');
  applyAll(store, repo, [issueMutation(1, { user: { id: 7n, login: 'kim' } })]);
  expect(() =>
    store.transaction(() => {
      applyAll({ ...store, transaction: (work) => work() }, repo, [
        issueMutation(1, { user: { id: 7n, login: 'robin' } }),
      ]);
      expect(repo.issue(1)?.user?.login).toBe('robin');
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(repo.issue(1)?.user?.login).toBe('kim');
  expect(store.corpus.login(7n)).toBe('kim');
});
