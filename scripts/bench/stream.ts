import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from './child.ts';
import type { CorpusOptions } from './corpus/index.ts';
import { atLeast, atMost, figureOf, type Goal, timesFaster } from './goals.ts';
import { measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { type Bench, mixedCorpus, withBench } from './sides.ts';
import { finishedObjects } from './stream-events.ts';

const EVENTS = 500;
const RATE = 50;
const SECONDS = 20;
const LATENCY_MS = 30;
/** What is streamed has just finished: it belongs to every table. */
const SPAN_DAYS = 0.5;
const AT_ONCE = 'events told at once';
const STEADY = `${RATE} events/s at ${LATENCY_MS} ms`;
const KETTLE_SCRIPT = fileURLToPath(new URL('./stream-kettle.py', import.meta.url));

/** What the child is to do. */
export interface StreamGiven {
  readonly corpus: CorpusOptions;
  readonly db: string;
  readonly bucketsFile: string;
  readonly workDir: string;
  readonly endpoint: string;
  /** Events a second; 0 = all at once. */
  readonly rate: number;
}

/** finished.json events through to three tables of DuckDB: all told at once beside Kettle's stream.py, and at a steady rate. */
export async function benchStream(options: BenchOptions): Promise<BenchResult> {
  const events = options.events ?? EVENTS;
  const steady = RATE * (options.seconds ?? SECONDS);
  const runs: Run[] = [];
  const notes = new Set<string>();
  for (let round = 0; round < options.repeat; round += 1) {
    for (const { work, builds, rate, latencyMs } of [
      { work: AT_ONCE, builds: events, rate: 0, latencyMs: 0 },
      { work: STEADY, builds: steady, rate: RATE, latencyMs: LATENCY_MS },
    ]) {
      const corpus = { ...mixedCorpus({ ...options, builds }), hidden: builds, spanDays: SPAN_DAYS };
      await withBench(
        options,
        corpus,
        async (bench) => {
          runs.push(...(await ourRun(bench, work, corpus, rate)));
          if (rate === 0) runs.push(...(await kettleRun(bench, work, corpus)));
          for (const note of bench.notes) notes.add(note);
        },
        latencyMs,
      );
    }
  }
  notes.add(
    "ours: the stream command's own parts with a queue in memory, DuckDB in a file, a load every 500 ms; an event counts when every table has its row; p50 and p99 at the steady rate leave out the first quarter",
  );
  notes.add(
    'Kettle: its own stream.py; Pub/Sub and BigQuery are stand-ins that give everything in one pull and take rows at no cost; ours pays for its warehouse',
  );
  const { seed, repeat, threads } = options;
  return benchResult(
    'stream',
    { events, seed, repeat, threads },
    { runs, notes: [...notes], goals: goalsOf(runs) },
  );
}

async function ourRun(
  { ours, at, server, bucketsFile, options }: Bench,
  work: string,
  corpus: CorpusOptions,
  rate: number,
): Promise<readonly Run[]> {
  if (ours === undefined) return [];
  await server.takeCounts();
  const given: StreamGiven = {
    ...{ corpus, bucketsFile, rate },
    ...{ db: at('samovar.db'), workDir: at('work'), endpoint: server.endpoint },
  };
  const run = await runChild<Run>('stream-child.ts', given, { STORAGE_EMULATOR_HOST: server.endpoint });
  const requests = await server.takeCounts();
  options.log(`stream, ${work}, samovar: ${run.wallS.toFixed(1)} s`);
  return [{ ...run, work, side: 'samovar', requests }];
}

async function kettleRun(
  { kettle, options, at, server }: Bench,
  work: string,
  corpus: CorpusOptions,
): Promise<readonly Run[]> {
  if (kettle === undefined || !existsSync(join(options.kettle ?? '', 'stream.py'))) return [];
  const command = kettle.makeDb({
    db: at('kettle.db'),
    endpoint: server.endpoint,
    threads: 16,
    stderr: at('stream.log'),
  });
  copyFileSync(join(options.kettle ?? '', 'stream.py'), join(command.cwd, 'stream.py'));
  writeFileSync(at('events.json'), JSON.stringify(finishedObjects(corpus)));
  await server.takeCounts();
  const [wrapper = ''] = command.args;
  const args = [wrapper, KETTLE_SCRIPT, at('events.json'), at('figures.json')];
  const measured = await measure({ ...command, args, stdout: at('stream.out') });
  const requests = await server.takeCounts();
  if (measured.exitCode !== 0) {
    const said = readFileSync(at('stream.log'), 'utf8').trimEnd().split('\n').at(-1);
    return [{ work, side: 'kettle', ...measured, failed: `exit ${measured.exitCode}: ${said}` }];
  }
  const figures = JSON.parse(readFileSync(at('figures.json'), 'utf8')) as Pick<
    Run,
    'wallS' | 'cpuS' | 'events' | 'rows'
  >;
  options.log(`stream, ${work}, kettle: ${figures.wallS.toFixed(1)} s`);
  return [{ work, side: 'kettle', ...figures, rssBytes: measured.rssBytes, requests }];
}

function goalsOf(runs: readonly Run[]): readonly Goal[] {
  return [
    atLeast(
      "stream, events/s through to three tables, against Kettle's stream.py",
      10,
      timesFaster(runs, AT_ONCE, 'kettle'),
    ),
    atMost(
      `stream, p99 from event to row, ${STEADY}`,
      2_000,
      figureOf(runs, STEADY, 'samovar', (run) => run.p99Ms),
      ' ms',
    ),
  ];
}
