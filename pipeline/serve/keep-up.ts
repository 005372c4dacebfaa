import { describeError, SamovarError } from '../errors.ts';
import type { ReplayState } from './served.ts';

/** One replay, from where the corpus is to the end of the log. */
export type ReplayOnce = (options: {
  /** Forget what is known, and begin with the log's first record. */
  readonly rebuild: boolean;
  readonly onProgress: (progress: { readonly bytes: number; readonly bytesTotal: number }) => void;
}) => Promise<unknown>;

export interface KeepUpOptions {
  readonly replay: ReplayOnce;
  /** From the end of a replay to the next one. */
  readonly pollMs: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  readonly log: (message: string, error: unknown) => void;
}

export interface KeptUp {
  readonly state: () => ReplayState;
  /** When the signal has ended it. Never fails. */
  readonly done: Promise<void>;
}

const MB = 1e6;

/**
 * Replays a log again and again, so that what is served follows it. What fails is tried again, and readers keep what was there
 * before. A log that was replaced by another one is replayed anew when it is seen twice: until then nothing of either is served.
 */
export function keepUp(options: KeepUpOptions): KeptUp {
  let state: ReplayState = { ready: false, detail: 'waiting for its replay' };
  const set = (next: ReplayState) => {
    state = next;
  };
  return { state: () => state, done: follow(options, () => state, set) };
}

async function follow(
  { replay, pollMs, sleep, signal, log }: KeepUpOptions,
  state: () => ReplayState,
  set: (state: ReplayState) => void,
): Promise<void> {
  let conflicts = 0;
  while (!signal.aborted) {
    const rebuild = conflicts > 1;
    try {
      if (rebuild) set({ ready: false, detail: 'the log was replaced: replaying it' });
      await replay({
        rebuild,
        onProgress: ({ bytes, bytesTotal }) => {
          if (!state().ready)
            set({ ready: false, detail: `replaying: ${mb(bytes)} of ${mb(bytesTotal)} MB` });
        },
      });
      conflicts = 0;
      set({ ready: true, detail: 'following' });
    } catch (error) {
      if (signal.aborted) return;
      const replaced = error instanceof SamovarError && error.code === 'conflict';
      conflicts = replaced ? conflicts + 1 : conflicts;
      log('a log could not be replayed, and will be again', error);
      set(afterFailure(state(), error, replaced));
    }
    await sleep(pollMs, signal);
  }
}

function afterFailure({ ready }: ReplayState, error: unknown, replaced: boolean): ReplayState {
  // Our own words are known to hold no secret.
  const why = error instanceof SamovarError ? describeOwn(error) : 'failed: see the log';
  if (replaced) return { ready: false, detail: why };
  return { ready, detail: ready ? `behind: ${why}` : why };
}

function describeOwn(error: SamovarError): string {
  return describeError(new SamovarError(error.code, error.message)).slice(0, 300);
}

function mb(bytes: number): string {
  return (bytes / MB).toFixed(1);
}
