import { snowflakeAt } from '../records/ids.ts';
import { DEMO_JOBS, type DemoJob } from './jobs.ts';
import { randomFor } from './random.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** How far back the demo goes. */
export const SPAN_MS = 14 * DAY_MS;
const RUNNING_FOR_MS = 10 * MINUTE_MS;
/** The newest build of a fresh demo has this number where ids count up from 1. */
const SEQUENTIAL_NEWEST: Readonly<Record<string, number>> = { 'nightly-legacy': 14, 'weekly-soak': 7 };
const PULL_NEWEST = 1290;

/** One build: when it ran and where it lies. */
export interface DemoBuild {
  readonly job: DemoJob;
  /** Counted back from the anchor; builds after it have negative ones. */
  readonly index: number;
  readonly id: string;
  readonly bucket: 'demo' | 'demo-legacy';
  /** In its bucket, without trailing slash. */
  readonly folder: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly commit: string;
  readonly pull?: number;
}

export interface Range {
  readonly seed: number;
  /** A whole minute. */
  readonly anchorMs: number;
  /** Builds that ended after this … */
  readonly afterMs: number;
  /** … and not after this. */
  readonly untilMs: number;
}

/** Every build of the demo that ended in the range, job by job, oldest first. */
export function buildsIn(range: Range): readonly DemoBuild[] {
  return DEMO_JOBS.flatMap((job, jobIndex) => buildsOf(job, jobIndex, range));
}

/** The build that runs at the anchor: started, not finished. It ends half an hour later. */
export function runningBuild(seed: number, anchorMs: number): DemoBuild {
  const [job] = DEMO_JOBS;
  if (job === undefined) throw new RangeError('the demo has no jobs');
  // Between build 0 and build -1 of its job, whose indices are whole numbers.
  return buildAt(job, 0, -0.5, {
    seed,
    startedMs: anchorMs - RUNNING_FOR_MS,
    finishedMs: anchorMs + 3 * RUNNING_FOR_MS,
  });
}

/** The `number`th build that ends now: not one of the schedule. Jobs take turns. */
export function freshBuild(seed: number, nowMs: number, number: number): DemoBuild {
  const jobs = DEMO_JOBS.filter(
    ({ layout, odd, crierEvery, name }) =>
      layout === 'periodic' && !odd && crierEvery === undefined && !name.includes('excluded'),
  );
  const job = jobs[number % jobs.length];
  if (job === undefined) throw new RangeError('the demo has no jobs');
  // Far from every index of the schedule, and another one each second: times, ids and results differ.
  const index = -1_000_000 - (Math.floor(nowMs / 1_000) % 1_000_000) - number;
  const startedMs = nowMs - job.durationMinutes * MINUTE_MS;
  return buildAt(job, DEMO_JOBS.indexOf(job), index, { seed, startedMs, finishedMs: nowMs });
}

function buildsOf(
  job: DemoJob,
  jobIndex: number,
  { seed, anchorMs, afterMs, untilMs }: Range,
): readonly DemoBuild[] {
  const newestStartMs = anchorMs - job.offsetMinutes * MINUTE_MS;
  const everyMs = job.everyMinutes * MINUTE_MS;
  const durationMs = job.durationMinutes * MINUTE_MS;
  const newest = Math.ceil((newestStartMs + durationMs - untilMs) / everyMs);
  const builds: DemoBuild[] = [];
  for (let index = newest; index < (job.buildsMax ?? Number.POSITIVE_INFINITY); index += 1) {
    const startedMs = newestStartMs - index * everyMs;
    if (startedMs + durationMs <= afterMs) break;
    const spare = randomFor(seed, job.name, job.layout, index, 'duration').below(4) * MINUTE_MS;
    builds.push(
      buildAt(job, jobIndex, index, { seed, startedMs, finishedMs: startedMs + durationMs - spare }),
    );
  }
  return builds.reverse();
}

interface Run {
  readonly seed: number;
  readonly startedMs: number;
  readonly finishedMs: number;
}

function buildAt(
  job: DemoJob,
  jobIndex: number,
  index: number,
  { seed, startedMs, finishedMs }: Run,
): DemoBuild {
  const block = Math.floor(index / job.buildsPerCommit);
  const id = buildId(job, jobIndex, index, startedMs);
  const pull = job.layout === 'presubmit' ? { pull: PULL_NEWEST - block } : {};
  return {
    job,
    index,
    id,
    bucket: job.layout === 'sequential' ? 'demo-legacy' : 'demo',
    folder: `${parentOf(job, pull.pull)}/${job.name}/${id}`,
    startedMs,
    finishedMs,
    commit: randomFor(seed, job.layout === 'presubmit' ? job.name : 'main', block, 'commit').hex(40),
    ...pull,
  };
}

function parentOf(job: DemoJob, pull: number | undefined): string {
  if (job.layout === 'presubmit') return `pr-logs/pull/samovar_samovar/${pull}`;
  return job.layout === 'batch' ? 'pr-logs/pull/batch' : 'logs';
}

/** Snowflakes carry their start time; their low bits tell builds of one minute apart. */
function buildId(job: DemoJob, jobIndex: number, index: number, startedMs: number): string {
  if (job.layout === 'sequential') return String((SEQUENTIAL_NEWEST[job.name] ?? 0) - index);
  const sequence = BigInt((jobIndex << 12) | (Math.ceil(index) & 0xfff));
  return String(BigInt(snowflakeAt(startedMs)) + sequence);
}
