import { RouteError } from './status.ts';

const TEXT_CHARS_MAX = 500;

/** Asks the supervisor to look at everything, and says what it said when that failed. `url`: of its `/update`. */
export function fleetUpdater(url: string, timeoutMs: number): (signal: AbortSignal) => Promise<void> {
  return async (signal) => {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    // A redirect would lead elsewhere: a supervisor has none.
    const answer = await fetch(url, { method: 'POST', signal: ended, redirect: 'manual' }).catch(
      (cause: unknown) => {
        throw new RouteError('UNAVAILABLE', 'the supervisor cannot be reached: try again', { cause });
      },
    );
    const text = (await answer.text().catch(() => '')).slice(0, TEXT_CHARS_MAX);
    if (answer.ok) return;
    throw new RouteError(
      'UNAVAILABLE',
      `the supervisor could not bring the fleet up to date: ${answer.status} ${text}`,
    );
  };
}
