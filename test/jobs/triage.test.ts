import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runTriage } from '../../pipeline/jobs/triage.ts';
import { readClusters } from '../../pipeline/jobs/triage-clusters.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { openTriageStore, type TriageStore } from '../../pipeline/store/triage.ts';
import type { KnownBuild } from '../../scripts/bench/triage-corpus.ts';
import { knownBuilds } from '../../scripts/bench/triage-corpus.ts';
import { fillStore } from '../../scripts/bench/triage-fill.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const NOW_S = NOW_MS / 1000;
const DAY_S = 86_400;

interface Place {
  readonly rows: Store;
  readonly triage: TriageStore;
}

function place(name = 'triage'): Place {
  const folder = tempFolder();
  const rows = testStore(folder);
  const triage = openTriageStore(join(folder, name), rows.file);
  onTestFinished(() => triage.close());
  return { rows, triage };
}

function run({ rows, triage }: Place, { days = 14, nowMs = NOW_MS, rowsOf = rows.rows } = {}) {
  const damaged: string[] = [];
  const { signal } = new AbortController();
  const onDamaged = (path: string) => void damaged.push(path);
  return runTriage({
    store: triage,
    source: { rows: rowsOf, onDamaged },
    days,
    nowMs: () => nowMs,
    signal,
  }).then((done) => ({ ...done, paths: damaged }));
}

const read = ({ triage }: Place, over: { readonly job?: string; readonly nowMs?: number } = {}) =>
  readClusters(triage, { days: 14, nowMs: NOW_MS, limit: 1_000, ...over });

function failing(text: string, over: Partial<KnownBuild> & { readonly test?: string } = {}): KnownBuild {
  const { test = '[sig-node] Pods should run', ...rest } = over;
  return { job: 'ci-a', finishedS: NOW_S - DAY_S, failures: [{ test, text }], ...rest };
}

