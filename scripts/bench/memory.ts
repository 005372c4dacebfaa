import type { CorpusSpec } from './corpus/source.ts';
import { atMost, figureOf, type Goal } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { type Bench, collect, emit, kettleMakeJson, withBench } from './sides.ts';

const SIZES = [2_000, 10_000, 100_000];
const PLAIN_JOBS = 40;
const LIMIT_MB = 400;
/** A rise of less than this for 10,000 builds is no slope: two runs of one size differ by more. */
const SLOPE_MB = 20;

/** Peak memory of make-db and of emission over corpora of several sizes; the last one's builds are rows without JUnit. */
export async function benchMemory(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.sizes ?? SIZES;
  const runs: Run[] = [];
  const notes = new Set<string>();
  for (const [index, builds] of sizes.entries()) {
    const junit = index < sizes.length - 1 || sizes.length === 1;
    await withBench(options, corpusOf(options, builds, junit), async (bench) => {
      for (let round = 0; round < options.repeat; round += 1)
        runs.push(...(await roundOf(bench, round, builds, junit)));
      for (const note of bench.notes) notes.add(note);
    });
  }
  notes.add(
    "peak RSS is the largest process's: of Kettle's make-db, which has one for each thread, the parent",
  );
  const { seed, repeat, threads } = options;
  const found = { runs, notes: [...notes, ...slopes(runs, sizes)], goals: goalsOf(runs, sizes) };
  return benchResult('memory', { sizes, seed, repeat, threads }, found);
}

function corpusOf({ seed, anchorMs }: BenchOptions, builds: number, junit: boolean): CorpusSpec {
  if (junit) return { builds, seed, anchorMs };
  const jobs = Math.min(PLAIN_JOBS, builds);
  return { kind: 'plain', jobs, perJob: Math.ceil(builds / jobs), anchorMs };
}

async function roundOf(bench: Bench, round: number, builds: number, junit: boolean): Promise<readonly Run[]> {
  const { ours, kettle, at, pythons } = bench;
  const runs: Run[] = [];
  if (ours !== undefined) {
    const db = at(`${round}-samovar.db`);
    const out = at('samovar.json.gz');
    runs.push(...(await collect(bench, 'samovar', { work: workOf('make-db', builds), db, junit })));
    const command = ours.makeJson({ db, out, packed: true, ledger: 'bench', stderr: `${out}.log` });
    runs.push(await emit(bench, { work: workOf('make-json', builds), side: 'samovar', command, out }));
  }
  if (kettle !== undefined) {
    const db = at(`${round}-kettle.db`);
    const out = at('kettle.json');
    runs.push(...(await collect(bench, 'kettle', { work: workOf('make-db', builds), db, junit })));
    for (const python of pythons) {
      const command = kettleMakeJson(kettle, { db, out, python });
      const side = `kettle ${python}`;
      runs.push(await emit(bench, { work: workOf('make-json', builds), side, command, out }));
    }
  }
  return runs;
}

const workOf = (what: string, builds: number) => `${what} of ${builds}`;

function peakMb(runs: readonly Run[], what: string, side: string, builds: number): number | undefined {
  const bytes = figureOf(runs, workOf(what, builds), side, (run) => run.rssBytes);
  return bytes === undefined ? undefined : bytes / 1e6;
}

/** Rise of peak memory for 10,000 builds more, between the first and the last size that have JUnit. */
function slope(
  runs: readonly Run[],
  what: string,
  side: string,
  sizes: readonly number[],
): number | undefined {
  const withJunit = sizes.slice(0, -1);
  const [first, last] = [withJunit[0], withJunit.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const [low, high] = [peakMb(runs, what, side, first), peakMb(runs, what, side, last)];
  return low === undefined || high === undefined ? undefined : ((high - low) / (last - first)) * 10_000;
}

function slopes(runs: readonly Run[], sizes: readonly number[]): readonly string[] {
  const sides = [...new Set(runs.map(({ side }) => side))];
  return ['make-db', 'make-json'].flatMap((what) =>
    sides.flatMap((side) => {
      const rise = slope(runs, what, side, sizes);
      return rise === undefined
        ? []
        : [`${what}, ${side}: ${rise.toFixed(1)} MB more for 10,000 builds more`];
    }),
  );
}

function goalsOf(runs: readonly Run[], sizes: readonly number[]): readonly Goal[] {
  const works = ['make-db', 'make-json'];
  return [
    ...sizes.flatMap((builds) =>
      works.map((what) =>
        atMost(`peak RSS, ${workOf(what, builds)}`, LIMIT_MB, peakMb(runs, what, 'samovar', builds), ' MB'),
      ),
    ),
    ...works.map((what) =>
      atMost(
        `peak RSS of ${what}, rise for 10,000 builds`,
        SLOPE_MB,
        slope(runs, what, 'samovar', sizes),
        ' MB',
      ),
    ),
  ];
}
