import { runChild } from './child.ts';
import { atLeast, figureOf, ratio } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { samovarProblems } from './samovar.ts';
import { mixedCorpus, withBench } from './sides.ts';

const SIDES = ['samovar', 'storage client'];

/** CPU time of a small GET: the bucket driver beside the storage client's own `download`, a process for each. */
export async function benchRequests(options: BenchOptions): Promise<BenchResult> {
  const found = await withBench({ ...options, skipKettle: true }, mixedCorpus(options), async (bench) => {
    const runs: Run[] = [];
    const { endpoint } = bench.server;
    for (let round = 0; round < options.repeat && samovarProblems().length === 0; round += 1)
      for (const side of SIDES)
        runs.push(
          await runChild<Run>('requests-child.ts', {
            corpus: mixedCorpus(options),
            endpoint,
            side,
            inFlight: options.threads,
          }),
        );
    const cpu = (side: string) => figureOf(runs, 'small GET', side, (run) => run.cpuMsEach);
    const goals = [
      atLeast(
        "CPU of a small GET, against the storage client's download",
        5,
        ratio(cpu('storage client'), cpu('samovar')),
      ),
    ];
    return { runs, notes: bench.notes, goals };
  });
  const { builds, seed, repeat, threads } = options;
  return benchResult('requests', { builds, seed, repeat, inFlight: threads }, found);
}
