import { SamovarError } from '../errors.ts';
import { JITTER, type LeaseOptions, type Settings, settled } from './lease-options.ts';
import { type Held, isConflict, pause, release, renew, type Seen, tryOnce, within } from './lease-record.ts';

export type { LeaseChange, LeaseOptions } from './lease-options.ts';

/** What a leader does. `signal` ends with the term. */
export type Work = (term: Term) => Promise<void>;

export interface Term {
  readonly signal: AbortSignal;
  /** False from the moment at which another may lead: look before what must not be done twice. */
  leads(): boolean;
}

/**
 * Does the work while this process leads, and only then: waits for the Lease, works, and when it is lost, ends the work and waits again.
 * Returns when the work is done or the signal has ended it, the Lease given back; throws what the work throws, and `config`.
 * Never two lead at once, as long as no clock runs faster than another by more than (duration - renewWithin) / duration and the work
 * ends with its signal.
 */
export async function whileLeading(options: LeaseOptions, work: Work): Promise<void> {
  const settings = settled(options);
  const { signal, onChange } = settings;
  const seen: Seen = { mark: '', sinceMs: 0, holder: undefined };
  while (!signal.aborted) {
    const held = await acquire(settings, seen);
    if (held === undefined) return;
    onChange?.({ type: 'leading' });
    const isOver = await oneTerm(settings, held, work);
    if (isOver) return;
    onChange?.({ type: 'lost' });
  }
}

async function acquire(settings: Settings, seen: Seen): Promise<Held | undefined> {
  const { signal, random, retryMs, onRetry, renewWithinMs } = settings;
  while (!signal.aborted) {
    try {
      const held = await within(settings, renewWithinMs, (each) => tryOnce(settings, seen, each), signal);
      if (held !== undefined) return held;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof SamovarError && error.code === 'config') throw error;
      // Somebody was quicker: to be expected, and seen at the next look.
      if (!isConflict(error)) onRetry?.(error);
    }
    await pause(settings, retryMs * (1 + JITTER * random()), signal);
  }
  return undefined;
}

/** True when the work is over, false when the term is. */
async function oneTerm(settings: Settings, held: Held, work: Work): Promise<boolean> {
  const { signal, steadyMs, renewWithinMs } = settings;
  const term = new AbortController();
  const renewing = new AbortController();
  const endTerm = () => term.abort(signal.reason);
  if (signal.aborted) endTerm();
  signal.addEventListener('abort', endTerm, { once: true });
  const leads = () => !term.signal.aborted && steadyMs() - held.renewedMs < renewWithinMs;
  const working = Promise.resolve().then(() => work({ signal: term.signal, leads }));
  const renewal = renewUntilLost(settings, held, renewing.signal).then((isLost) => {
    if (isLost) term.abort(new SamovarError('aborted', 'this process leads no longer'));
    return isLost;
  });
  try {
    await working;
  } catch (error) {
    // Ended with its term: no failure of its own.
    if (!term.signal.aborted || !isAborted(error)) throw error;
  } finally {
    renewing.abort();
    signal.removeEventListener('abort', endTerm);
    const isLost = await renewal;
    if (!isLost) await release(settings, held);
  }
  return signal.aborted || !(await renewal);
}

async function renewUntilLost(settings: Settings, held: Held, signal: AbortSignal): Promise<boolean> {
  const { steadyMs, retryMs, renewWithinMs, onRetry } = settings;
  const leftMs = () => held.renewedMs + renewWithinMs - steadyMs();
  while (true) {
    await pause(settings, Math.min(retryMs, Math.max(leftMs(), 0)), signal);
    if (signal.aborted) return false;
    if (leftMs() <= 0) return true;
    try {
      if (!(await within(settings, leftMs(), (each) => renew(settings, held, each), signal))) return true;
    } catch (error) {
      if (signal.aborted) return false;
      onRetry?.(error);
    }
  }
}

function isAborted(error: unknown): boolean {
  return error instanceof SamovarError ? error.code === 'aborted' : (error as Error).name === 'AbortError';
}
