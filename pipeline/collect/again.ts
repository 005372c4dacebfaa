import { parseRoot } from '../backends/bucket/index.ts';
import type { BuildRecord } from '../store/builds.ts';
import { processCandidate, processJunit } from './process.ts';
import { wantsBuild, wantsJob } from './plan.ts';
import type { RootRun } from './run.ts';
import type { Candidate } from './sources/candidate.ts';

const PAGE = 500;

/** Tries failed builds again, then looks again at builds that were unfinished or fresh. Comes before any listing. */
export async function collectAgain(run: RootRun): Promise<void> {
  const wants = wantsJob(run.root, run.options.selection);
  const since = run.nowMs() - run.options.giveUpMs;
  for (const letter of run.store.deadLetters.retryable(run.root.url, since)) {
    const { job, build, subject } = letter;
    if (job === null || build === null || !wants(job)) continue;
    await submit(run, { job, build, ...placeOf(run, subject) });
  }
  for (const known of stored(run, run.store.builds.open)) {
    if (wants(known.job)) await submit(run, { job: known.job, build: known.build, folder: folderOf(run, known.path), known });
  }
  await run.builds.drain();
}

/** Reads JUnit files of finished builds that are stored without them. */
export async function collectPendingJunit(run: RootRun): Promise<void> {
  const wants = wantsJob(run.root, run.options.selection);
  for (const known of stored(run, run.store.builds.junitPending)) {
    if (run.breaker.signal.aborted || run.allowance.left <= 0) break;
    if (!wants(known.job) || !wantsBuild(run.options.selection, known.build) || run.failed.has(`${known.job}/${known.build}`)) continue;
    run.stats.found += 1;
    run.allowance.left -= 1;
    if (run.options.dryRun) continue;
    await run.builds.submit(() => processJunit(run, known, folderOf(run, known.path)));
  }
  await run.builds.drain();
}

async function submit(run: RootRun, candidate: Candidate): Promise<void> {
  const { signal } = run.breaker;
  if (signal.aborted || run.allowance.left <= 0 || !wantsBuild(run.options.selection, candidate.build)) return;
  run.stats.found += 1;
  run.allowance.left -= 1;
  if (run.options.dryRun) return;
  await run.builds.submit(() => processCandidate(run, candidate));
}

/** Stored builds page by page: the table may change between pages, the ids do not. */
function* stored(run: RootRun, read: (root: number, afterId: number, limit: number) => readonly BuildRecord[]): Generator<BuildRecord> {
  let after = 0;
  while (true) {
    const page = read(run.rootId, after, PAGE);
    const last = page.at(-1);
    if (last === undefined) return;
    yield* page;
    after = last.id;
  }
}

function folderOf(run: RootRun, path: string): string {
  return path.slice(parseRoot(run.root.url).bucketUrl.length + 1);
}

/** A dead letter is about a pointer or about a build's folder. */
function placeOf(run: RootRun, subject: string): Pick<Candidate, 'pointer' | 'folder'> {
  const name = folderOf(run, subject);
  return run.root.pr && name.startsWith(`${run.prefix}directory/`) ? { pointer: name } : { folder: name };
}
