import { compareBuildIds, isSnowflake } from '../records/ids.ts';
import { exactJob, isPartial, wantsBuild, wantsJob } from './plan.ts';
import { createPool } from './pool.ts';
import { processCandidate } from './process.ts';
import type { RootRun } from './run.ts';
import type { Candidate, JobListing } from './sources/candidate.ts';
import { rootListings } from './sources/root.ts';

/** Listings under way at once; each waits for room among the builds, so this bounds no work, only waiting on the network. */
const LISTINGS_AT_ONCE = 16;

/** Lists every wanted job of a root and collects what is new. Throws when the root itself cannot be listed. */
export async function collectJobs(run: RootRun): Promise<void> {
  const { selection } = run.options;
  const onlyJob = exactJob(selection);
  const listings = rootListings(run.bucket, run.root, run.prefix, {
    signal: run.breaker.signal,
    wants: wantsJob(run.root, selection),
    ...(onlyJob !== undefined && { onlyJob }),
    ...(selection.sinceMs !== undefined && { sinceMs: selection.sinceMs }),
    ...(selection.untilMs !== undefined && { untilMs: selection.untilMs }),
  });
  const failures: unknown[] = [];
  const pool = createPool(LISTINGS_AT_ONCE);
  for await (const listing of listings) {
    if (run.breaker.signal.aborted) break;
    await pool.submit(async () => {
      try {
        await collectJob(run, listing);
      } catch (error) {
        run.breaker.failed(error);
        failures.push(error);
      }
    });
  }
  await pool.drain();
  if (failures.length > 0) throw failures[0];
}

/** One job: the cursor moves only when everything the listing gave is stored or has its dead letter. */
async function collectJob(run: RootRun, listing: JobListing): Promise<void> {
  const { selection } = run.options;
  const from = run.store.cursors.get(run.rootId, listing.cursor);
  const tasks = trackTasks();
  let last = from;
  const newest: Candidate[] = [];
  for await (const page of listing.pages(selection.buildLimit === undefined ? from : undefined)) {
    for (const candidate of unknownOf(run, page)) {
      if (selection.buildLimit !== undefined) newest.push(candidate);
      else await submit(run, tasks, candidate);
    }
    for (const { build } of page) last = later(last, build);
    if (run.breaker.signal.aborted || run.allowance.left <= 0) break;
  }
  newest.sort((a, b) => compareBuildIds(b.build, a.build));
  for (const candidate of newest.slice(0, selection.buildLimit)) await submit(run, tasks, candidate);
  await tasks.ended();
  const complete = !run.breaker.signal.aborted && !run.options.dryRun && !isPartial(selection);
  if (!complete || last === undefined || last === from) return;
  const reached = last;
  run.writer.push(64, () => run.store.cursors.set(run.rootId, listing.cursor, reached));
}

/** Candidates of a page that are wanted and not stored yet, nor tried already in this run. */
function unknownOf(run: RootRun, page: readonly Candidate[]): readonly Candidate[] {
  const job = page[0]?.job;
  if (job === undefined) return [];
  const wanted = page.filter(({ build }) =>
    wantsBuild(run.options.selection, { root: run.root.url, job, build }),
  );
  const ids = wanted.map(({ build }) => build);
  const known = run.store.builds.knownAmong(run.rootId, job, ids);
  const failed = run.store.deadLetters.failedAmong(run.root.url, job, ids);
  return wanted.filter(({ build }) => !known.has(build) && !failed.has(build));
}

async function submit(run: RootRun, tasks: TaskTracker, candidate: Candidate): Promise<void> {
  if (run.breaker.signal.aborted || run.allowance.left <= 0) return;
  run.allowance.left -= 1;
  run.stats.found += 1;
  run.options.onCandidate?.(run.root.url, candidate.job);
  if (run.options.dryRun) return;
  tasks.started();
  await run.builds.submit(async () => {
    await processCandidate(run, candidate).finally(tasks.done);
  });
}

/** Ids that sort by time move the cursor; so do small numbers. Others leave it alone, and their jobs are listed whole. */
function later(last: string | undefined, build: string): string | undefined {
  const orderly = isSnowflake(build) || /^[0-9]{1,7}$/.test(build);
  if (!orderly) return last;
  return last === undefined || compareBuildIds(build, last) > 0 ? build : last;
}

interface TaskTracker {
  started(): void;
  done(): void;
  ended(): Promise<void>;
}

/** Counts one job's tasks among everybody's, so that its cursor can wait for them. */
function trackTasks(): TaskTracker {
  let running = 0;
  let wake: (() => void) | undefined;
  return {
    started: () => {
      running += 1;
    },
    done: () => {
      running -= 1;
      if (running === 0) wake?.();
    },
    ended: async () => {
      if (running > 0) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}
