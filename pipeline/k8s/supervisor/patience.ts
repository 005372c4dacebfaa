import { isRetryable } from '../../errors.ts';

export interface Patience {
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

const ATTEMPTS = 3;
const FIRST_MS = 200;

/** The call again, where it may pass the next time: soon, and not at the moment at which all others try again. */
export async function patiently<T>(call: () => Promise<T>, { sleep, random, signal }: Patience): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || signal.aborted || !isRetryable(error)) throw error;
      await sleep(FIRST_MS * 2 ** (attempt - 1) * (0.5 + random()), signal);
    }
  }
}
