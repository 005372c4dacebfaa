import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { EXPORT_KINDS, type ExportRequest, exportText } from '../../pipeline/jobs/mutation-export.ts';
import { writeToFile, writeToStream } from '../../pipeline/jobs/mutation-export-file.ts';
import { knownRepos } from '../../pipeline/jobs/mutation-stats.ts';
import type { Mutation } from '../../pipeline/records/mutation/types.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { applyAll, at, issueMutation, repoMutation } from '../support/corpus.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const T = 1_700_000_000;

const HISTORY: readonly Mutation[] = [
  repoMutation({ labels: [{ id: 5n, name: 'bug' }], milestones: [{ id: 6n, title: 'v1', number: 1n }] }),
  issueMutation(1, {
    id: 9_007_199_254_740_993n,
    title: 'A "quoted", title\nof two lines',
    user: { id: 11n, login: 'ann' },
    created: at(T),
    updated: { seconds: T + 5, nanos: 250_000_000 },
    addLabels: [{ id: 5n, name: 'bug' }],
    comments: [
      { id: 21n, user: { id: 12n, login: 'bob' }, body: 'yes', created: at(T + 1), updated: at(T + 1) },
    ],
    events: [
      { id: 31n, eventType: 'labeled', actorId: 11n, created: at(T + 2), label: { id: 0n, name: 'bug' } },
    ],
  }),
  issueMutation(2, {
    title: 'gone',
    created: at(T),
    comments: [{ id: 22n, user: { id: 12n }, body: 'too', created: at(T), updated: at(T) }],
  }),
  issueMutation(2, { notExist: true }),
  issueMutation(3, {
    title: 'a change',
    created: at(T),
    pullRequest: true,
    reviews: [{ id: 41n, actorId: 12n, state: 'APPROVED', created: at(T + 9) }],
    samovar: {
      pull: { merged: true, mergedAt: at(T + 10) },
      reviewComments: [
        { id: 51n, user: { id: 12n, login: 'bob' }, body: 'here', path: 'a.go', created: at(T + 8) },
      ],
    },
  }),
];

function filled(): Store {
  const store = testStore(folder);
  applyAll(store, store.corpus.repo('o', 'r'), HISTORY);
  return store;
}

async function text(store: Store, over: Partial<ExportRequest> = {}): Promise<string> {
  const repos = store.corpus.repos();
  const parts = exportText(store.corpus, {
    repos,
    kind: 'issues',
    format: 'ndjson',
    deleted: false,
    ...over,
  });
  let all = '';
  for await (const part of parts) all += part;
  return all;
}

const rows = async (...args: Parameters<typeof text>) =>
  (await text(...args))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('an export', () => {
  test('has a line of JSON for each thing, times as text, ids exactly', async () => {
    const store = filled();
    const [first, second, ...more] = await rows(store);
    expect(first).toMatchObject({
      path: 'o/r/1',
      id: '9007199254740993',
      title: 'A "quoted", title\nof two lines',
      user_login: 'ann',
      created: '2023-11-14T22:13:20Z',
      updated: '2023-11-14T22:13:25.250Z',
      labels: [{ id: 5, name: 'bug' }],
    });
    expect([second?.number, more]).toEqual([3, []]);
  });

  test.each([
    ['pulls', ['o/r/3']],
    ['comments', ['o/r/1/c/21', 'o/r/3/r/51']],
    ['reviews', ['o/r/3/41']],
    ['events', ['o/r/1/31']],
    ['labels', ['o/r/5']],
    ['milestones', ['o/r/6']],
  ] as const)('of %s has what is there', async (kind, paths) => {
    const store = filled();
    expect((await rows(store, { kind })).map(({ path }) => path)).toEqual(paths);
  });

  test('has what is gone when it is asked for', async () => {
    const store = filled();
    expect((await rows(store, { deleted: true })).map(({ number, deleted }) => [number, deleted])).toEqual([
      [1, false],
      [2, true],
      [3, false],
    ]);
    expect(await rows(store, { kind: 'comments', deleted: true })).toHaveLength(3);
  });

  test('goes over all pages, once', async () => {
    const store = testStore(folder);
    const many = Array.from({ length: 450 }, (_, index) =>
      issueMutation(index + 1, { title: `${index + 1}` }),
    );
    applyAll(store, store.corpus.repo('o', 'r'), many);
    expect((await rows(store)).map(({ number }) => number)).toEqual(many.map((_, index) => index + 1));
  });

  test('as CSV has titles, quotes what needs it, and lists as JSON', async () => {
    const store = filled();
    const csv = await text(store, { format: 'csv' });
    expect(csv.startsWith('path,owner,repo,number,id,')).toBe(true);
    expect(csv).toContain('"A ""quoted"", title\nof two lines"');
    expect(csv).toContain('"[{""id"":5,""name"":""bug""}]"');
    expect(csv.endsWith('\r\n')).toBe(true);
  });

  test.each(EXPORT_KINDS)('as CSV of %s has as many cells in every line as titles', async (kind) => {
    const store = filled();
    const csv = await text(store, { kind, format: 'csv' });
    const cells = csv
      .replaceAll(/"(?:[^"]|"")*"/g, 'q')
      .split('\r\n')
      .filter((line) => line !== '')
      .map((line) => line.split(',').length);
    expect(cells.length).toBeGreaterThan(1);
    expect(new Set(cells).size).toBe(1);
  });
});

describe('where it goes', () => {
  async function* parts() {
    yield 'one\n';
    yield 'two\n';
  }
  async function* failing() {
    yield 'one\n';
    throw new Error('no more');
  }

  test('a file is there whole or not at all', async () => {
    const file = join(folder, 'deep', 'out.ndjson');
    await expect(writeToFile(file, failing())).rejects.toThrow('no more');
    expect([existsSync(file), existsSync(`${file}.partial`)]).toEqual([false, false]);
    await writeToFile(file, parts());
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
    await expect(writeToFile(file, failing())).rejects.toThrow('no more');
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
  });

  test('a reader that is slow is waited for; one that went away ends it', async () => {
    const slow = new PassThrough({ highWaterMark: 1 });
    let read = '';
    slow.on('data', (chunk: Buffer) => {
      read += String(chunk);
    });
    expect(await writeToStream(slow, parts())).toBe(true);
    expect(read).toBe('one\ntwo\n');
    const gone = new PassThrough();
    gone.destroy();
    expect(await writeToStream(gone, parts())).toBe(false);
    await expect(writeToStream(slow, failing())).rejects.toThrow('no more');
  });
});

test('a repository that is not known is named', () => {
  const store = filled();
  expect(knownRepos(store.corpus, [])).toHaveLength(1);
  expect(() => knownRepos(store.corpus, ['o/r', 'o/x'])).toThrow('nothing is known of a repository o/x');
});
