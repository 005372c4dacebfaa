import type { CorpusSpec } from './corpus/source.ts';
import { atMost, figureOf, type Goal } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { collect, withBench } from './sides.ts';
import { short } from './statistics.ts';

/** One build: what a run costs whatever it does. */
const START = 'start';
const START_CORPUS = (anchorMs: number): CorpusSpec => ({ kind: 'plain', jobs: 1, perJob: 1, anchorMs });
/** What is ten times as large may take ten times as long, and a little more for what a busy machine does. */
const TIMES_MAX = 13;
const RSS_MB_MAX = 600;

export interface Cliff {
  readonly name: string;
  readonly full: number;
  readonly junit: boolean;
  corpus(size: number, anchorMs: number): CorpusSpec;
}

export const CLIFFS: readonly Cliff[] = [
  {
    name: 'a build with so many cases',
    full: 200_000,
    junit: true,
    corpus: (cases, anchorMs) => ({ kind: 'wide', cases, xmlBytes: 0, artifacts: 0, anchorMs }),
  },
  {
    name: 'a JUnit file of so many MB',
    full: 300,
    junit: true,
    corpus: (mb, anchorMs) => ({ kind: 'wide', cases: mb * 60, xmlBytes: mb * 1e6, artifacts: 0, anchorMs }),
  },
  {
    name: 'a build with so many artifacts',
    full: 50_000,
    junit: true,
    corpus: (artifacts, anchorMs) => ({ kind: 'wide', cases: 10, xmlBytes: 0, artifacts, anchorMs }),
  },
  {
    name: 'a bucket with so many jobs',
    full: 2_000,
    junit: false,
    corpus: (jobs, anchorMs) => ({ kind: 'plain', jobs, perJob: 5, anchorMs }),
  },
  {
    name: 'a job with so many builds',
    full: 100_000,
    junit: false,
    corpus: (perJob, anchorMs) => ({ kind: 'plain', jobs: 1, perJob, anchorMs }),
  },
];

/** make-db over what is large in one way, at a tenth of its size and at all of it: time in proportion, memory bounded. */
export async function benchCliff(options: BenchOptions, cliffs = CLIFFS): Promise<BenchResult> {
  const { scale = 1, repeat, threads, anchorMs } = options;
  const runs: Run[] = [];
  const goals: Goal[] = [];
  const notes = new Set([`ratios are of times less what one build takes (${START})`]);
  const add = async (work: string, corpus: CorpusSpec, junit: boolean) => {
    await withBench({ ...options, skipKettle: true }, corpus, async (bench) => {
      for (let round = 0; round < repeat; round += 1)
        runs.push(...(await collect(bench, 'samovar', { work, db: bench.at(`${round}.db`), junit })));
      for (const note of bench.notes) notes.add(note);
    });
  };
  await add(START, START_CORPUS(anchorMs), true);
  for (const cliff of cliffs) {
    const full = Math.max(10, Math.round(cliff.full * scale));
    const sizes = [Math.round(full / 10), full] as const;
    for (const size of sizes) await add(workOf(cliff, size), cliff.corpus(size, anchorMs), cliff.junit);
    goals.push(...goalsOf(runs, cliff, sizes));
    notes.add(`${cliff.name}: CPU time ${short(timesAsMuch(runs, cliff, sizes, (run) => run.cpuS))}×`);
  }
  return benchResult('cliff', { scale, repeat, threads }, { runs, notes: [...notes], goals });
}

const workOf = ({ name }: Cliff, size: number) => `${name}: ${size}`;

/** The large one's figure over the small one's. Where the small one costs next to nothing, a quarter of a start counts for it. */
function timesAsMuch(
  runs: readonly Run[],
  cliff: Cliff,
  [small, full]: readonly [number, number],
  of: (run: Run) => number | undefined,
): number | undefined {
  const figure = (work: string) => figureOf(runs, work, 'samovar', of);
  const [start, low, high] = [figure(START), figure(workOf(cliff, small)), figure(workOf(cliff, full))];
  if (start === undefined || low === undefined || high === undefined) return undefined;
  return Math.max(0, high - start) / Math.max(low - start, start / 4);
}

function goalsOf(runs: readonly Run[], cliff: Cliff, sizes: readonly [number, number]): readonly Goal[] {
  const [small, full] = sizes;
  const rssBytes = figureOf(runs, workOf(cliff, full), 'samovar', (run) => run.rssBytes);
  const times = timesAsMuch(runs, cliff, sizes, (run) => run.wallS);
  return [
    atMost(`${cliff.name}: time at ${full} of that at ${small}`, TIMES_MAX, times),
    atMost(`${cliff.name}: peak RSS at ${full}`, RSS_MB_MAX, rssBytes && rssBytes / 1e6, ' MB'),
  ];
}
