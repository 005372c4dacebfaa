import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../pipeline/store/open.ts';
import { kettleDatabase } from '../support/kettle-db.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const options = { nowMs: () => NOW_MS };
const xml = '<testsuite><testcase name="a"/></testsuite>';

function sample(file: string): void {
  kettleDatabase(file, [
    {
      path: 'gs://kubernetes-ci-logs/logs/ci-a/1',
      started: '{"timestamp": 100}',
      finished: '{"result": "SUCCESS", "timestamp": 200}',
      finishedTime: 200,
      files: { 'artifacts/junit_01.xml': xml },
      emitted: { build_emitted_1: 0, build_emitted_7: 3, build_emitted: 0 },
    },
    {
      path: 'gs://kubernetes-ci-logs/pr-logs/pull/org_repo/77/pull-b/2',
      started: '{"timestamp": 300}',
      finished: '{"result": "FAILURE"}',
      junitMissing: true,
      emitted: { build_emitted_7: 4 },
    },
    { path: 'gs://kubernetes-ci-logs/logs/ci-a/3', started: '{"timestamp": 500}', junitMissing: true },
    {
      path: 'gs://kubernetes-ci-logs/logs/ci-a/4',
      started: 'not json',
      finished: '{"timestamp": 900}',
      finishedTime: 900,
    },
  ]);
}

describe('a Kettle database', () => {
  it('is copied aside byte for byte and upgraded in place', () => {
    const file = join(folder, 'build.db');
    sample(file);
    const before = readFileSync(file);
    const notices: string[] = [];
    const store = openStore(file, { ...options, onNotice: (text) => notices.push(text) });
    expect(readFileSync(`${file}.kettle-backup`).equals(before)).toBe(true);
    expect(notices.join('\n')).toContain('4 builds');
    expect(store.builds.counts()).toEqual({ builds: 4, finished: 3, open: 1 });
    store.close();
    const db = new Database(file, { readonly: true });
    const tables = db.prepare(`select name from sqlite_schema where type = 'table'`).pluck().all();
    expect(tables.filter((name) => String(name).startsWith('kettle_') || name === 'file')).toEqual([]);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.prepare('pragma foreign_key_check').all()).toEqual([]);
    db.close();
  });

  it('keeps builds with their roots, states and times', () => {
    const file = join(folder, 'builds.db');
    sample(file);
    const store = openStore(file, options);
    const batch = store.builds.byPath('gs://kubernetes-ci-logs/pr-logs/pull/org_repo/77/pull-b/2');
    expect(batch).toMatchObject({
      job: 'pull-b',
      build: '2',
      state: 'complete',
      junit: 'pending',
      finishedAt: 300,
    });
    expect(batch?.root).toBe(store.cursors.rootId('gs://kubernetes-ci-logs/pr-logs/'));
    expect(store.builds.byPath('gs://kubernetes-ci-logs/logs/ci-a/1')).toMatchObject({
      junit: 'done',
      finishedAt: 200,
    });
    expect(store.builds.byPath('gs://kubernetes-ci-logs/logs/ci-a/3')).toMatchObject({
      state: 'running',
      finishedAt: null,
      firstSeenAt: 500_000,
    });
    expect(store.builds.byPath('gs://kubernetes-ci-logs/logs/ci-a/4')).toMatchObject({
      state: 'complete',
      finishedAt: 900,
    });
    store.close();
  });

  it('keeps raw XML and what each ledger has emitted, by generation', () => {
    const file = join(folder, 'ledgers.db');
    sample(file);
    const store = openStore(file, options);
    const id = store.builds.byPath('gs://kubernetes-ci-logs/logs/ci-a/1')?.id ?? 0;
    expect(store.junit.rawNames(id)).toEqual(['artifacts/junit_01.xml']);
    expect(
      inflateSync(store.junit.raw(id, 'artifacts/junit_01.xml')?.data ?? Buffer.alloc(0)).toString(),
    ).toBe(xml);
    expect(store.ledger.names()).toEqual(['build_emitted', 'build_emitted_1', 'build_emitted_7']);
    const week = store.ledger.findDestination('build_emitted_7') ?? 0;
    expect(store.ledger.counts(week)).toEqual({ committed: 2, open: 0 });
    expect(store.ledger.begin(week, false).generation).toBe(5);
    expect(store.ledger.adopt('build_emitted_7', 'bigquery:p:d/week')).toBe(true);
    expect(store.ledger.findDestination('bigquery:p:d/week')).toBe(week);
    store.close();
  });

  it('is not upgraded twice: a second opening changes nothing', () => {
    const file = join(folder, 'twice.db');
    sample(file);
    openStore(file, options).close();
    const copy = join(folder, 'twice-copy.db');
    copyFileSync(file, copy);
    const store = openStore(file, options);
    expect(store.builds.counts().builds).toBe(4);
    store.close();
  });

  it('is left as it was when the upgrade fails half way', () => {
    const file = join(folder, 'broken.db');
    sample(file);
    const db = new Database(file);
    // A second row of the same path cannot exist in Kettle's table, but a view in the way can.
    db.exec('create view root as select 1 as url');
    db.close();
    const before = readFileSync(file);
    expect(() => openStore(file, options)).toThrow(/cannot use the database/);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(existsSync(`${file}.kettle-backup`)).toBe(true);
  });
});
