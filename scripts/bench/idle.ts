import { copyFileSync } from 'node:fs';
import { atLeast, atMost, figureOf, type Goal, ratio, requestsOf, timesFaster } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { type Bench, collect, withBench } from './sides.ts';

/** With fewer, the few requests that each cycle makes whatever there is would be much of what is counted. */
const JOBS = 14;
const PER_JOB = [200, 5_000];
const NEW_SHARE = 0.01;
/** From so many builds of a job on a history is long. */
const LONG = 1_000;

/** A cycle in which nothing is new, and one with 1 % new builds, over short and long histories: requests by kind, and time. */
export async function benchIdle(options: BenchOptions): Promise<BenchResult> {
  const { perJob: perJobs = PER_JOB, jobs = JOBS } = options;
  const runs: Run[] = [];
  const notes = new Set<string>();
  for (const perJob of perJobs) {
    const hidden = Math.max(1, Math.round(perJob * NEW_SHARE));
    const corpus = { kind: 'plain', jobs, perJob, hidden, anchorMs: options.anchorMs } as const;
    await withBench(options, corpus, async (bench) => {
      runs.push(...(await cycles(bench, perJob)));
      for (const note of bench.notes) notes.add(note);
    });
  }
  const { repeat, threads } = options;
  notes.add('the history is read once before (fill); JUnit off');
  const found = { runs, notes: [...notes], goals: perJobs.flatMap((perJob) => goalsOf(runs, perJob)) };
  return benchResult('idle', { jobs, perJobs, repeat, threads }, found);
}

async function cycles(bench: Bench, perJob: number): Promise<readonly Run[]> {
  const sides = (['samovar', 'kettle'] as const).filter((side) => bench[side === 'samovar' ? 'ours' : side]);
  const runs: Run[] = [];
  for (const side of sides) {
    const db = bench.at(`${side}.db`);
    runs.push(...(await collect(bench, side, { work: workOf('fill', perJob), db, junit: false })));
  }
  for (const what of ['idle', 'new'] as const) {
    if (what === 'new') await bench.server.reveal();
    for (let round = 0; round < bench.options.repeat; round += 1) {
      for (const side of sides) {
        // Each round begins with the same history.
        const db = bench.at(`${round}-${what}-${side}.db`);
        copyFileSync(bench.at(`${side}.db`), db);
        const made = await collect(bench, side, { work: workOf(what, perJob), db, junit: false });
        // Nothing or little is read: builds a second would say nothing.
        runs.push(...made.map(({ builds: _, dbBytes: __, ...run }) => run));
      }
    }
  }
  return runs;
}

function workOf(what: 'fill' | 'idle' | 'new', perJob: number): string {
  return `${what === 'new' ? '1 % new' : what}, ${perJob} builds a job`;
}

function goalsOf(runs: readonly Run[], perJob: number): readonly Goal[] {
  return (['idle', 'new'] as const).flatMap((what) => {
    const work = workOf(what, perJob);
    const ofKettle = (figure: (run: Run) => number | undefined) =>
      ratio(figureOf(runs, work, 'samovar', figure), figureOf(runs, work, 'kettle', figure));
    // Each side must read the documents of each new build: beyond that there is only listing.
    if (perJob >= LONG) return [atMost(`list requests, ${work}, of Kettle's`, 0.2, ofKettle(listsOf))];
    return [
      atMost(`requests, ${work}, of Kettle's`, 1, ofKettle(requestsOf)),
      atLeast(`wall, ${work}, against Kettle`, 1, timesFaster(runs, work, 'kettle')),
    ];
  });
}

const listsOf = ({ requests }: Run) => requests?.list;
