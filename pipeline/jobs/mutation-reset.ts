import { SamovarError } from '../errors.ts';
import { archiveTime } from '../mutation-log/archive.ts';
import { archiveLog, copyLog } from './mutation-copy.ts';
import { type BucketPlace, findLog, urlOf } from './mutation-copy-hold.ts';
import type { RepoName } from './mutation-copy-names.ts';
import { archivePlace, archivesOf, deleteLog } from './mutation-reset-archive.ts';
import {
  endReset,
  type ResetState,
  readReset,
  STEPS,
  type StepName,
  type StoredState,
  type WorkerState,
  writeReset,
} from './mutation-reset-state.ts';
import { type Waiting, waitFetched, waitQuiet, waitStarted } from './mutation-reset-wait.ts';
import type { ResetWorker } from './mutation-reset-worker.ts';

export interface ResetContext extends Waiting {
  readonly repo: RepoName;
  readonly place: BucketPlace;
  readonly worker: ResetWorker;
  /** False: whoever wants to know whether all is there again looks for himself. */
  readonly waitFetch: boolean;
  readonly onStep?: (step: ResetStep) => void;
}

export interface ResetStep {
  readonly step: StepName;
  /** `before`: an earlier run has done it. */
  readonly state: 'before' | 'running' | 'done';
  readonly text: string;
}

export interface ResetPlan {
  readonly repository: string;
  readonly kind: ResetState['kind'];
  readonly log: string;
  readonly segments: number;
  readonly bytes: number;
  readonly worker: string;
  /** Where the log goes. */
  readonly archive: string;
  /** Where the log comes from that takes its place. */
  readonly restores?: string;
  /** Done by an earlier run, which this one goes on with. */
  readonly done: readonly StepName[];
  readonly steps: readonly { readonly step: StepName; readonly text: string }[];
}

/** What is to be undone: the archive of that time; `''`: the reset that is under way, else the latest archive. */
export interface ResetRequest {
  readonly undo?: string;
}

/** What a reset, or its undoing, would do. Reads only. */
export async function planReset(context: ResetContext, request: ResetRequest = {}): Promise<ResetPlan> {
  const { place, worker } = context;
  const stored = await readReset(place, callOf(context));
  const { state } = await nextState(context, request, stored);
  const { segments } = await findLog(place, callOf(context));
  const { text } = await worker.look();
  return {
    repository: state.repository,
    kind: state.kind,
    log: urlOf(place),
    segments: segments.length,
    bytes: segments.reduce((sum, { size }) => sum + size, 0),
    worker: text,
    archive: urlOf(archivePlace(place, state.time)),
    ...(state.restores !== undefined && { restores: urlOf(archivePlace(place, state.restores)) }),
    done: state.done,
    steps: stepsOf(state).map((step) => ({ step, text: ABOUT[step] })),
  };
}

/**
 * Makes a log anew: its worker is stopped, the log archived and deleted, the worker started, and all is fetched again. Or brings an
 * archive back. How far it is lies beside the log: after a stop at any point, the same call goes on. Throws `timeout` where something
 * that is waited for does not come, and all that its parts throw.
 */
export async function resetLog(context: ResetContext, request: ResetRequest = {}): Promise<ResetState> {
  const { place, worker, onStep = () => undefined } = context;
  const found = await readReset(place, callOf(context));
  const next = await nextState(context, request, found);
  let stored: StoredState = next.isNew ? await writeReset(place, next, callOf(context)) : next;
  for (const step of stepsOf(stored.state)) {
    const text = ABOUT[step];
    if (stored.state.done.includes(step)) {
      onStep({ step, state: 'before', text });
      continue;
    }
    context.signal?.throwIfAborted();
    onStep({ step, state: 'running', text });
    if (step === 'resume') {
      const state = { ...stored.state, done: [...stored.state.done, step] };
      const archive = archivePlace(place, state.time);
      const isKept = (await findLog(archive, callOf(context))).segments.length > 0;
      await endReset(place, { ...stored, state }, isKept ? archive : undefined, callOf(context));
      stored = { ...stored, state };
    } else {
      await RUN[step](context, stored.state, worker);
      const state = { ...stored.state, done: [...stored.state.done, step] };
      stored = await writeReset(place, { ...stored, state }, callOf(context));
    }
    onStep({ step, state: 'done', text });
  }
  return stored.state;
}

const ABOUT: Readonly<Record<StepName, string>> = {
  pause: 'say beside the log that it is being reset',
  stop: 'stop the worker',
  quiet: 'wait until nobody runs and nobody writes the log',
  archive: 'copy the log into the archive, and read the copy',
  delete: 'delete the log',
  restore: 'copy the archive back',
  start: 'start the worker',
  fetch: 'wait until all is fetched again',
  resume: 'take back what was said, and keep a note with the archive',
};

