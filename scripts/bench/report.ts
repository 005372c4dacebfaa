import { cpus, totalmem } from 'node:os';
import { type Goal, goalRows, requestsOf, timesFaster } from './goals.ts';
import type { Run } from './run.ts';
import { medianOf, short } from './statistics.ts';

export type { Run } from './run.ts';

/** Every run of a bench, with what it was run on. */
export interface BenchResult {
  readonly bench: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly node: string;
  };
  readonly runs: readonly Run[];
  readonly notes: readonly string[];
  /** What was to be reached, and what was. */
  readonly goals?: readonly Goal[];
}

export function machine(): BenchResult['machine'] {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
  };
}

const COLUMNS: readonly { readonly title: string; readonly figure: (run: Run) => number | undefined }[] = [
  { title: 'wall s', figure: (run) => run.wallS },
  { title: 'CPU s', figure: (run) => run.cpuS },
  { title: 'peak RSS MB', figure: (run) => run.rssBytes && run.rssBytes / 1e6 },
  { title: 'builds/s', figure: (run) => run.builds && run.builds / run.wallS },
  { title: 'XML MB/s', figure: (run) => run.xmlBytes && run.xmlBytes / 1e6 / run.wallS },
  { title: 'rows/s', figure: (run) => run.rows && run.rows / run.wallS },
  { title: 'out MB/s', figure: (run) => run.outBytes && run.outBytes / 1e6 / run.wallS },
  { title: 'requests', figure: requestsOf },
  { title: 'DB B/build', figure: (run) => perBuild(run, run.dbBytes) },
  { title: 'without raw', figure: (run) => perBuild(run, run.leanDbBytes) },
  { title: 'raw B/build', figure: (run) => perBuild(run, run.rawBytes) },
  { title: 'events/s', figure: (run) => run.events && run.events / run.wallS },
  { title: 'p50 ms', figure: (run) => run.p50Ms },
  { title: 'p99 ms', figure: (run) => run.p99Ms },
  { title: 'CPU ms each', figure: (run) => run.cpuMsEach },
  { title: 'MB/CPU s', figure: (run) => run.bytesPerCpuS && run.bytesPerCpuS / 1e6 },
  { title: 'bound s', figure: (run) => run.boundS },
];

function perBuild({ builds }: Run, bytes: number | undefined): number | undefined {
  return bytes === undefined || builds === undefined || builds === 0 ? undefined : bytes / builds;
}

/** What a bench gives, with what it was run on. */
export function benchResult(
  bench: string,
  options: BenchResult['options'],
  found: Pick<BenchResult, 'runs' | 'notes' | 'goals'>,
): BenchResult {
  return { bench, options, machine: machine(), ...found };
}

/** Medians of each side side by side, ours with its ratio to each other side's wall time. */
export function reportText(result: BenchResult): string {
  const { cpu, cores, memoryBytes, node } = result.machine;
  const medians = mediansOf(result.runs);
  const columns = COLUMNS.map(({ title }) => title).filter((title) =>
    medians.some(({ figures }) => figures[title] !== undefined),
  );
  const rows = medians.map(({ work, side, runs, figures, timesFaster: times, failed }) => [
    ...[work, side, ...columns.map((title) => short(figures[title])), String(runs)],
    failed === undefined ? (times === undefined ? '' : `${short(times)}×`) : `failed: ${failed}`,
  ]);
  const requests = result.runs.filter((run) => run.requests !== undefined && run.failed === undefined);
  const kinds = new Map(requests.map((run) => [`${run.work}, ${run.side}`, run.requests ?? {}]));
  return [
    `${result.bench} ${JSON.stringify(result.options)}`,
    `${cores} × ${cpu}, ${short(memoryBytes / 1e9)} GB, Node ${node}`,
    '',
    ...aligned([['work', 'side', ...columns, 'n', 'times faster'], ...rows]),
    '',
    ...[...kinds].map(
      ([run, counts]) =>
        `requests (${run}): ${Object.entries(counts)
          .map(([kind, count]) => `${kind} ${count}`)
          .join(', ')}`,
    ),
    ...result.notes,
    ...goalLines(result.goals ?? []),
  ].join('\n');
}

export function goalLines(goals: readonly Goal[]): readonly string[] {
  return goals.length === 0 ? [] : ['', ...aligned(goalRows(goals))];
}

/** One side's medians in one work. */
export interface Medians {
  readonly work: string;
  readonly side: string;
  readonly runs: number;
  /** By the title of the column. */
  readonly figures: Readonly<Record<string, number>>;
  /** How many times faster ours is. */
  readonly timesFaster?: number;
  readonly failed?: string;
}

export function mediansOf(runs: readonly Run[]): readonly Medians[] {
  const works = [...new Set(runs.map(({ work }) => work))];
  return works.flatMap((work) => {
    const ofWork = runs.filter((run) => run.work === work);
    return [...new Set(ofWork.map(({ side }) => side))].map((side) => mediansOfSide(ofWork, work, side));
  });
}

function mediansOfSide(runs: readonly Run[], work: string, side: string): Medians {
  const own = runs.filter((run) => run.side === side && run.failed === undefined);
  const failed = runs.find((run) => run.side === side && run.failed !== undefined)?.failed;
  const times = side === 'samovar' ? undefined : timesFaster(runs, work, side);
  const figures = COLUMNS.flatMap(({ title, figure }) => {
    const value = medianOf(own, figure);
    return value === undefined ? [] : [[title, value] as const];
  });
  return {
    ...{ work, side, runs: own.length, figures: Object.fromEntries(figures) },
    ...(times !== undefined && { timesFaster: times }),
    ...(failed !== undefined && { failed }),
  };
}

/** Columns of a table; the first two are words. */
export function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
