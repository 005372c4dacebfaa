import { copyFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { atLeast, atMost, figureOf, type Goal, ratio, timesFaster } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { type Bench, bytesOf, collect, emit, kettleMakeJson, mixedCorpus, withBench } from './sides.ts';

export { LOGS_ROOT, PR_ROOT } from './sides.ts';

/** A cycle's emissions: tables, each with its window in days; undefined is everything. */
const TABLES = [
  { name: 'day', days: 1 },
  { name: 'week', days: 7 },
  { name: 'all', days: undefined },
] as const;

/** A whole cycle from an empty database: make-db with JUnit, then day, week and all as JSON; ours beside the real Kettle. */
export async function benchBuilds(options: BenchOptions): Promise<BenchResult> {
  const { latencyMs, repeat, threads } = options;
  const corpus = mixedCorpus(options);
  const measureAll = async (bench: Bench) => {
    const runs: Run[] = [];
    for (let round = 0; round < repeat; round += 1) {
      runs.push(...(await ourCycle(bench, round)));
      runs.push(...(await kettleCycle(bench, round)));
    }
    return { runs, notes: bench.notes, goals: goalsOf(runs, latencyMs) };
  };
  const found = await withBench(options, corpus, measureAll, latencyMs);
  const { builds, seed } = options;
  return benchResult('builds', { builds, seed, repeat, latencyMs, threads }, found);
}

async function ourCycle(bench: Bench, round: number): Promise<readonly Run[]> {
  const { ours, at } = bench;
  if (ours === undefined) return [];
  const db = at(`${round}-samovar.db`);
  const collected = await collect(bench, 'samovar', { work: 'make-db', db });
  const made = collected.map((run) => ({ ...run, ...sizesOf(db) }));
  const emitted: Run[] = [];
  for (const { name, days } of TABLES) {
    const out = at(`${round}-samovar-${name}.json`);
    const given = { db, out, ledger: `bench-${name}`, ...(days !== undefined && { days }) };
    const command = ours.makeJson({ ...given, stderr: `${out}.log` });
    emitted.push(await emit(bench, { work: `make-json ${name}`, side: 'samovar', command, out }));
  }
  return [...made, ...emitted, cycleOf('samovar', [...made, ...emitted])];
}

async function kettleCycle(bench: Bench, round: number): Promise<readonly Run[]> {
  const { kettle, at } = bench;
  if (kettle === undefined) return [];
  const db = at(`${round}-kettle.db`);
  const runs: Run[] = [...(await collect(bench, 'kettle', { work: 'make-db', db }))];
  const collected = [...runs];
  for (const python of bench.pythons) {
    const side = `kettle ${python}`;
    const emitted: Run[] = [];
    for (const { name, days } of TABLES) {
      const out = at(`${round}-${python}-${name}.json`);
      const command = kettleMakeJson(kettle, { db, out, python, ...(days !== undefined && { days }) });
      emitted.push(await emit(bench, { work: `make-json ${name}`, side, command, out }));
    }
    runs.push(...emitted, cycleOf(side, [...collected, ...emitted]));
  }
  return runs;
}

/** One side's parts together: their times are added, of their memory the most counts. */
function cycleOf(side: string, parts: readonly Run[]): Run {
  const sum = (figure: (run: Run) => number | undefined) =>
    parts.reduce((total, run) => total + (figure(run) ?? 0), 0);
  const failed = parts.find((run) => run.failed !== undefined)?.failed;
  return {
    work: 'cycle',
    side,
    wallS: sum((run) => run.wallS),
    cpuS: sum((run) => run.cpuS),
    rssBytes: Math.max(...parts.map((run) => run.rssBytes ?? 0)),
    ...(parts[0]?.builds !== undefined && { builds: parts[0].builds }),
    ...(failed !== undefined && { failed }),
  };
}

/** What raw XML takes of a database of ours, and what the database is without it. */
export function sizesOf(file: string): Pick<Run, 'leanDbBytes' | 'rawBytes'> {
  if (bytesOf(file) === 0) return {};
  const copy = `${file}-lean`;
  copyFileSync(file, copy);
  const db = new Database(copy);
  db.pragma('journal_mode = DELETE');
  const rawBytes = db
    .prepare<[], number>('SELECT coalesce(sum(length(data)), 0) FROM junit_raw')
    .pluck()
    .get();
  db.exec('DELETE FROM junit_raw; VACUUM;');
  db.close();
  return { leanDbBytes: bytesOf(copy), rawBytes: rawBytes ?? 0 };
}

function goalsOf(runs: readonly Run[], latencyMs: number): readonly Goal[] {
  const size = (side: string, figure: (run: Run) => number | undefined) =>
    figureOf(runs, 'make-db', side, figure);
  const kettleBytes = size('kettle', (run) => run.dbBytes);
  return [
    atLeast(
      `make-db with JUnit, cold, ${latencyMs} ms latency, against Kettle`,
      4,
      timesFaster(runs, 'make-db', 'kettle'),
    ),
    atLeast('whole cycle, against Kettle on PyPy', 8, timesFaster(runs, 'cycle', 'kettle pypy')),
    atLeast('whole cycle, against Kettle on CPython', 5, timesFaster(runs, 'cycle', 'kettle cpython')),
    atMost(
      "SQLite file a build with raw XML, of Kettle's",
      1,
      ratio(
        size('samovar', (run) => run.dbBytes),
        kettleBytes,
      ),
    ),
    atMost(
      "SQLite file a build without raw XML, of Kettle's",
      0.333,
      ratio(
        size('samovar', (run) => run.leanDbBytes),
        kettleBytes,
      ),
    ),
  ];
}
