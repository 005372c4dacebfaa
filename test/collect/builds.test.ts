import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { collect, root, storedRows } from '../support/collect.ts';
import { junitXml, prowFolder } from '../support/prow.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const DAY_MS = 86_400_000;
const at = (agoMs: number) => Math.floor((NOW_MS - agoMs) / 1000);
let buckets = 0;

function newBucket() {
  buckets += 1;
  const folder = join(temp, `bucket-${buckets}`);
  return {
    folder,
    prow: prowFolder(folder),
    logs: root(`file:${folder}/logs/`),
    prLogs: root(`file:${folder}/pr-logs/`, { pr: true, prefix: 'pr:' }),
  };
}

const done = (agoMs: number, result = 'SUCCESS') => ({
  started: { timestamp: at(agoMs + 600_000) },
  finished: { timestamp: at(agoMs), result },
});

describe('collecting builds', () => {
  it('makes a row of every finished build, with its tests in the order of file names', async () => {
    const { prow, logs } = newBucket();
    const files = {
      'artifacts/junit_02.xml': junitXml({ passed: 1 }),
      'artifacts/junit_01.xml': junitXml({ failed: 1, skipped: 3 }),
    };
    prow.build('ci-a', snowflakeAt(NOW_MS - DAY_MS), { ...done(DAY_MS), files });
    const store = testStore(temp);
    const { stats, result } = await collect(store, [logs]);
    expect(result.failures).toEqual([]);
    expect(stats).toMatchObject({ added: 1, rows: 1, junitFiles: 2, tests: 2, failures: 0 });
    const [row] = storedRows(store);
    expect(row?.test.map(({ name }) => name)).toEqual(['fails 0', 'passes 0']);
    expect(row).toMatchObject({ job: 'ci-a', passed: true, tests_run: 2, tests_failed: 1, elapsed: 600 });
  });

  it('finds JUnit at any depth and named as Bazel does, and nothing else', async () => {
    const { prow, logs } = newBucket();
    const xml = junitXml({ passed: 1 });
    const files = {
      'artifacts/junit.xml': xml,
      'artifacts/step/junit_e2e.xml': xml,
      'artifacts/bazel/pkg/test.xml': xml,
      'artifacts/report.xml': xml,
      'artifacts/junit.txt': xml,
      'artifacts/junit/other.xml': xml,
      'junit.xml': xml,
    };
    prow.build('ci-a', snowflakeAt(NOW_MS - DAY_MS), { ...done(DAY_MS), files });
    const store = testStore(temp);
    await collect(store, [logs]);
    expect(store.junit.files(1).map(({ name }) => name)).toEqual([
      'artifacts/bazel/pkg/test.xml',
      'artifacts/junit.xml',
      'artifacts/step/junit_e2e.xml',
    ]);
  });

  it('does not give build 1 the files of build 10', async () => {
    const { prow, logs } = newBucket();
    prow.build('ci-a', '1', { ...done(DAY_MS), files: { 'artifacts/junit.xml': junitXml({ passed: 1 }) } });
    prow.build('ci-a', '10', { ...done(DAY_MS), files: { 'artifacts/junit.xml': junitXml({ passed: 5 }) } });
    const store = testStore(temp);
    await collect(store, [logs]);
    expect(storedRows(store).map((row) => [row.number, row.tests_run])).toEqual([
      [1, 1],
      [10, 5],
    ]);
  });

  it('follows presubmit pointers, and finds batch builds, which have none', async () => {
    const { prow, prLogs } = newBucket();
    const [one, two, three] = [1, 2, 3].map((n) => snowflakeAt(NOW_MS - n * DAY_MS));
    prow.presubmit('org_repo', 12, 'pull-a', one ?? '', done(DAY_MS));
    prow.presubmit('org_repo', 13, 'pull-a', two ?? '', {
      ...done(DAY_MS),
      pointer: ` gs://anywhere/pr-logs/pull/org_repo/13/pull-a/${two}/ `,
    });
    prow.put(`pr-logs/pull/batch/pull-b/${three}/finished.json`, JSON.stringify(done(DAY_MS).finished));
    prow.put('pr-logs/directory/pull-a/latest-build.txt', 'x');
    const store = testStore(temp);
    const { stats } = await collect(store, [prLogs]);
    expect(stats.failures).toBe(0);
    expect(
      storedRows(store)
        .map(({ job }) => job)
        .sort(),
    ).toEqual(['pr:pull-a', 'pr:pull-a', 'pr:pull-b']);
  });

  it.each([
    ['out of its bucket', 'gs://bucket/../../etc/passwd'],
    ['nowhere', 'no url at all'],
    ['to nothing', ''],
  ])('a pointer that leads %s is a dead letter, and the rest goes on', async (_, pointer) => {
    const { prow, prLogs } = newBucket();
    prow.presubmit('org_repo', 1, 'pull-a', snowflakeAt(NOW_MS - DAY_MS), { ...done(DAY_MS), pointer });
    prow.presubmit('org_repo', 2, 'pull-a', snowflakeAt(NOW_MS - 2 * DAY_MS), done(DAY_MS));
    const store = testStore(temp);
    const { stats } = await collect(store, [prLogs]);
    expect(stats).toMatchObject({ rows: 1, failures: 1 });
    const [letter] = [...store.deadLetters.list()];
    expect(letter).toMatchObject({ kind: 'collect', code: 'malformed', job: 'pull-a' });
    expect(letter?.reason).toContain('does not point to a build of its own bucket');
  });

  it('excludes what the one filter excludes, in folders and in pointers', async () => {
    const { prow, logs, prLogs } = newBucket();
    const id = snowflakeAt(NOW_MS - DAY_MS);
    for (const job of ['ci-good', 'ci-flaky']) {
      prow.build(job, id, done(DAY_MS));
      prow.presubmit('org_repo', 1, `pull-${job}`, id, done(DAY_MS));
    }
    const excludes = (job: string) => (job.includes('flaky') ? 'flaky' : undefined);
    const store = testStore(temp);
    await collect(store, [
      { ...logs, excludes },
      { ...prLogs, excludes },
    ]);
    expect(
      storedRows(store)
        .map(({ job }) => job)
        .sort(),
    ).toEqual(['ci-good', 'pr:pull-ci-good']);
  });

  it('a second run asks for the jobs and what is new, and nothing that is known', async () => {
    const { prow, logs } = newBucket();
    for (let n = 1; n <= 20; n += 1) prow.build('ci-a', snowflakeAt(NOW_MS - n * DAY_MS), done(n * DAY_MS));
    const store = testStore(temp);
    await collect(store, [logs]);
    const idle = await collect(store, [logs]);
    expect(idle.stats).toMatchObject({ found: 0, added: 0, requests: { list: 2, read: 0 } });
    prow.build('ci-a', snowflakeAt(NOW_MS - 7_200_000), done(7_200_000));
    const { stats } = await collect(store, [logs]);
    expect(stats).toMatchObject({ added: 1, requests: { list: 3, read: 2 } });
  });

  it('sees a build that shows up late, under an id below the youngest one', async () => {
    const { prow, logs } = newBucket();
    prow.build('ci-a', snowflakeAt(NOW_MS - 2 * 3_600_000), done(3_600_001));
    const store = testStore(temp);
    await collect(store, [logs]);
    prow.build('ci-a', snowflakeAt(NOW_MS - 5 * 3_600_000), done(3_600_001));
    expect((await collect(store, [logs])).stats.added).toBe(1);
  });

  it('looks at unfinished builds again until they are five days old', async () => {
    const { prow, logs } = newBucket();
    const id = snowflakeAt(NOW_MS - 3_600_000);
    prow.build('ci-a', id, { started: { timestamp: at(3_600_000) } });
    const store = testStore(temp);
    await collect(store, [logs]);
    expect(store.builds.byId(1)).toMatchObject({ state: 'running' });
    expect(store.rows.count()).toBe(0);
    await collect(store, [logs], {}, { nowMs: () => NOW_MS + DAY_MS });
    expect(store.builds.byId(1)).toMatchObject({ state: 'running' });
    await collect(store, [logs], {}, { nowMs: () => NOW_MS + 6 * DAY_MS });
    expect(store.builds.byId(1)).toMatchObject({ state: 'abandoned' });
    prow.build('ci-a', id, { finished: { timestamp: at(0) } });
    const late = await collect(store, [logs], {}, { nowMs: () => NOW_MS + 7 * DAY_MS });
    expect(late.stats.rows).toBe(0);
  });

  it('takes a build that was running as soon as it is finished', async () => {
    const { prow, logs } = newBucket();
    const id = snowflakeAt(NOW_MS - 3_600_000);
    prow.build('ci-a', id, { started: { timestamp: at(3_600_000) } });
    const store = testStore(temp);
    await collect(store, [logs]);
    prow.build('ci-a', id, {
      finished: { timestamp: at(-600_000), passed: true },
      files: { 'artifacts/junit.xml': junitXml({ passed: 2 }) },
    });
    await collect(store, [logs], {}, { nowMs: () => NOW_MS + 700_000 });
    expect(storedRows(store)).toMatchObject([{ passed: true, tests_run: 2 }]);
    expect(store.builds.byId(1)?.id).toBe(1);
  });

  it('reads a rewritten finished.json again: a new version of the same row', async () => {
    const { prow, logs } = newBucket();
    const id = snowflakeAt(NOW_MS - 1_200_000);
    prow.build('ci-a', id, {
      ...done(600_000, 'FAILURE'),
      files: { 'artifacts/junit.xml': junitXml({ passed: 2 }) },
    });
    const store = testStore(temp);
    await collect(store, [logs]);
    const first = store.rows.get(1);
    prow.build('ci-a', id, {
      finished: { ...done(600_000).finished, passed: true, result: 'SUCCESS', more: 1 },
    });
    await collect(store, [logs], {}, { nowMs: () => NOW_MS + 60_000 });
    expect(store.rows.get(1)?.version).not.toBe(first?.version);
    expect(storedRows(store)).toMatchObject([{ result: 'SUCCESS', tests_run: 2 }]);
  });

  it('looks at files once more when a build has settled, and then no more', async () => {
    const { prow, logs } = newBucket();
    const id = snowflakeAt(NOW_MS - 1_200_000);
    prow.build('ci-a', id, done(600_000));
    const store = testStore(temp);
    await collect(store, [logs]);
    expect(store.builds.byId(1)?.state).toBe('settling');
    prow.put(`logs/ci-a/${id}/artifacts/junit.xml`, junitXml({ passed: 3 }));
    await collect(store, [logs], {}, { nowMs: () => NOW_MS + 3_600_000 });
    expect(storedRows(store)).toMatchObject([{ tests_run: 3 }]);
    expect(store.builds.byId(1)?.state).toBe('complete');
    const idle = await collect(store, [logs], {}, { nowMs: () => NOW_MS + 2 * 3_600_000 });
    expect(idle.stats.requests.read).toBe(0);
  });

  it('counts numbered builds down from latest-build.txt without listing them', async () => {
    const { prow, folder } = newBucket();
    for (const n of [1, 2, 5]) prow.build('ci-old', String(n), done(DAY_MS));
    prow.put('logs/ci-old/latest-build.txt', '5\n');
    const legacy = root(`file:${folder}/logs/`, { sequential: true });
    const store = testStore(temp);
    const first = await collect(store, [legacy]);
    expect(first.stats).toMatchObject({ rows: 3, failures: 0 });
    // One list for the jobs, then a list of artifacts for each build found; none of builds.
    expect(first.stats.requests.list).toBe(1 + 3);
    prow.build('ci-old', '6', done(DAY_MS));
    prow.put('logs/ci-old/latest-build.txt', '6');
    expect((await collect(store, [legacy])).stats.rows).toBe(1);
  });

  it('never counts down from a snowflake id', async () => {
    const { prow, folder } = newBucket();
    const id = snowflakeAt(NOW_MS - DAY_MS);
    prow.build('ci-a', id, done(DAY_MS));
    prow.put('logs/ci-a/latest-build.txt', id);
    const { stats } = await collect(testStore(temp), [root(`file:${folder}/logs/`, { sequential: true })]);
    expect(stats).toMatchObject({ found: 1, rows: 1 });
  });

  it('keeps a build whose finished.json has no timestamp', async () => {
    const { prow, logs } = newBucket();
    prow.build('ci-a', snowflakeAt(NOW_MS - DAY_MS), {
      started: { timestamp: at(DAY_MS) },
      finished: { passed: false },
    });
    const store = testStore(temp);
    await collect(store, [logs]);
    const [row] = storedRows(store);
    expect(row).toMatchObject({ passed: false, result: 'FAILURE' });
    expect(row).not.toHaveProperty('finished');
  });

  it('a finished.json that is not JSON is a dead letter with its reason, tried again until it is mended', async () => {
    const { prow, logs } = newBucket();
    const id = snowflakeAt(NOW_MS - DAY_MS);
    prow.build('ci-a', id, { started: { timestamp: at(DAY_MS) }, finished: '<html>Bad Gateway</html>' });
    prow.build('ci-b', id, done(DAY_MS));
    const store = testStore(temp);
    const first = await collect(store, [logs]);
    expect(first.stats).toMatchObject({ rows: 1, failures: 1 });
    expect([...store.deadLetters.list()]).toMatchObject([
      { kind: 'collect', code: 'malformed', attempts: 1 },
    ]);
    await collect(store, [logs], {}, { nowMs: () => NOW_MS + 1_000 });
    expect([...store.deadLetters.list()]).toMatchObject([{ kind: 'collect', attempts: 2 }]);
    prow.build('ci-a', id, { finished: { timestamp: at(DAY_MS), passed: true } });
    await collect(store, [logs], {}, { nowMs: () => NOW_MS + 2_000 });
    expect([...store.deadLetters.list()]).toEqual([]);
    expect(store.rows.count()).toBe(2);
  });

  it('goes on without a started.json that cannot be read, and says so', async () => {
    const { prow, logs } = newBucket();
    prow.build('ci-a', snowflakeAt(NOW_MS - DAY_MS), {
      started: '{"timestamp": ',
      finished: { timestamp: at(DAY_MS), passed: true },
    });
    const store = testStore(temp);
    await collect(store, [logs]);
    expect(storedRows(store)).toMatchObject([{ passed: true }]);
    expect([...store.deadLetters.list({ kind: 'row' })]).toHaveLength(1);
  });

  it('a refused artifact list is a failure of that build, never "no JUnit", and is mended by a later run', async () => {
    const { prow, logs } = newBucket();
    prow.build('ci-a', snowflakeAt(NOW_MS - DAY_MS), {
      ...done(DAY_MS),
      files: { 'artifacts/junit.xml': junitXml({ passed: 4 }) },
    });
    prow.build('ci-b', snowflakeAt(NOW_MS - DAY_MS), done(DAY_MS));
    const refuse = (bucket: Bucket): Bucket => ({
      ...bucket,
      list: (prefix, options) => {
        if (prefix.includes('ci-a/') && prefix.endsWith('/artifacts/'))
          throw new SamovarError('denied', 'status 403', { status: 403 });
        return bucket.list(prefix, options);
      },
    });
    const store = testStore(temp);
    const first = await collect(store, [logs], {}, { wrap: refuse });
    expect(first.stats).toMatchObject({ rows: 1, failures: 1 });
    expect(store.rows.count()).toBe(1);
    await collect(store, [logs], {}, { nowMs: () => NOW_MS + 1_000 });
    expect(storedRows(store).find(({ job }) => job === 'ci-a')).toMatchObject({ tests_run: 4 });
    expect([...store.deadLetters.list()]).toEqual([]);
  });

  it('reads JUnit later for builds that were collected without', async () => {
    const { prow, logs, folder } = newBucket();
    prow.build('ci-a', snowflakeAt(NOW_MS - DAY_MS), {
      ...done(DAY_MS),
      files: { 'artifacts/junit.xml': junitXml({ passed: 4 }) },
    });
    const store = testStore(temp);
    await collect(store, [logs], { junit: false });
    expect(storedRows(store)).toMatchObject([{ tests_run: 0 }]);
    rmSync(join(folder, 'logs/ci-a'), { recursive: true, force: true });
    prow.build('ci-a', snowflakeAt(NOW_MS - DAY_MS), {
      files: { 'artifacts/junit.xml': junitXml({ passed: 4 }) },
    });
    const later = await collect(store, [logs], { skipListing: true }, { nowMs: () => NOW_MS + 1_000 });
    expect(later.stats.requests).toMatchObject({ list: 1, read: 1 });
    expect(storedRows(store)).toMatchObject([{ tests_run: 4 }]);
  });

  it('takes only the newest builds of each job when told so, and all of them later', async () => {
    const { prow, logs } = newBucket();
    for (const n of [8, 9, 10, 11]) prow.build('ci-a', String(n), done(DAY_MS));
    const store = testStore(temp);
    await collect(store, [logs], { selection: { buildLimit: 2 } });
    expect(storedRows(store).map((row) => row.number)).toEqual([10, 11]);
    await collect(store, [logs]);
    expect(store.rows.count()).toBe(4);
  });

  it('keeps to a time range, a job pattern and a limit without moving any cursor', async () => {
    const { prow, logs } = newBucket();
    for (const job of ['ci-a', 'ci-b', 'other']) {
      for (const n of [1, 2, 3, 4]) prow.build(job, snowflakeAt(NOW_MS - n * DAY_MS), done(n * DAY_MS));
    }
    const store = testStore(temp);
    const selection = { job: 'ci-*', sinceMs: NOW_MS - 3 * DAY_MS, untilMs: NOW_MS - DAY_MS };
    expect((await collect(store, [logs], { selection })).stats.rows).toBe(4);
    expect((await collect(store, [logs], { selection: { limit: 3 } })).stats.rows).toBe(3);
    expect((await collect(store, [logs])).stats.rows).toBe(5);
  });

  it('stores nothing in a dry run and says what it would read', async () => {
    const { prow, logs } = newBucket();
    prow.build('ci-a', snowflakeAt(NOW_MS - DAY_MS), done(DAY_MS));
    const store = testStore(temp);
    const { stats } = await collect(store, [logs], { dryRun: true });
    expect(stats).toMatchObject({ found: 1, added: 0, requests: { read: 0 } });
    expect(store.builds.counts().builds).toBe(0);
  });

  it('one bucket that fails costs the others nothing', async () => {
    const sick = newBucket();
    const well = newBucket();
    sick.prow.build('ci-a', '1', done(DAY_MS));
    well.prow.build('ci-a', '1', done(DAY_MS));
    const wrap = (bucket: Bucket): Bucket =>
      bucket.url.endsWith(sick.folder)
        ? { ...bucket, list: () => Promise.reject(new SamovarError('denied', 'status 403')) }
        : bucket;
    const store = testStore(temp);
    const { result } = await collect(store, [sick.logs, well.logs], {}, { wrap });
    expect(result.failures).toMatchObject([{ root: sick.logs.url, reason: 'status 403' }]);
    expect(store.rows.count()).toBe(1);
  });

  it('keeps what it has when it is stopped, and goes on from there', async () => {
    const { prow, logs } = newBucket();
    for (let n = 1; n <= 60; n += 1) prow.build('ci-a', snowflakeAt(NOW_MS - n * DAY_MS), done(n * DAY_MS));
    const stop = new AbortController();
    let reads = 0;
    const wrap = (bucket: Bucket): Bucket => ({
      ...bucket,
      read: (name, options) => {
        reads += 1;
        if (reads === 40) stop.abort('SIGTERM');
        return bucket.read(name, options);
      },
    });
    const store = testStore(temp);
    await collect(store, [logs], {}, { signal: stop.signal, wrap });
    const kept = store.rows.count();
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(60);
    const { stats } = await collect(store, [logs]);
    expect(stats.added).toBe(60 - kept);
    expect(store.rows.count()).toBe(60);
  });

  it('ends the run when the database takes nothing more, keeps what it has, and goes on when it does again', async () => {
    const { prow, logs } = newBucket();
    for (let n = 1; n <= 30; n += 1) {
      prow.build('ci-a', snowflakeAt(NOW_MS - n * DAY_MS), {
        ...done(n * DAY_MS),
        files: { 'artifacts/junit.xml': junitXml({ failed: 40 }) },
      });
    }
    const store = testStore(temp);
    let transactions = 0;
    const full = {
      ...store,
      transaction: <T>(work: () => T): T => {
        transactions += 1;
        // The first makes the root.
        if (transactions > 1)
          throw new SamovarError('storage', 'cannot write to the database', { remedy: 'Free disk space' });
        return store.transaction(work);
      },
    };
    await expect(collect(full, [logs])).rejects.toMatchObject({ code: 'storage', remedy: 'Free disk space' });
    expect(store.builds.counts().builds).toBe(0);
    expect((await collect(store, [logs])).stats.rows).toBe(30);
  });
});
