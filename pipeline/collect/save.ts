import type { SamovarError } from '../errors.ts';
import type { JsonObject } from '../records/json.ts';
import type { BuildRecord } from '../store/builds.ts';
import type { NewDeadLetter } from '../store/dead-letters.ts';
import type { Documents } from './documents.ts';
import { readJunit } from './junit.ts';
import type { ReadBuild } from './reading/contract.ts';
import { makeRow, makeRowAround, type RowHead } from './row.ts';
import type { RootRun } from './run.ts';
import type { Candidate } from './sources/candidate.ts';

/** A finished build's documents, and what follows from them. */
export interface FinishedContent {
  readonly started: JsonObject | undefined;
  readonly startedText: string | null;
  readonly finished: JsonObject;
  readonly finishedText: string | null;
  readonly generation: string | null;
  /** Epoch seconds. */
  readonly finishedAt: number | null;
  readonly state: BuildRecord['state'];
}

/** The build a save is about. */
export type Known = Pick<Candidate, 'job' | 'build' | 'known' | 'guessed'>;

/** A build whose files cannot be read is stored without a row: it is never "a build without tests". */
export async function saveWithJunit(
  run: RootRun,
  candidate: Known,
  folder: string,
  content: FinishedContent,
): Promise<void> {
  const { bucket, room, sleep, random } = run;
  const reading = run.readers.begin();
  try {
    await readJunit({ bucket, reading, room, signal: run.breaker.signal, sleep, random }, folder);
  } catch (error) {
    reading.discard();
    if (!run.breaker.signal.aborted) saveBuild(run, candidate, folder, content, 'pending');
    throw error;
  }
  const read = await reading.finish(rowHead(run, folder, content));
  save(run, candidate, folder, content, { ...read, junit: 'done' });
}

/** What a row needs of a build's documents: no more, as it may go to another thread. */
function rowHead(run: RootRun, folder: string, { started, finished }: FinishedContent): RowHead {
  return { path: `${run.bucket.url}/${folder}`, jobPrefix: run.root.prefix, started, finished };
}

/** A rewritten finished.json whose files are as they were: the stored tests under a new head. False when there is no such row. */
export async function saveNewHead(
  run: RootRun,
  candidate: Known,
  folder: string,
  content: FinishedContent,
): Promise<boolean> {
  const stored = candidate.known === undefined ? undefined : run.store.rows.get(candidate.known.id);
  if (stored === undefined) return false;
  const path = `${run.bucket.url}/${folder}`;
  const row = await makeRowAround(stored, rowHead(run, folder, content));
  run.stats.rows += 1;
  countKind(run, candidate);
  run.writer.push(row.data.length + 2_048, () => {
    run.store.builds.save(savedBuild(run, candidate, path, content, 'done'));
    run.store.rows.put({ ...row, build: stored.build });
  });
  return true;
}

/** A finished build whose files were not asked for. */
export async function saveFinished(
  run: RootRun,
  candidate: Known,
  folder: string,
  content: FinishedContent,
): Promise<void> {
  const row = await makeRow({ ...rowHead(run, folder, content), files: [] });
  save(run, candidate, folder, content, { row, files: [], junit: 'pending' });
}

function save(
  run: RootRun,
  candidate: Known,
  folder: string,
  content: FinishedContent,
  { row, files, junit }: ReadBuild & { readonly junit: 'pending' | 'done' },
): void {
  const path = `${run.bucket.url}/${folder}`;
  const bytes = row.data.length + files.reduce((sum, { raw }) => sum + raw.data.length, 2_048);
  run.stats.rows += 1;
  run.stats.tests += row.testsRun;
  run.stats.junitFiles += files.length;
  countKind(run, candidate);
  run.writer.push(bytes, () => {
    const id = run.store.builds.save(savedBuild(run, candidate, path, content, junit));
    if (junit === 'done')
      run.store.junit.replaceFiles(
        id,
        files.map(({ record }) => record),
        files.map(({ raw }) => raw),
      );
    run.store.rows.put({ ...row, build: id });
    run.store.deadLetters.resolve('collect', path);
    resolvePointer(run, candidate);
  });
}

function saveBuild(
  run: RootRun,
  candidate: Known,
  folder: string,
  content: FinishedContent,
  junit: 'pending' | 'done',
): void {
  const path = `${run.bucket.url}/${folder}`;
  countKind(run, candidate);
  run.writer.push(2_048, () => void run.store.builds.save(savedBuild(run, candidate, path, content, junit)));
}

function savedBuild(
  run: RootRun,
  candidate: Known,
  path: string,
  content: FinishedContent,
  junit: 'pending' | 'done',
) {
  return {
    path,
    root: run.rootId,
    job: candidate.job,
    build: candidate.build,
    state: content.state,
    junit,
    startedJson: content.startedText,
    finishedJson: content.finishedText,
    finishedGeneration: content.generation,
    finishedAt: content.finishedAt,
  };
}

/** Running, or a folder still without documents; given up when it is too old. Finding nothing where a guess led is no news. */
export function saveUnfinished(
  run: RootRun,
  candidate: Candidate,
  folder: string,
  documents: Documents,
  firstMs: number,
): void {
  const { started } = documents;
  if (started === undefined && candidate.guessed && candidate.known === undefined) return;
  const tooOld = run.nowMs() - firstMs >= run.options.giveUpMs;
  const state = tooOld ? 'abandoned' : started === undefined ? 'empty' : 'running';
  const path = `${run.bucket.url}/${folder}`;
  const content = {
    startedText: started?.text ?? null,
    finishedText: null,
    generation: null,
    finishedAt: null,
    state,
  } as const;
  countKind(run, candidate);
  run.writer.push(1_024, () => {
    run.store.builds.save(
      savedBuild(run, candidate, path, { ...content, started: undefined, finished: {} }, 'pending'),
    );
    run.store.deadLetters.resolve('collect', path);
    resolvePointer(run, candidate);
  });
}

function countKind(run: RootRun, candidate: Known): void {
  if (candidate.known === undefined) run.stats.added += 1;
  else run.stats.rechecked += 1;
}

function resolvePointer(run: RootRun, candidate: Pick<Candidate, 'pointer'> | Known): void {
  if ('pointer' in candidate && candidate.pointer !== undefined) {
    run.store.deadLetters.resolve('collect', `${run.bucket.url}/${candidate.pointer}`);
  }
}

export function recordStartedProblem(
  run: RootRun,
  candidate: Candidate,
  folder: string,
  problem: SamovarError,
): void {
  const subject = `${run.bucket.url}/${folder}/started.json`;
  const letter: NewDeadLetter = {
    kind: 'row',
    subject,
    root: run.root.url,
    job: candidate.job,
    build: candidate.build,
    code: problem.code,
    reason: problem.message,
  };
  run.writer.push(512, () => run.store.deadLetters.add(letter));
}
