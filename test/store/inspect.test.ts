import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { holdDatabase, lookAtHold } from '../../pipeline/store/hold.ts';
import { type Inspection, inspectDatabase, sqliteVersion } from '../../pipeline/store/inspect.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { kettleDatabase } from '../support/kettle-db.ts';
import { addRow, NOW_MS, savedBuild, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const NAME = 'duckdb:w/all';
const EVER = { since: Number.MIN_SAFE_INTEGER, versionsSince: 0 };
const NOW_S = NOW_MS / 1000;

function inspected(file: string): Inspection {
  const inspection = inspectDatabase(file);
  if (inspection === undefined) throw new Error(`${file} is not there`);
  onTestFinished(() => inspection.close());
  return inspection;
}

describe('a look at a database', () => {
  it('tells what a writer that goes on has committed, and keeps nobody from writing', async () => {
    const store = testStore(tempFolder());
    await addRow(store, { path: 'gs://bucket/logs/a/1' });
    const look = inspected(store.file);
    expect(look.builds()).toEqual({ builds: 1, finished: 1, watched: 0 });
    await addRow(store, { path: 'gs://bucket/logs/a/2', build: '2', state: 'settling' });
    expect(look.builds()).toEqual({ builds: 2, finished: 2, watched: 1 });
    expect(look.quickCheck()).toEqual([]);
    expect(look.foreignKeys()).toEqual([]);
    expect(look).toMatchObject({ kind: 'samovar', schema: look.schemaKnown });
  });

  it('changes no byte of a database, and makes none', async () => {
    const folder = tempFolder();
    const file = join(folder, 'b.db');
    const store = openStore(file, { nowMs: () => NOW_MS });
    await addRow(store);
    store.close();
    const before = readFileSync(file);
    const look = inspectDatabase(file);
    look?.table(NAME, EVER);
    look?.quickCheck();
    look?.close();
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(inspectDatabase(join(folder, 'none.db'))).toBeUndefined();
    expect(readdirSync(folder)).not.toContain('none.db');
  });

  it('counts what a table has, what is on its way, and what waits and since when', async () => {
    const store = testStore(tempFolder());
    const ids: number[] = [];
    for (const hours of [5, 4, 3, 2, 1]) {
      const build = String(100 - hours);
      const { id } = await addRow(store, { path: `p/${build}`, build, finishedAt: NOW_S - hours * 3600 });
      ids.push(id);
    }
    const [committed = 0, changed = 0, sent = 0, , young = 0] = ids;
    const destination = store.ledger.destination(NAME);
    const versionOf = (id: number) => store.rows.get(id)?.version ?? 0;
    const load = (items: readonly { item: number; version: number }[], isCommitted: boolean) => {
      const batch = store.ledger.begin(destination, false);
      store.ledger.add(batch, items);
      store.ledger.send(batch, { jobId: `j${batch.id}`, warehouse: 'w', attempt: 1 });
      if (isCommitted) store.ledger.commit(batch);
    };
    load(
      [
        { item: committed, version: versionOf(committed) },
        { item: changed, version: 7 },
      ],
      true,
    );
    load([{ item: sent, version: versionOf(sent) }], false);
    const look = inspected(store.file);
    // Waiting: a new version of one, one that is on its way, and two that nobody has taken. First seen now, all of them.
    expect(look.table(NAME, EVER)).toEqual({
      ...{ committed: 2, open: 1, waiting: 4, oldestWaitingAt: NOW_MS, committedAt: NOW_MS },
    });
    expect(look.table(NAME, { since: NOW_S - 1.5 * 3600, versionsSince: 0 }).waiting).toBe(1);
    expect(look.table(NAME, { since: EVER.since, versionsSince: NOW_S }).waiting).toBe(3);
    expect(look.table('duckdb:w/never', EVER)).toMatchObject({ committed: 0, waiting: 5 });
    expect(young).toBeGreaterThan(0);
  });

  it('a build without a row waits for no table', () => {
    const store = testStore(tempFolder());
    store.builds.save(savedBuild({ root: store.cursors.rootId('gs://bucket/logs/') }));
    expect(inspected(store.file).table(NAME, EVER).waiting).toBe(0);
  });

  it('tells the newest build of each root, by its end, or by when it was first seen', async () => {
    const store = testStore(tempFolder());
    const quiet = store.cursors.rootId('gs://quiet/logs/');
    store.cursors.rootId('gs://empty/logs/');
    await addRow(store, { path: 'a', build: '1', finishedAt: NOW_S - 60 });
    await addRow(store, { path: 'b', build: '2', finishedAt: NOW_S - 999 });
    store.builds.save(
      savedBuild({ path: 'c', root: quiet, finishedAt: null, finishedJson: null, state: 'running' }),
    );
    expect(inspected(store.file).roots()).toEqual([
      { url: 'gs://bucket/logs/', builds: 2, newestAt: NOW_MS - 60_000 },
      { url: 'gs://empty/logs/', builds: 0, newestAt: undefined },
      { url: 'gs://quiet/logs/', builds: 1, newestAt: NOW_MS },
    ]);
  });

  it('counts dead letters by kind, and those set aside since a time', () => {
    const folder = tempFolder();
    let nowMs = NOW_MS - 86_400_000 * 2;
    const store = openStore(join(folder, 'b.db'), { nowMs: () => nowMs });
    onTestFinished(() => store.close());
    const letter = { code: 'missing', reason: 'gone' } as const;
    store.deadLetters.add({ kind: 'collect', subject: 'a', ...letter });
    nowMs = NOW_MS;
    // Tried again: not new.
    store.deadLetters.add({ kind: 'collect', subject: 'a', ...letter });
    store.deadLetters.add({ kind: 'load', subject: 'b', ...letter });
    expect(inspected(store.file).deadLetters(NOW_MS - 86_400_000)).toEqual({
      count: 2,
      kinds: [
        { kind: 'collect', count: 1 },
        { kind: 'load', count: 1 },
      ],
      newer: 1,
      newestAt: NOW_MS,
    });
  });

  it('says what a file is that is none of ours, of Kettle, empty, older or newer', () => {
    const folder = tempFolder();
    const made = (name: string, sql: string) => {
      const file = join(folder, name);
      const db = new Database(file);
      db.exec(sql);
      db.close();
      return inspected(file);
    };
    expect(made('foreign.db', 'CREATE TABLE t(a)').kind).toBe('foreign');
    writeFileSync(join(folder, 'empty.db'), '');
    expect(inspected(join(folder, 'empty.db')).kind).toBe('empty');
    const kettle = join(folder, 'kettle.db');
    kettleDatabase(kettle, []);
    expect(inspected(kettle)).toMatchObject({ kind: 'kettle' });
    expect(inspected(kettle).builds()).toEqual({ builds: 0, finished: 0, watched: 0 });
    const store = testStore(folder);
    const db = new Database(store.file);
    onTestFinished(() => void db.close());
    db.pragma('user_version = 1');
    expect(inspected(store.file)).toMatchObject({ kind: 'samovar', schema: 1 });
    expect(inspected(store.file).caches()).toBeUndefined();
    db.pragma('user_version = 999');
    expect(inspected(store.file).kind).toBe('newer');
  });

  it('a file that is no database, or a broken one, is told of', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'text.db'), 'this is no database at all, only words. '.repeat(50));
    expect(() => inspectDatabase(join(folder, 'text.db'))).toThrow(/cannot look into the database/);
    const file = join(folder, 'b.db');
    const store = openStore(file, { nowMs: () => NOW_MS });
    for (let build = 0; build < 50; build += 1)
      await addRow(store, { path: `p${build}`, build: String(build) });
    store.close();
    const db = new Database(file);
    const page = db
      .prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'build_by_finished'`)
      .pluck()
      .get();
    db.close();
    const bytes = readFileSync(file);
    bytes.fill(0xff, (Number(page) - 1) * 4096, Number(page) * 4096);
    writeFileSync(file, bytes);
    const look = inspected(file);
    expect(look.quickCheck().length).toBeGreaterThan(0);
    expect(() => look.table(NAME, EVER)).toThrow(/cannot read the database/);
  });
});

describe('a look at who holds a database', () => {
  const options = (waitMs = 0) => ({
    ...{ command: 'update', waitMs, nowMs: () => NOW_MS, sleep: async () => undefined },
    signal: new AbortController().signal,
  });

  it('names the holder while there is one, and makes nothing', async () => {
    const folder = tempFolder();
    const file = join(folder, 'b.db');
    expect(lookAtHold(file)).toEqual({ state: 'free' });
    expect(readdirSync(folder)).toEqual([]);
    const release = await holdDatabase(file, options());
    expect(lookAtHold(file)).toMatchObject({
      state: 'held',
      holder: { command: 'update', process: process.pid, since: NOW_MS },
    });
    release();
    expect(lookAtHold(file)).toEqual({ state: 'free' });
    (await holdDatabase(file, options()))();
  });

  it('does not know where the file is none of the kind', () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'b.db.hold'));
    expect(lookAtHold(join(folder, 'b.db'))).toEqual({ state: 'unknown' });
  });
});

it('the version of SQLite is told', () => {
  expect(sqliteVersion()).toMatch(/^3\.\d+/);
});
