import { describe, expect, it } from 'vitest';
import { benchBuilds } from '../../scripts/bench/builds.ts';
import { benchCliff, CLIFFS } from '../../scripts/bench/cliff.ts';
import { benchEmit } from '../../scripts/bench/emit.ts';
import { requestsOf } from '../../scripts/bench/goals.ts';
import { benchIdle } from '../../scripts/bench/idle.ts';
import { benchLatency } from '../../scripts/bench/latency.ts';
import { benchMemory } from '../../scripts/bench/memory.ts';
import { parseBenchArgs } from '../../scripts/bench/options.ts';
import { benchParse } from '../../scripts/bench/parse.ts';
import { type BenchResult, mediansOf, reportText } from '../../scripts/bench/report.ts';
import { benchRequests } from '../../scripts/bench/requests.ts';
import { benchStream } from '../../scripts/bench/stream.ts';

// As test/support/cli.ts: only scripts/test has just built what is built.
if (process.env.SAMOVAR_TEST_BUILT === undefined) process.env.SAMOVAR_BENCH_SOURCES = '1';

const PATIENCE_MS = 240_000;
const BUILDS = 12;

function options(...flags: readonly string[]) {
  const args = ['--no-kettle', '--threads', '4', '--builds', String(BUILDS), ...flags];
  return { ...parseBenchArgs(args, Date.now()).options, log: () => undefined };
}

/** The one run of ours in a work; everything a table of it shows is a number that can be. */
function ours(result: BenchResult, work: string, side = 'samovar') {
  for (const run of result.runs) expect(run.failed).toBeUndefined();
  for (const { figures } of mediansOf(result.runs))
    for (const value of Object.values(figures))
      expect(value).toSatisfy((n: number) => Number.isFinite(n) && n >= 0);
  for (const { measured } of result.goals ?? [])
    if (measured !== undefined) expect(measured).toSatisfy(Number.isFinite);
  expect(reportText(result)).toContain(work);
  const run = result.runs.find((candidate) => candidate.work === work && candidate.side === side);
  if (run === undefined) throw new Error(`there is no run of ${work} by ${side}`);
  expect(run.wallS).toBeGreaterThan(0);
  return run;
}

describe('each bench at a tiny size', { timeout: PATIENCE_MS }, () => {
  it('builds: a whole cycle, its requests by kind, and the database with and without raw XML', async () => {
    const result = await benchBuilds(options());
    const made = ours(result, 'make-db');
    expect(made.builds).toBe(BUILDS);
    expect(made.requests?.started).toBe(BUILDS);
    expect(made.requests?.junit).toBeGreaterThan(BUILDS);
    expect(made.rawBytes).toBeGreaterThan(0);
    expect(made.leanDbBytes).toBeLessThan(made.dbBytes ?? 0);
    expect(ours(result, 'make-json all').rows).toBe(BUILDS);
    expect(ours(result, 'cycle').wallS).toBeGreaterThan(made.wallS);
    expect(result.goals?.map(({ met }) => met)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('emit: every row to a file and to stdout, beside a copy of the same bytes', async () => {
    const result = await benchEmit(options());
    expect(ours(result, 'all to .json.gz').rows).toBe(BUILDS);
    const text = ours(result, 'all to stdout');
    expect(text.rows).toBe(BUILDS);
    expect(ours(result, 'all to stdout', 'cat').outBytes).toBe(text.outBytes);
    expect(ours(result, 'fixed cost').rows).toBe(0);
    expect(result.goals?.filter(({ measured }) => measured !== undefined)).toHaveLength(2);
  });

  it('latency: not faster than the bound', async () => {
    const result = await benchLatency(options('--latency', '20'));
    const run = ours(result, 'make-db at 20 ms');
    expect(run.boundS).toBeGreaterThan(0);
    expect(run.wallS).toBeGreaterThan(run.boundS ?? 0);
    expect(requestsOf(run)).toBeGreaterThan(3 * BUILDS);
  });

  it('idle: nothing is read when nothing is new, and only what is new', async () => {
    const result = await benchIdle(options('--jobs', '4', '--per-job', '10'));
    expect(ours(result, 'fill, 10 builds a job').requests?.started).toBe(4 * 9);
    const idle = ours(result, 'idle, 10 builds a job');
    expect(idle.requests?.started).toBeUndefined();
    expect(idle.requests?.list).toBeGreaterThan(0);
    expect(ours(result, '1 % new, 10 builds a job').requests?.started).toBe(4);
  });

  it('memory: a peak for each size, the last one without JUnit', async () => {
    const result = await benchMemory(options('--sizes', '2,8'));
    expect(ours(result, 'make-db of 2').rssBytes).toBeGreaterThan(50e6);
    expect(ours(result, 'make-db of 8').requests?.junit).toBeUndefined();
    expect(ours(result, 'make-json of 8').rows).toBe(8);
  });

  it('stream: every event through to every table, at once and at a steady rate', async () => {
    const result = await benchStream(options('--events', '10', '--seconds', '1'));
    expect(ours(result, 'events told at once').events).toBe(10);
    const steady = ours(result, '50 events/s at 30 ms');
    expect(steady.events).toBe(50);
    expect(steady.p99Ms).toBeGreaterThanOrEqual(steady.p50Ms ?? Number.POSITIVE_INFINITY);
    expect(steady.p50Ms).toBeGreaterThan(60);
  });

  it('parse: each parser over the same files, with as many cases', async () => {
    const result = await benchParse(options());
    const [own, search] = ['samovar', 'Buffer.indexOf'].map((side) => ours(result, 'parse', side));
    expect(own?.rows).toBe(search?.rows);
    expect(own?.bytesPerCpuS).toBeGreaterThan(1e6);
    expect(ours(result, 'parse', 'fast-xml-parser').xmlBytes).toBe(own?.xmlBytes);
  });

  it('requests: the same bytes by the driver and by the storage client', async () => {
    const result = await benchRequests(options());
    const [own, theirs] = ['samovar', 'storage client'].map((side) => ours(result, 'small GET', side));
    expect(own?.outBytes).toBe(theirs?.outBytes);
    expect(own?.cpuMsEach).toBeGreaterThan(0);
  });

  it('cliff: a tenth and the whole of what is large', async () => {
    const result = await benchCliff(options('--scale', '0.001'), CLIFFS.slice(0, 1));
    expect(ours(result, 'a build with so many cases: 200').xmlBytes).toBeGreaterThan(
      8 * (ours(result, 'a build with so many cases: 20').xmlBytes ?? Number.NaN),
    );
    expect(result.goals).toHaveLength(2);
  });
});
