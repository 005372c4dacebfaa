import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { NOW_MS, savedBuild } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const options = { nowMs: () => NOW_MS };

function failure(file: string): SamovarError {
  try {
    openStore(file, options).close();
  } catch (error) {
    if (error instanceof SamovarError) return error;
    throw error;
  }
  throw new Error('opened after all');
}

describe('opening the database', () => {
  it('says so when the file is no database', () => {
    const file = join(folder, 'text.db');
    writeFileSync(file, 'this is not a database, and long enough to be looked at as one. '.repeat(20));
    const error = failure(file);
    expect(error.code).toBe('storage');
    expect(error.remedy).toContain('Restore the file');
  });

  it("refuses somebody else's database, and leaves it alone", () => {
    const file = join(folder, 'other.db');
    const db = new Database(file);
    db.exec('create table theirs(x)');
    db.close();
    expect(failure(file)).toMatchObject({ code: 'config' });
    const again = new Database(file);
    expect(again.prepare('select name from sqlite_schema').pluck().all()).toEqual(['theirs']);
    again.close();
  });

  it('refuses a database of a newer version', () => {
    const file = join(folder, 'newer.db');
    openStore(file, options).close();
    const db = new Database(file);
    db.pragma('user_version = 999');
    db.close();
    expect(failure(file)).toMatchObject({ code: 'incompatible' });
  });

  it('keeps a build its id for ever, whatever changes in it', () => {
    const store = openStore(join(folder, 'ids.db'), options);
    const root = store.cursors.rootId('gs://bucket/logs/');
    const first = store.builds.save(
      savedBuild({ root, state: 'running', finishedJson: null, finishedAt: null }),
    );
    store.builds.save(savedBuild({ root, build: '101' }));
    expect(store.builds.save(savedBuild({ root }))).toBe(first);
    expect(store.builds.byId(first)?.state).toBe('complete');
    store.close();
  });
});