describe('triage', () => {
  it('groups failures over jobs and tests, with their history', async () => {
    const at = place();
    await fillStore(at.rows, [
      failing('no quota left in zone a for 12s'),
      failing('no quota left in zone a for 4s', {
        job: 'ci-b',
        finishedS: NOW_S - 3 * DAY_S,
        test: 'x',
      }),
      failing('something else', { finishedS: NOW_S - 60 }),
      { job: 'ci-good', finishedS: NOW_S - 60, failures: [] },
    ]);
    expect(await run(at)).toMatchObject({ buildsRead: 4, failuresRead: 3, newTexts: 2, newClusters: 2 });
    const result = read(at);
    expect(result).toMatchObject({ builds: 3, failures: 3, clustersTotal: 2, since: NOW_S - 14 * DAY_S });
    const [quota] = result.clusters;
    expect(quota).toMatchObject({
      text: 'no quota left in zone a for <duration>',
      builds: 2,
      owner: 'sig-node',
      firstSeen: NOW_S - 3 * DAY_S,
      lastSeen: NOW_S - DAY_S,
      perDay: [
        { day: '2026-11-17', builds: 1, failures: 1 },
        { day: '2026-11-19', builds: 1, failures: 1 },
      ],
      jobs: [
        { name: 'ci-a', builds: 1, failures: 1 },
        { name: 'ci-b', builds: 1, failures: 1 },
      ],
      testsTotal: 2,
    });
    expect(quota?.examples[0]).toEqual({
      path: 'gs://bench/logs/ci-a/1',
      job: 'ci-a',
      test: '[sig-node] Pods should run',
      finished: NOW_S - DAY_S,
    });
  });

  it('reads each version of a row once, and what a newer version says in place of the older', async () => {
    const at = place();
    await fillStore(at.rows, [failing('first reason of all')]);
    await run(at);
    expect(await run(at)).toMatchObject({ buildsRead: 0, newTexts: 0 });
    await fillStore(at.rows, [failing('second reason, quite another')]);
    expect(await run(at)).toMatchObject({ buildsRead: 1 });
    expect(read(at).clusters.map(({ text, builds }) => [text, builds])).toEqual([
      ['second reason, quite another', 1],
    ]);
    await fillStore(at.rows, [{ job: 'ci-a', finishedS: NOW_S - DAY_S, failures: [] }]);
    await run(at);
    expect(read(at)).toMatchObject({ builds: 0, failures: 0, clustersTotal: 0, clusters: [] });
  });

  it('reads builds that come late, and older ones when asked for more days', async () => {
    const at = place();
    await fillStore(at.rows, [failing('one'), failing('old', { finishedS: NOW_S - 20 * DAY_S })]);
    expect(await run(at)).toMatchObject({ buildsRead: 1 });
    await fillStore(at.rows, [failing('late', { finishedS: NOW_S - 10 * DAY_S })], 3);
    expect(await run(at)).toMatchObject({ buildsRead: 1 });
    expect(await run(at, { days: 30 })).toMatchObject({ buildsRead: 1 });
  });

  it('keeps the id and the first day of a cluster whose failures are long forgotten', async () => {
    const at = place();
    const words = 'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu';
    await fillStore(at.rows, [failing(words)]);
    await run(at);
    const [before] = read(at).clusters;
    const nowMs = NOW_MS + 200 * DAY_S * 1000;
    await fillStore(
      at.rows,
      [failing(words.replace('mu', 'nu'), { finishedS: nowMs / 1000 - DAY_S, test: 'other' })],
      2,
    );
    expect(await run(at, { nowMs })).toMatchObject({ newClusters: 0 });
    expect(read(at, { nowMs }).clusters).toMatchObject([
      { id: before?.id, text: words, builds: 1, firstSeen: before?.firstSeen },
    ]);
  });

  it('gives the same clusters in whatever order builds were stored', async () => {
    const builds = [...knownBuilds({ failures: 200, reasons: 10, seed: 3, endS: NOW_S })];
    const [forward, backward] = [place(), place()];
    await fillStore(forward.rows, builds);
    await fillStore(backward.rows, builds.toReversed());
    await run(forward);
    await run(backward);
    const without = (at: Place) => read(at).clusters.map(({ examples: _, ...rest }) => JSON.stringify(rest));
    expect(without(backward)).toEqual(without(forward));
    // Every reason is a cluster of its own, but for texts that vary more than is near.
    const jobs = read(forward).clusters.map((cluster) => cluster.jobsTotal);
    expect(Math.max(...jobs)).toBe(1);
    expect(jobs.length).toBeLessThan(15);
  });

  it('counts only in jobs that are asked for', async () => {
    const at = place();
    await fillStore(at.rows, [failing('one'), failing('one', { job: 'pr:pull-b' })]);
    await run(at);
    expect(read(at, { job: 'pr:*' }).clusters).toMatchObject([{ builds: 1, jobs: [{ name: 'pr:pull-b' }] }]);
    expect(read(at, { job: 'nothing' })).toMatchObject({ builds: 0, clusters: [] });
  });

  it('leaves out a damaged row, says so once, and reads the others', async () => {
    const at = place();
    await fillStore(at.rows, [failing('one'), failing('two')]);
    const rowsOf = {
      get: (id: number) => {
        const row = at.rows.rows.get(id);
        return row && id === 1 ? { ...row, data: row.data.subarray(0, 10) } : row;
      },
    };
    expect(await run(at, { rowsOf } as never)).toMatchObject({
      paths: ['gs://bench/logs/ci-a/1'],
    });
    expect(await run(at, { rowsOf } as never)).toMatchObject({ paths: [] });
    expect(read(at).clusters).toMatchObject([{ text: 'two' }]);
  });

  it('goes on after a stop, and nothing counts twice', async () => {
    const at = place();
    await fillStore(
      at.rows,
      Array.from({ length: 250 }, () => failing('the same again')),
    );
    const stop = new AbortController();
    await runTriage({
      ...{ store: at.triage, days: 14, nowMs: () => NOW_MS, signal: stop.signal },
      source: { rows: at.rows.rows, onDamaged: () => undefined },
      onRead: () => stop.abort(),
    });
    expect(await run(at)).toMatchObject({ buildsRead: 50 });
    expect(read(at)).toMatchObject({ builds: 250, failures: 250 });
  });

  it('stays as it was when a file of another kind is in its place', async () => {
    const at = place();
    expect(() => openTriageStore(at.rows.file, at.rows.file)).toThrow(/none of triage's/);
    expect(readFileSync(at.rows.file).length).toBeGreaterThan(0);
  });
});
