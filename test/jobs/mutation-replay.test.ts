import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import { replayLog } from '../../pipeline/jobs/mutation-replay.ts';
import { followLog } from '../../pipeline/jobs/mutation-replay-follow.ts';
import type { LogRecord, LogSource } from '../../pipeline/mutation-log/contract.ts';
import { openFollower } from '../../pipeline/mutation-log/follow.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { readRecords } from '../../pipeline/records/mutation/framing.ts';
import type { Mutation } from '../../pipeline/records/mutation/types.ts';
import type { CorpusRepo } from '../../pipeline/store/corpus-types.ts';
import { at, issueMutation, recordsOf } from '../support/corpus.ts';
import { startLogServer } from '../support/log-server.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();

/** A log in memory: each list of mutations is a segment. */
function logOf(...segments: readonly (readonly Mutation[])[]): LogSource & { readonly reads: string[] } {
  const records = segments.flatMap((mutations, segment) => recordsOf(mutations, { segment }));
  const reads: string[] = [];
  return {
    url: 'memory:log',
    reads,
    segments: async () =>
      segments.map((_, number) => ({
        number,
        size: records.findLast(({ segment }) => segment === number)?.end ?? 0,
        sha224: '',
        name: String(number),
        growing: number === segments.length - 1,
      })),
    read: async function* ({ from = { segment: 0, offset: 0 } } = {}): AsyncGenerator<LogRecord> {
      reads.push(`${from.segment}:${from.offset}`);
      const has = records.some(
        ({ segment, offset, end }) => segment === from.segment && [offset, end].includes(from.offset),
      );
      if (records.length > 0 && !has) throw new SamovarError('conflict', 'no such place');
      for (const record of records)
        if (
          record.segment > from.segment ||
          (record.segment === from.segment && record.offset >= from.offset)
        )
          yield record;
    },
  };
}

const titles = (...all: readonly string[]) => all.map((title, index) => issueMutation(index + 1, { title }));
const titlesOf = (repo: CorpusRepo) => repo.issues({ after: 0, limit: 100 }).map(({ title }) => title);

function opened() {
  const store = testStore(folder);
  return { store, repo: store.corpus.repo('o', 'r') };
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('nothing was thrown'),
    (cause: unknown) => cause,
  );
  if (error instanceof SamovarError) return `${error.code}: ${error.message}`;
  throw error;
}

