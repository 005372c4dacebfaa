import { SamovarError } from '../errors.ts';
import { type BucketPlace, findLog, heldUntilMs, urlOf } from './mutation-copy-hold.ts';
import type { ResetWorker } from './mutation-reset-worker.ts';

export interface Waiting {
  readonly place: BucketPlace;
  readonly worker: ResetWorker;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Between two looks. */
  readonly pollMs: number;
  /** For one step, at most. */
  readonly timeoutMs: number;
  /** A log that has not grown for so long is fetched, where nobody says it better. */
  readonly settledMs: number;
  /** Told at each look. */
  readonly onWait?: (text: string) => void;
}

/** Until the worker does not run, and nobody holds the log: a worker gives it up when it ends, or its hold runs out. */
export async function waitQuiet(waiting: Waiting): Promise<void> {
  const { place, worker, nowMs } = waiting;
  await until(waiting, 'the worker to end', async () => {
    if (!(await worker.isStopped())) return 'the worker still runs';
    const heldMs = heldUntilMs(await findLog(place, callOf(waiting)), nowMs());
    if (heldMs === undefined) return undefined;
    return `the log is held for another ${Math.ceil((heldMs - nowMs()) / 1000)} s`;
  });
}

export async function waitStarted(waiting: Waiting): Promise<void> {
  await until(waiting, 'the worker to start', async () =>
    (await waiting.worker.isStarted()) ? undefined : 'the worker is not ready yet',
  );
}

export async function waitFetched(waiting: Waiting): Promise<void> {
  const { worker } = waiting;
  const isSettled = settled(waiting);
  await until(waiting, `the log ${urlOf(waiting.place)} to be fetched again`, async () => {
    const size = await sizeOf(waiting);
    const isDone = worker.isFetched === undefined ? isSettled(size) : size > 0 && (await worker.isFetched());
    return isDone ? undefined : `the log has ${size} bytes`;
  });
}

/** True when the log has something, and has had as much for some time. */
function settled({ nowMs, settledMs }: Waiting): (size: number) => boolean {
  let last = 0;
  let sinceMs = nowMs();
  return (size) => {
    if (size !== last) {
      last = size;
      sinceMs = nowMs();
    }
    return size > 0 && nowMs() - sinceMs >= settledMs;
  };
}

async function sizeOf(waiting: Waiting): Promise<number> {
  const { segments } = await findLog(waiting.place, callOf(waiting));
  return segments.reduce((sum, { size }) => sum + size, 0);
}

/** `look` gives what is still missing, in words. */
async function until(
  { nowMs, sleep, pollMs, timeoutMs, signal, onWait }: Waiting,
  what: string,
  look: () => Promise<string | undefined>,
): Promise<void> {
  const startedMs = nowMs();
  for (;;) {
    signal?.throwIfAborted();
    const missing = await look();
    if (missing === undefined) return;
    onWait?.(missing);
    if (nowMs() - startedMs >= timeoutMs)
      throw new SamovarError(
        'timeout',
        `waited ${Math.round(timeoutMs / 60_000)} minutes for ${what}: ${missing}`,
        {
          remedy: 'See what keeps it; then run this again: it goes on where it stopped.',
        },
      );
    await sleep(pollMs, signal);
  }
}

const callOf = ({ signal }: Waiting) => (signal === undefined ? {} : { signal });
