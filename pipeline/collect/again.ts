import type { BuildRecord } from '../store/builds.ts';
import { wantsBuild, wantsJob } from './plan.ts';
import { processCandidate, processJunit } from './process.ts';
import type { RootRun } from './run.ts';
import type { Candidate } from './sources/candidate.ts';

const PAGE = 500;
/** Failed builds tried again in one run, those untried for longest first. */
const RETRIES_MAX = 2_000;

/** Looks again at builds that were unfinished or fresh, then tries failed ones again. Comes after the listing. */
export async function collectAgain(run: RootRun): Promise<void> {
  const wants = wantsJob(run.root, run.options.selection);
  for (const known of stored(run, run.store.builds.open)) {
    if (givenUpByKettle(run, known))
      run.writer.push(64, () => run.store.builds.setState(known.id, 'abandoned'));
    else if (wants(known.job))
      await submit(run, { job: known.job, build: known.build, folder: folderOf(run, known.path), known });
  }
  const letters = run.store.deadLetters.retryable(run.root.url, {
    firstSinceMs: run.nowMs() - run.options.giveUpMs,
    triedBeforeMs: run.startedMs,
    limit: RETRIES_MAX,
  });
  for (const { job, build, subject } of letters) {
    if (job !== null && build !== null && wants(job))
      await submit(run, { job, build, ...placeOf(run, subject) });
  }
  await run.builds.drain();
}

/** Builds that Kettle had stored unfinished and had stopped looking at: not worth a request each. */
function givenUpByKettle(run: RootRun, known: BuildRecord): boolean {
  return (
    known.checkedAt === 0 && !run.options.dryRun && run.nowMs() - known.firstSeenAt >= run.options.giveUpMs
  );
}

/** Reads JUnit files of finished builds that are stored without them. */
export async function collectPendingJunit(run: RootRun): Promise<void> {
  const wants = wantsJob(run.root, run.options.selection);
  for (const known of stored(run, run.store.builds.junitPending)) {
    if (run.breaker.signal.aborted || run.allowance.left <= 0) break;
    if (!wants(known.job) || !wantsBuild(run.options.selection, placed(run, known))) continue;
    run.stats.found += 1;
    run.allowance.left -= 1;
    if (!run.options.dryRun)
      await run.builds.submit(() => processJunit(run, known, folderOf(run, known.path)));
  }
  await run.builds.drain();
}

async function submit(run: RootRun, candidate: Candidate): Promise<void> {
  const { signal } = run.breaker;
  if (signal.aborted || run.allowance.left <= 0) return;
  if (!wantsBuild(run.options.selection, placed(run, candidate))) return;
  run.stats.found += 1;
  run.allowance.left -= 1;
  if (!run.options.dryRun) await run.builds.submit(() => processCandidate(run, candidate));
}

/** Stored builds not looked at in this run, page by page: the table may change between pages, the ids do not. */
function* stored(run: RootRun, read: RootRun['store']['builds']['open']): Generator<BuildRecord> {
  let after = 0;
  while (true) {
    const page = read(run.rootId, run.startedMs, after, PAGE);
    const last = page.at(-1);
    if (last === undefined) return;
    yield* page;
    after = last.id;
  }
}

function placed({ root }: RootRun, { job, build }: Pick<Candidate, 'job' | 'build'>) {
  return { root: root.url, job, build };
}

function folderOf(run: RootRun, path: string): string {
  return path.slice(run.bucket.url.length + 1);
}

/** A dead letter is about a pointer or about a build's folder. */
function placeOf(run: RootRun, subject: string): Pick<Candidate, 'pointer' | 'folder'> {
  const name = folderOf(run, subject);
  return run.root.pr && name.startsWith(`${run.prefix}directory/`) ? { pointer: name } : { folder: name };
}
