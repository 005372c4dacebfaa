import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { diskFreeBytes, diskSpace, headroomOf, pagesLeft } from '../../pipeline/store/headroom.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();

function open(name: string): Database.Database {
  const db = new Database(name === ':memory:' ? name : join(folder, name));
  onTestFinished(() => void db.close());
  return db;
}

test('pages left are those under the limit, fewer as the database grows', () => {
  const db = open('pages.db');
  db.exec('CREATE TABLE t (bytes BLOB)');
  db.pragma('max_page_count = 1000');
  const before = pagesLeft(db);
  expect(before).toBe(1000 - Number(db.pragma('page_count', { simple: true })));
  db.prepare('INSERT INTO t VALUES (zeroblob(409600))').run();
  expect(pagesLeft(db)).toBeLessThanOrEqual(before - 100);
  expect(() => db.prepare('INSERT INTO t VALUES (zeroblob(40960000))').run()).toThrow(/full/);
});

test('free bytes are those of the disk the file is on, whether or not there is a file yet', async () => {
  const { blocks, bsize } = statfsSync(folder);
  const { freeBytes, sizeBytes } = await diskSpace(join(folder, 'not yet.db'));
  expect(sizeBytes).toBe(blocks * bsize);
  expect(freeBytes).toBeGreaterThan(0);
  expect(freeBytes).toBeLessThanOrEqual(sizeBytes);
  expect(await diskFreeBytes('a-file-of-the-working-folder.db')).toBeGreaterThan(0);
});

test('a database in memory has no such limits', async () => {
  expect(await diskFreeBytes(':memory:')).toBe(Number.POSITIVE_INFINITY);
  expect(pagesLeft(open(':memory:'))).toBe(Number.POSITIVE_INFINITY);
});

test('headroom is both, and without a database only the disk', async () => {
  const db = open('both.db');
  const { diskSizeBytes, ...rest } = await headroomOf(join(folder, 'both.db'), db);
  expect(rest).toMatchObject({ diskFreeBytes: expect.any(Number), pagesLeft: pagesLeft(db) });
  expect(await headroomOf(join(folder, 'both.db'))).toEqual({
    diskFreeBytes: expect.any(Number),
    diskSizeBytes,
  });
});

test('a folder that is not there is a storage error with a remedy', async () => {
  await expect(diskFreeBytes(join(folder, 'none', 'build.db'))).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringContaining(join(folder, 'none')),
    remedy: expect.any(String),
  });
});
