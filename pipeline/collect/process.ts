import { describeError, SamovarError } from '../errors.ts';
import { parseDocument } from '../records/json.ts';
import type { BuildRecord } from '../store/builds.ts';
import type { NewDeadLetter } from '../store/dead-letters.ts';
import { stateAfter, timesOf } from './age.ts';
import { listJunit } from './artifacts.ts';
import { withinBudget } from './budget.ts';
import { readDocuments } from './documents.ts';
import { placeOf } from './place.ts';
import { inRange } from './plan.ts';
import type { RootRun } from './run.ts';
import { recordStartedProblem, saveFinished, saveNewHead, saveUnfinished, saveWithJunit } from './save.ts';
import type { Candidate } from './sources/candidate.ts';

/**
 * Reads one candidate and queues what it gave. Never rejects: a failure becomes a dead letter, is given back, and the rest goes on.
 */
export async function processCandidate(run: RootRun, candidate: Candidate): Promise<unknown> {
  const { job, build } = candidate;
  let folder: string | undefined;
  return guarded(run, { job, build, subject: () => subjectOf(run, candidate, folder) }, async () => {
    const subject = () => subjectOf(run, candidate, folder);
    await withinBudget(run, subject, async (own) => {
      folder = await placeOf(own, candidate);
      if (folder !== undefined) await readBuild(own, candidate, folder);
    });
  });
}

/** Reads the JUnit files of a build that is stored without them. */
export async function processJunit(run: RootRun, known: BuildRecord, folder: string): Promise<unknown> {
  const { job, build, path } = known;
  return guarded(run, { job, build, subject: () => path }, () =>
    withinBudget(
      run,
      () => path,
      (own) => rereadJunit(own, known, folder),
    ),
  );
}

function rereadJunit(run: RootRun, known: BuildRecord, folder: string): Promise<void> {
  return saveWithJunit(run, { job: known.job, build: known.build, known }, folder, {
    started: known.startedJson === null ? undefined : parsed(known.startedJson),
    startedText: known.startedJson,
    finished: parsed(known.finishedJson ?? '{}'),
    finishedText: known.finishedJson,
    generation: known.finishedGeneration,
    finishedAt: known.finishedAt,
    state: known.state,
  });
}

const parsed = (text: string) => parseDocument(Buffer.from(text));

function subjectOf(run: RootRun, candidate: Candidate, folder: string | undefined): string {
  return `${run.bucket.url}/${folder ?? candidate.folder ?? candidate.pointer ?? ''}`;
}

/** Gives what went wrong; undefined when nothing did. */
async function guarded(run: RootRun, what: Subject, work: () => Promise<void>): Promise<unknown> {
  const task = run.stage?.task(`${run.root.url} ${what.job} ${what.build}`);
  try {
    await work();
    run.breaker.succeeded();
    return undefined;
  } catch (error) {
    recordFailure(run, what, error);
    return error ?? new SamovarError('internal', 'a build failed without a reason');
  } finally {
    run.stats.done += 1;
    task?.end();
  }
}

interface Subject {
  readonly job: string;
  readonly build: string;
  readonly subject: () => string;
}

function recordFailure(run: RootRun, { job, build, subject }: Subject, error: unknown): void {
  if (run.breaker.signal.aborted) return;
  const code = error instanceof SamovarError ? error.code : 'internal';
  if (code === 'storage') {
    run.fatal(error);
    return;
  }
  run.breaker.failed(error);
  run.stats.failures += 1;
  const letter: NewDeadLetter = {
    kind: 'collect',
    subject: subject(),
    root: run.root.url,
    job,
    build,
    code,
    reason: describeError(error),
  };
  try {
    run.writer.push(512, () => run.store.deadLetters.add(letter));
  } catch (cause) {
    run.fatal(cause);
  }
}

async function readBuild(run: RootRun, candidate: Candidate, folder: string): Promise<void> {
  const generation = candidate.known?.finishedGeneration ?? undefined;
  const documents = await readDocuments(run.bucket, folder, {
    signal: run.breaker.signal,
    ...(generation !== undefined && { finishedGeneration: generation }),
  });
  if (documents.finished === 'unchanged') return settle(run, candidate, folder);
  const times = timesOf(documents, candidate, run.nowMs());
  if (!inRange(run.options.selection, times.knownMs ?? run.options.selection.sinceMs ?? 0)) return;
  if (documents.startedProblem !== undefined)
    recordStartedProblem(run, candidate, folder, documents.startedProblem);
  if (documents.finished === undefined)
    return saveUnfinished(run, candidate, folder, documents, times.firstMs);
  const content = {
    started: documents.started?.json,
    startedText: documents.started?.text ?? null,
    finished: documents.finished.json,
    finishedText: documents.finished.text,
    generation: documents.finished.generation,
    finishedAt: times.finishedAt,
    state: stateAfter(times.finishedAt * 1000, run.nowMs(), run.options.settleMs),
  };
  if (!run.options.junit) return saveFinished(run, candidate, folder, content);
  if (candidate.known !== undefined && !(await junitChanged(run, candidate.known, folder))) {
    if (await saveNewHead(run, candidate, folder, content)) return;
  }
  await saveWithJunit(run, candidate, folder, content);
}

/** finished.json has not changed. While the build settles that is all; at the end its files are compared once more. */
async function settle(run: RootRun, candidate: Candidate, folder: string): Promise<void> {
  const { known } = candidate;
  run.stats.rechecked += 1;
  if (known === undefined || run.nowMs() < (known.finishedAt ?? 0) * 1000 + run.options.settleMs) return;
  if (run.options.junit && (await junitChanged(run, known, folder))) {
    return rereadJunit(run, { ...known, state: 'complete' }, folder);
  }
  run.writer.push(64, () => run.store.builds.setState(known.id, 'complete'));
}

async function junitChanged(run: RootRun, known: BuildRecord, folder: string): Promise<boolean> {
  if (known.junit === 'pending') return true;
  const now = await listJunit(run.bucket, folder, run.breaker.signal);
  const before = new Map(
    run.store.junit.files(known.id).map((file) => [`${folder}/${file.name}`, file.generation]),
  );
  return now.length !== before.size || now.some(({ name, generation }) => before.get(name) !== generation);
}