describe('a replay', () => {
  test('brings a repository to the end of its log, then reads only what is new', async () => {
    const { store, repo } = opened();
    const first = logOf(titles('a', 'b'), titles('c'));
    const { records, bytes, bytesTotal, position } = await replayLog({ store, repo, source: first });
    expect([records, bytes, position]).toEqual([3, bytesTotal, repo.position()]);
    expect(titlesOf(repo)).toEqual(['c', 'b']);
    const longer = logOf(titles('a', 'b'), titles('c', 'd'));
    expect((await replayLog({ store, repo, source: longer })).records).toBe(1);
    expect(longer.reads).toEqual(['1:0']);
    expect(titlesOf(repo)).toEqual(['c', 'd']);
    expect(await replayLog({ store, repo, source: longer })).toMatchObject({
      records: 0,
      bytes: 0,
      bytesTotal: 0,
    });
  });

  test('of an empty log is done', async () => {
    const { store, repo } = opened();
    expect(await replayLog({ store, repo, source: logOf([]) })).toMatchObject({
      records: 0,
      position: undefined,
    });
  });

  test('says how far it is after each transaction, and keeps what it has when it is stopped', async () => {
    const { store, repo } = opened();
    const source = logOf(titles('a', 'b', 'c', 'd'));
    const stop = new AbortController();
    const seen: number[] = [];
    const within: number[] = [];
    const replaying = replayLog(
      { store, repo, source },
      {
        signal: stop.signal,
        batchBytes: 1,
        within: (batch) => void within.push(batch.length),
        onProgress: ({ records }) => {
          seen.push(records);
          if (records === 2) stop.abort();
        },
      },
    );
    expect(await failure(replaying)).toMatch(/^aborted: stopped while replaying/);
    expect([seen, within]).toEqual([
      [1, 2],
      [1, 1],
    ]);
    expect(titlesOf(repo)).toEqual(['a', 'b']);
    expect((await replayLog({ store, repo, source })).records).toBe(2);
    expect(titlesOf(repo)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('whose transaction fails leaves nothing of it, and the next one mends it', async () => {
    const { store, repo } = opened();
    const source = logOf(titles('a', 'b', 'c'));
    const within = () => {
      if (titlesOf(repo).length === 2) throw new Error('no');
    };
    await expect(replayLog({ store, repo, source }, { batchBytes: 1, within })).rejects.toThrow('no');
    expect(titlesOf(repo)).toEqual(['a']);
    await replayLog({ store, repo, source });
    expect(titlesOf(repo)).toEqual(['a', 'b', 'c']);
  });

  test.each([
    ['another last record', logOf(titles('a', 'x'))],
    ['a shorter log', logOf(titles('a'))],
    ['an empty log', logOf([])],
    ['records elsewhere', logOf(titles('aaaaaaaa', 'b', 'c'))],
  ])('refuses a log that is not the one before: %s', async (_, source) => {
    const { store, repo } = opened();
    await replayLog({ store, repo, source: logOf(titles('a', 'b')) });
    expect(await failure(replayLog({ store, repo, source }))).toMatch(
      /^conflict: o\/r was not replayed from the log at memory:log/,
    );
    expect(titlesOf(repo)).toEqual(['a', 'b']);
    await replayLog({ store, repo, source }, { rebuild: true });
    const records: LogRecord[] = [];
    for await (const record of source.read()) records.push(record);
    expect(titlesOf(repo)).toHaveLength(records.length);
  });

  test('of the recorded log says what maintner says', async () => {
    const bytes = readFileSync(new URL(recordedLog(), import.meta.url));
    const { store, repo } = opened();
    const records: LogRecord[] = [];
    for await (const record of readRecords([bytes], { name: 'recorded' }))
      records.push({ segment: 0, ...record });
    store.transaction(() => repo.apply(records));
    expect(repo.issue(1)).toMatchObject({
      user: { id: 100n, login: 'gopherbot' },
      created: at(1451747040),
      updated: at(1451748600),
      title: 'some title',
      body: '',
      milestone: 'none',
      closed: false,
      closedKnown: true,
      pullRequest: true,
      labels: [],
      commentsUntil: at(1451748720),
      eventsUntil: at(1489444800),
      reviewsUntil: at(1521678420),
      eventMax: at(1521678408),
    });
    expect(repo.issue(2)).toMatchObject({ notExist: true });
    expect(repo.labels()).toEqual([{ id: 7n, name: 'bug' }]);
    expect(repo.milestones()).toEqual([{ id: 9n, title: 'v1', number: 2n, closed: { val: false } }]);
    const [comment] = repo.comments(1);
    expect(comment).toMatchObject({
      id: 3_000_000_000n,
      user: { id: 101n, login: 'k' },
      body: 'h\u00e9llo = REC@',
    });
    // The one without a time comes first.
    expect(repo.events(1).map(({ id, eventType }) => [id, eventType])).toEqual([
      [998_144_999n, 'referenced'],
      [998_144_526n, 'labeled'],
    ]);
    expect(repo.reviews(1)).toMatchObject([
      { id: 123_456n, state: 'APPROVED', actorId: 2_621n, body: 'ship it' },
    ]);
  });
});

function recordedLog(): string {
  return '../golden/mutation-log/0000.66066d1119a6c819bb186e08e9bd20604763714372ba6a123e738b89.mutlog';
}

describe('following a server into the corpus', () => {
  const open = (url: string, cache = mkdtempSync(join(folder, 'cache-'))) =>
    openFollower({ url, folder: cache, timeoutMs: 20_000, retry: (attempt) => attempt() });
  const sleep = async () => undefined;
  const payloads = (mutations: readonly Mutation[]) => mutations.map(encodeMutation);

  test('once: replays what is there and ends', async () => {
    const server = await startLogServer();
    const { store, repo } = opened();
    server.append(payloads(titles('a', 'b')));
    const follower = open(server.url);
    expect(await followLog({ store, repo, follower, sleep }, { once: true })).toMatchObject({ records: 2 });
    expect(titlesOf(repo)).toEqual(['a', 'b']);
    expect(await followLog({ store, repo, follower, sleep }, { once: true })).toMatchObject({ records: 0 });
  });

  test('goes on until the signal, through rotations', async () => {
    const server = await startLogServer();
    const { store, repo } = opened();
    const stop = new AbortController();
    const said = [titles('a'), titles('b'), titles('c', 'd')];
    const onReplayed = () => {
      const next = said.shift();
      if (next === undefined) return stop.abort();
      if (next.length > 1) server.rotate();
      server.append(payloads(next));
    };
    const result = await followLog(
      { store, repo, follower: open(server.url), sleep },
      { signal: stop.signal, onReplayed },
    );
    expect(result.records).toBe(4);
    expect(titlesOf(repo)).toEqual(['c', 'd']);
  });

  test('a split ends it, --rebuild begins anew', async () => {
    const server = await startLogServer();
    const { store, repo } = opened();
    server.append(payloads(titles('a', 'b')));
    const follower = open(server.url);
    await followLog({ store, repo, follower, sleep }, { once: true });
    server.replace([]);
    server.append(payloads(titles('x')));
    const again = followLog({ store, repo, follower, sleep }, { once: true });
    expect(await failure(again)).toMatch(/^conflict: history-split/);
    expect(titlesOf(repo)).toEqual(['a', 'b']);
    await followLog({ store, repo, follower, sleep }, { once: true, rebuild: true });
    expect(titlesOf(repo)).toEqual(['x']);
  });

  test('a split is seen without the cache too: the corpus knows its last record', async () => {
    const server = await startLogServer();
    const { store, repo } = opened();
    server.append(payloads(titles('a', 'b')));
    await followLog({ store, repo, follower: open(server.url), sleep }, { once: true });
    server.replace([]);
    server.append(payloads(titles('a', 'x', 'c')));
    const follower = open(server.url);
    expect(await failure(followLog({ store, repo, follower, sleep }, { once: true }))).toMatch(
      /^conflict: o\/r was not/,
    );
  });

  test('files that are not of the log do no harm', async () => {
    const server = await startLogServer();
    const { store, repo } = opened();
    server.append(payloads(titles('a')));
    const cache = mkdtempSync(join(folder, 'cache-'));
    mkdirSync(join(cache, 'folder'));
    for (const name of ['notes.txt', '0000.old.part', '0007.growing.mutlog'])
      writeFileSync(join(cache, name), 'x');
    await followLog({ store, repo, follower: open(server.url, cache), sleep }, { once: true });
    expect(titlesOf(repo)).toEqual(['a']);
    expect(readFileSync(join(cache, 'notes.txt'), 'utf8')).toBe('x');
  });
});
