import { runChild } from './child.ts';
import { atLeast, figureOf, type Goal, ratio } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { samovarProblems } from './samovar.ts';

/** A bare pass over the corpus' JUnit files on one thread: our reader, fast-xml-parser, and a search for the tag as the floor. */
export async function benchParse(options: BenchOptions): Promise<BenchResult> {
  const runs = await parseRuns(options);
  const { builds, seed, repeat } = options;
  const notes = samovarProblems().map((problem) => `not measured: ${problem}`);
  return benchResult('parse', { builds, seed, repeat }, { runs, notes, goals: goalsOf(runs) });
}

/** Empty where ours is not built. */
export async function parseRuns({
  builds,
  seed,
  anchorMs,
  repeat,
}: Pick<BenchOptions, 'builds' | 'seed' | 'anchorMs' | 'repeat'>): Promise<readonly Run[]> {
  if (samovarProblems().length > 0) return [];
  return runChild<readonly Run[]>('parse-child.ts', { corpus: { builds, seed, anchorMs }, repeat });
}

function goalsOf(runs: readonly Run[]): readonly Goal[] {
  const speed = (side: string) => figureOf(runs, 'parse', side, (run) => run.bytesPerCpuS);
  return [
    atLeast(
      'parse, bytes for a second of CPU, against fast-xml-parser',
      4,
      ratio(speed('samovar'), speed('fast-xml-parser')),
    ),
  ];
}
