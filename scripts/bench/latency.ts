import { atLeast, atMost, figureOf, type Goal, ratio, requestsOf, timesFaster } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { parseRuns } from './parse.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { type Bench, collect, mixedCorpus, withBench } from './sides.ts';

const LATENCY_MS = 30;
/** The collector's own limit: so many requests for each build that is being read, in each of the two roots. */
const REQUESTS_A_THREAD = 2;
const ROOTS = 2;

/** make-db with JUnit when every answer takes a while: beside Kettle, and beside the least that it can take. */
export async function benchLatency(options: BenchOptions): Promise<BenchResult> {
  const latencyMs = options.latencyMs || LATENCY_MS;
  const work = `make-db at ${latencyMs} ms`;
  const parseS = parseTimeOf(await parseRuns({ ...options, repeat: 1 }));
  const found = await withBench(
    options,
    mixedCorpus(options),
    async (bench) => {
      const runs: Run[] = [];
      const peaks: number[] = [];
      for (let round = 0; round < options.repeat; round += 1) {
        runs.push(...(await ourRound(bench, round, work, parseS, peaks)));
        if (bench.kettle !== undefined)
          runs.push(...(await collect(bench, 'kettle', { work, db: bench.at(`${round}-kettle.db`) })));
      }
      const note = `at most ${ROOTS * REQUESTS_A_THREAD * options.threads} requests in flight, at the server ${peaks.join(', ')}; a bare parse takes ${parseS?.toFixed(2) ?? '?'} s of CPU`;
      return { runs, notes: [...bench.notes, note], goals: goalsOf(runs, work) };
    },
    latencyMs,
  );
  const { builds, seed, repeat, threads } = options;
  return benchResult('latency', { builds, seed, repeat, latencyMs, threads }, found);
}

async function ourRound(
  bench: Bench,
  round: number,
  work: string,
  parseS: number | undefined,
  peaks: number[],
): Promise<readonly Run[]> {
  const runs = await collect(bench, 'samovar', { work, db: bench.at(`${round}-samovar.db`) });
  peaks.push(await bench.server.inFlightMax());
  const inFlight = ROOTS * REQUESTS_A_THREAD * bench.options.threads;
  const latencyS = (bench.options.latencyMs || LATENCY_MS) / 1000;
  return runs.map((run) => ({
    ...run,
    boundS: Math.max(((requestsOf(run) ?? 0) * latencyS) / inFlight, parseS ?? 0),
  }));
}

function parseTimeOf(runs: readonly Run[]): number | undefined {
  return figureOf(runs, 'parse', 'samovar', (run) => run.cpuS);
}

function goalsOf(runs: readonly Run[], work: string): readonly Goal[] {
  const ours = (figure: (run: Run) => number | undefined) => figureOf(runs, work, 'samovar', figure);
  return [
    atLeast(`${work}, against Kettle`, 4, timesFaster(runs, work, 'kettle')),
    atMost(
      `${work}, of the bound by latency or parse`,
      1.5,
      ratio(
        ours((run) => run.wallS),
        ours((run) => run.boundS),
      ),
    ),
  ];
}
