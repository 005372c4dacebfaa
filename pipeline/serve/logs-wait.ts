import type { LogSegment } from '../mutation-log/contract.ts';
import type { ServedLog } from './served.ts';

export interface WaitOptions {
  readonly waitMs: number;
  /** Between two looks at the log. Everyone who waits looks together. */
  readonly pollMs: number;
  readonly signal: AbortSignal;
  readonly changed: (segments: readonly LogSegment[]) => boolean;
}

/** Segments, as soon as they are what is waited for. Undefined: they were not in time, or the client or the server ends. */
export async function waitForLog(
  log: ServedLog,
  { waitMs, pollMs, signal, changed }: WaitOptions,
): Promise<readonly LogSegment[] | undefined> {
  const first = await look(log);
  if (changed(first)) return first;
  const late = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  while (!late.aborted) {
    await pause(pollMs, late);
    const segments = await look(log);
    if (changed(segments)) return segments;
  }
  return undefined;
}

const looks = new WeakMap<ServedLog, Promise<readonly LogSegment[]>>();

/** One question at a time for each log, whoever asks. */
function look(log: ServedLog): Promise<readonly LogSegment[]> {
  const under = looks.get(log);
  if (under !== undefined) return under;
  const asked = log.segments().finally(() => looks.delete(log));
  looks.set(log, asked);
  return asked;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
