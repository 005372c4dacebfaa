import { isRetryable, SamovarError } from '../errors.ts';
import { NEVER_MS } from './want.ts';

const BASE_MS = 30_000;
const CAP_MS = 60 * 60_000;
/** What asking again the same way does not change. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'refused',
  'denied',
  'missing',
  'conflict',
  'config',
  'incompatible',
]);

export interface Pause {
  /** Nobody but an operator's deed has it fetched before. */
  readonly retryAtMs: number;
  /** When it is tried again by itself. */
  readonly runAtMs: number;
}

/**
 * How long an entry rests after its n-th failure in a row: at random up to 30 s * 2^(n-1), at most an hour, and at least as long
 * as the upstream said. What was refused is not tried again by itself: it rests, then waits for its schedule or for somebody.
 */
export function pauseAfter(
  error: SamovarError,
  failures: number,
  nowMs: number,
  random: () => number,
): Pause {
  if (FOR_GOOD.has(error.code)) {
    return { retryAtMs: nowMs + Math.round(CAP_MS * (0.5 + random() / 2)), runAtMs: NEVER_MS };
  }
  const ceilingMs = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures - 1, 20));
  const waitMs = Math.max(1000, Math.round(random() * ceilingMs)) + (error.retryAfterMs ?? 0);
  return { retryAtMs: nowMs + waitMs, runAtMs: nowMs + waitMs };
}

/** Whatever a provider threw, as an error with a code. */
export function asError(error: unknown, subject: string): SamovarError {
  if (error instanceof SamovarError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new SamovarError('internal', `${subject}: ${text}`, { subject, cause: error });
}

/** Worth a notice beside the entry's own error. */
export const isOurs = (error: SamovarError): boolean =>
  !isRetryable(error) && (error.code === 'internal' || error.code === 'storage');
