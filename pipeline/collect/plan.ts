import type { BucketRoot } from '../config/buckets.ts';
import { isSnowflake, snowflakeTimeMs } from '../records/ids.ts';
import { type BuildPlace, type Shard, shardOf } from '../records/shard.ts';

/** Which builds a run wants, beyond what the configuration excludes. */
export interface Selection {
  /** A job's name, or a pattern with `*` and `?`. */
  readonly job?: string | undefined;
  /** Epoch milliseconds. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** At most so many builds in this run, all roots together. */
  readonly limit?: number | undefined;
  /** Only the newest so many builds of each job. */
  readonly buildLimit?: number | undefined;
  /** Only the builds of this part; the others are another process's. */
  readonly shard?: Shard | undefined;
}

/** True when a run leaves builds out: what it listed then says nothing about what is complete. */
export function isPartial(selection: Selection): boolean {
  const { sinceMs, untilMs, limit, buildLimit, shard } = selection;
  return [sinceMs, untilMs, limit, buildLimit, shard].some((bound) => bound !== undefined);
}

/** The one exclusion filter: what the run asked for, then what the root excludes. */
export function wantsJob(root: BucketRoot, selection: Selection): (job: string) => boolean {
  const pattern = selection.job === undefined ? undefined : globPattern(selection.job);
  return (job) => (pattern === undefined || pattern.test(job)) && root.excludes(job) === undefined;
}

/** The job's full name when the selection names exactly one. */
export function exactJob(selection: Selection): string | undefined {
  return selection.job !== undefined && !/[*?]/.test(selection.job) ? selection.job : undefined;
}

/** False for a build of another shard, or whose id says that it started outside the range; ids that tell no time pass. */
export function wantsBuild(selection: Selection, place: BuildPlace): boolean {
  const { build } = place;
  if (isSnowflake(build) && !inRange(selection, snowflakeTimeMs(build))) return false;
  const { shard } = selection;
  return shard === undefined || shardOf(place, shard.count) === shard.index;
}

/** True when a build's time lies in the selection's range. */
export function inRange(selection: Selection, timeMs: number): boolean {
  return (
    timeMs >= (selection.sinceMs ?? Number.NEGATIVE_INFINITY) &&
    timeMs < (selection.untilMs ?? Number.POSITIVE_INFINITY)
  );
}

function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
