import pLimit from 'p-limit';
import { finishedFiles, startedFiles } from './build-files.ts';
import { buildsIn, type DemoBuild, runningBuild, SPAN_MS } from './schedule.ts';
import { type DemoState, readState, STATE_FILE } from './state.ts';
import { createWriter, type DemoWriter } from './write.ts';

const MINUTE_MS = 60_000;
const REFRESH_AFTER_MS = 60 * MINUTE_MS;
const SEED = 2026;
/** Builds written at once. */
const WRITES_MAX = 8;

export interface DemoOptions {
  /** Gets two buckets: `demo/` (logs/ and pr-logs/) and `demo-legacy/` (logs/ with small ids). */
  readonly dir: string;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly seed?: number;
  /** What the first bucket is called in the configuration, for the pointers in it; `file:DIR/demo` when absent. */
  readonly rootUrl?: string;
}

export interface DemoSummary {
  /** False when the demo was there already. */
  readonly created: boolean;
  /** Builds written by this call. */
  readonly buildsAdded: number;
  readonly anchorMs: number;
}

/**
 * Makes the demo: two `file:` buckets in Prow's layout with two weeks of builds. The content depends on the seed alone; times
 * and ids are counted back from the anchor, the minute of the first call. A demo that is there is kept, and gets the builds of
 * the time since when that is more than an hour, two weeks at most. Every build appears whole; a killed call is completed by
 * the next. Throws `malformed` or `storage` when `dir` holds something else under that name.
 */
export async function makeDemo(options: DemoOptions): Promise<DemoSummary> {
  const { dir, nowMs } = options;
  const found = await readState(dir);
  const state = found ?? { seed: options.seed ?? SEED, anchorMs: nowMs - (nowMs % MINUTE_MS) };
  if (state.filledToMs !== undefined && nowMs - state.filledToMs <= REFRESH_AFTER_MS) {
    return { created: false, buildsAdded: 0, anchorMs: state.anchorMs };
  }
  const writer = createWriter(dir);
  await writer.clean();
  const rootUrl = options.rootUrl ?? `file:${dir.replace(/\/+$/, '')}/demo`;
  // The anchor is kept before the first build, so that a call that goes on after a kill gives the same ids.
  if (found === undefined) await writeState(writer, state);
  const buildsAdded = await fill(writer, state, nowMs, rootUrl);
  await writer.clean();
  return { created: found === undefined, buildsAdded, anchorMs: state.anchorMs };
}

async function fill(writer: DemoWriter, state: DemoState, nowMs: number, rootUrl: string): Promise<number> {
  const { seed, anchorMs, filledToMs } = state;
  const untilMs = filledToMs === undefined ? anchorMs : nowMs;
  const afterMs = Math.max(filledToMs ?? 0, untilMs - SPAN_MS);
  const builds = buildsIn({ seed, anchorMs, afterMs, untilMs });
  const limit = pLimit(WRITES_MAX);
  const written = await Promise.all(
    builds.map((build) => limit(() => writeBuild(writer, build, seed, rootUrl))),
  );
  const running = runningBuild(seed, anchorMs);
  if (filledToMs === undefined)
    written.push(await writer.writeFolder(placeOf(running), startedFiles(running)));
  else await writer.completeFolder(placeOf(running), finishedFiles(running, seed));
  for (const [file, id] of latestBuilds(filledToMs === undefined ? [...builds, running] : builds))
    await writer.writeFile(file, `${id}\n`);
  await writeState(writer, { seed, anchorMs, filledToMs: untilMs });
  return written.filter(Boolean).length;
}

async function writeBuild(
  writer: DemoWriter,
  build: DemoBuild,
  seed: number,
  rootUrl: string,
): Promise<boolean> {
  const isNew = await writer.writeFolder(placeOf(build), finishedFiles(build, seed));
  // After the build: Prow's order is the other way round, but here a pointer without its build would be a kill's trace.
  if (build.pull !== undefined)
    await writer.writeFile(
      `demo/pr-logs/directory/${build.job.name}/${build.id}.txt`,
      `${rootUrl}/${build.folder}`,
    );
  return isNew;
}

function placeOf(build: DemoBuild): string {
  return `${build.bucket}/${build.folder}`;
}

/** The newest id of every job, and where Prow writes it. Batches share their presubmit's file. */
function latestBuilds(builds: readonly DemoBuild[]): ReadonlyMap<string, string> {
  const newest = [...builds].sort((a, b) => a.startedMs - b.startedMs);
  return new Map(newest.map((build) => [`${latestPlace(build)}/latest-build.txt`, build.id]));
}

function latestPlace({ job, bucket }: DemoBuild): string {
  const inLogs = job.layout === 'periodic' || job.layout === 'sequential';
  return inLogs ? `${bucket}/logs/${job.name}` : `${bucket}/pr-logs/directory/${job.name}`;
}

function writeState(writer: DemoWriter, state: DemoState): Promise<void> {
  return writer.writeFile(STATE_FILE, `${JSON.stringify(state)}\n`);
}