/** Of a reset; or of bringing an archive back, in place of a log that is archived too. */
function stepsOf({ kind }: ResetState): readonly StepName[] {
  return STEPS.filter((step) => step !== (kind === 'undo' ? 'fetch' : 'restore'));
}

type Run = (context: ResetContext, state: ResetState, worker: ResetWorker) => Promise<void>;

const RUN: Readonly<Record<Exclude<StepName, 'resume'>, Run>> = {
  // It was written when the reset began.
  pause: async () => undefined,
  stop: (_, __, worker) => worker.stop(),
  quiet: async (context, _, worker) => {
    await waitQuiet(context);
    await worker.settle?.();
  },
  archive: async (context, { time }) => {
    const { segments } = await findLog(context.place, callOf(context));
    if (segments.length > 0) await archiveLog(context.place, timedCall(context), time);
  },
  delete: async (context, { time }, worker) => {
    const archive = archivePlace(context.place, time);
    const { segments } = await findLog(context.place, callOf(context));
    // What came behind the archive: seldom anything.
    if (segments.length > 0) await copyLog(context.place, archive, timedCall(context));
    await deleteLog(context.place, archive, timedCall(context));
    await worker.forget?.();
  },
  restore: async (context, { restores }) => {
    if (restores !== undefined)
      await copyLog(archivePlace(context.place, restores), context.place, timedCall(context));
  },
  start: async (context, { worker: before }, worker) => {
    await worker.start(before);
    await waitStarted(context);
  },
  fetch: async (context) => {
    if (context.waitFetch) await waitFetched(context);
  },
};

async function nextState(
  context: ResetContext,
  { undo }: ResetRequest,
  found: StoredState | undefined,
): Promise<StoredState & { readonly isNew: boolean }> {
  const generation = found?.generation ?? '0';
  if (undo === undefined) {
    if (found === undefined) return { state: await newState(context, 'reset'), generation, isNew: true };
    if (found.state.kind === 'reset') return { ...found, isNew: false };
    throw underWay(found.state);
  }
  if (found?.state.kind === 'undo') return { ...found, isNew: false };
  const started = await newState(context, 'undo', found?.state.worker);
  if (found !== undefined && !found.state.done.includes('archive')) {
    // Nothing has happened to the log yet: the worker is started again.
    const done: readonly StepName[] = ['pause', 'stop', 'quiet', 'archive', 'delete', 'restore'];
    return { state: { ...started, done }, generation, isNew: true };
  }
  const restores = await archiveToRestore(context, undo, found?.state.time);
  return { state: { ...started, restores }, generation, isNew: true };
}

const callOf = ({ signal }: ResetContext) => (signal === undefined ? {} : { signal });
const timedCall = (context: ResetContext) => ({ nowMs: context.nowMs, ...callOf(context) });

async function newState(
  context: ResetContext,
  kind: ResetState['kind'],
  before?: WorkerState,
): Promise<ResetState> {
  const { repo, worker, nowMs } = context;
  const { state } = await worker.look();
  const startedAtMs = nowMs();
  const repository = `${repo.owner}/${repo.name}`;
  const time = await freeTime(context, startedAtMs);
  return { format: 1, kind, repository, startedAtMs, time, worker: before ?? state, done: [] };
}

/** An archive is never written into another one. */
async function freeTime(context: ResetContext, nowMs: number): Promise<string> {
  const taken = await archivesOf(context.place, callOf(context));
  let timeMs = nowMs;
  while (taken.includes(archiveTime(timeMs))) timeMs += 1000;
  return archiveTime(timeMs);
}

async function archiveToRestore(context: ResetContext, wanted: string, current?: string): Promise<string> {
  const times = await archivesOf(context.place, callOf(context));
  const time = wanted === '' ? (current ?? times.at(-1)) : wanted;
  if (time !== undefined && times.includes(time)) return time;
  throw new SamovarError(
    'missing',
    `there is no archive of ${urlOf(context.place)}${wanted && ` of ${wanted}`}`,
    {
      subject: urlOf(context.place),
      remedy: times.length === 0 ? 'It was never reset.' : `There are those of: ${times.join(', ')}.`,
    },
  );
}

function underWay({ repository }: ResetState): SamovarError {
  return new SamovarError('conflict', `the reset of ${repository} is being undone`, {
    subject: repository,
    remedy: 'Run it with --undo until that is done; then reset it again.',
  });
}
