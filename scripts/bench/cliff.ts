import type { CorpusSpec } from './corpus/source.ts';
import { atMost, figureOf, type Goal, ratio } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { collect, withBench } from './sides.ts';

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
  const runs: Run[] = [];
  const goals: Goal[] = [];
  const notes = new Set<string>();
  for (const cliff of cliffs) {
    const full = Math.max(10, Math.round(cliff.full * options.scale));
    const sizes = [Math.round(full / 10), full];
    for (const size of sizes) {
      await withBench(
        { ...options, skipKettle: true },
        cliff.corpus(size, options.anchorMs),
        async (bench) => {
          for (let round = 0; round < options.repeat; round += 1) {
            const given = { work: workOf(cliff, size), db: bench.at(`${round}.db`), junit: cliff.junit };
            runs.push(...(await collect(bench, 'samovar', given)));
          }
          for (const note of bench.notes) notes.add(note);
        },
      );
    }
    goals.push(...goalsOf(runs, cliff, sizes));
  }
  const { scale, repeat, threads } = options;
  return benchResult('cliff', { scale, repeat, threads }, { runs, notes: [...notes], goals });
}

const workOf = ({ name }: Cliff, size: number) => `${name}: ${size}`;

function goalsOf(runs: readonly Run[], cliff: Cliff, sizes: readonly number[]): readonly Goal[] {
  const figure = (size: number | undefined, of: (run: Run) => number | undefined) =>
    figureOf(runs, workOf(cliff, size ?? 0), 'samovar', of);
  const [small, full] = sizes;
  const rssBytes = figure(full, (run) => run.rssBytes);
  return [
    atMost(
      `${cliff.name}: time at ${full} of that at ${small}`,
      TIMES_MAX,
      ratio(
        figure(full, (run) => run.wallS),
        figure(small, (run) => run.wallS),
      ),
    ),
    atMost(`${cliff.name}: peak RSS at ${full}`, RSS_MB_MAX, rssBytes && rssBytes / 1e6, ' MB'),
  ];
}
