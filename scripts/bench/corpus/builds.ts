import { randomFor } from '../../../pipeline/demo/random.ts';
import { snowflakeAt } from '../../../pipeline/records/ids.ts';
import type { CorpusJob } from './jobs.ts';

const DAY_MS = 86_400_000;
const SPAN_DAYS = 60;

export interface CorpusBuild {
  readonly job: CorpusJob;
  readonly id: string;
  /** In the bucket, without trailing slash. */
  readonly folder: string;
  /** The object that points to a presubmit build. */
  readonly pointer?: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  /** Without finished.json: killed, or still running. */
  readonly isUnfinished: boolean;
  readonly passed: boolean;
  readonly commit: string;
  readonly pull?: number;
}

export interface BuildsOptions {
  readonly seed: number;
  readonly builds: number;
  /** Builds lie in the days before this. */
  readonly anchorMs: number;
  /** So many days; default sixty. */
  readonly spanDays?: number;
}

/** Builds in the order of their start, spread evenly over the jobs and over the days. */
export function corpusBuilds(
  jobs: readonly CorpusJob[],
  { seed, builds, anchorMs, spanDays = SPAN_DAYS }: BuildsOptions,
): readonly CorpusBuild[] {
  const stepMs = (spanDays * DAY_MS) / builds;
  return Array.from({ length: builds }, (_, index) => {
    const job = jobs[index % jobs.length];
    if (job === undefined) throw new RangeError('a corpus needs at least one job');
    return corpusBuild(
      job,
      index,
      seed,
      Math.floor(anchorMs - 2 * 3_600_000 - (builds - 1 - index) * stepMs),
    );
  });
}

function corpusBuild(job: CorpusJob, index: number, seed: number, startedMs: number): CorpusBuild {
  const random = randomFor(seed, 'build', index);
  const id = String(BigInt(snowflakeAt(startedMs)) + BigInt(index & 0x3fffff));
  const pull = job.isPresubmit ? 100_000 + Math.floor(index / 50) : undefined;
  const folder = pull === undefined ? `logs/${job.name}/${id}` : `pr-logs/pull/${pull}/${job.name}/${id}`;
  return {
    job,
    id,
    folder,
    ...(pull !== undefined && { pull, pointer: `pr-logs/directory/${job.name}/${id}.txt` }),
    startedMs,
    finishedMs: startedMs + (5 + random.below(100)) * 60_000,
    isUnfinished: random.next() < 0.0035,
    passed: random.next() < 0.7,
    commit: randomFor(seed, 'commit', job.name, Math.floor(index / 200)).hex(40),
  };
}
