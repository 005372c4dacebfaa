import { createHash, timingSafeEqual } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Around } from './calls.ts';
import { RouteError } from './status.ts';
import type { CallSpan } from './trace.ts';

/** What of a client's words goes on to the worker. */
const PASSED_ON = ['x-api-key', 'tracestate', 'x-request-id'] as const;
const VALUE_CHARS_MAX = 512;

export interface AroundOptions {
  readonly nowMs: () => number;
  /** For calls that bring no deadline, and for those that bring a later one. */
  readonly callMs: number;
}

/** A client's words by name, how long it waits (Infinity: for ever), and whether it is gone. */
export function aroundOf(
  get: (name: string) => string | undefined,
  call: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly span: CallSpan },
  { nowMs, callMs }: AroundOptions,
): Around {
  // Each worker that is asked for one request listens to it.
  setMaxListeners(0, call.signal);
  const headers: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = get(name);
    if (value !== undefined && value.length <= VALUE_CHARS_MAX && /^[\x20-\x7e]+$/.test(value))
      headers[name] = value;
  }
  return {
    deadlineMs: nowMs() + Math.min(call.timeoutMs, callMs),
    headers,
    signal: call.signal,
    span: call.span,
  };
}

/** Throws UNAUTHENTICATED. In a time that does not tell how much of a key was right. */
export function keyGuard(key: string | undefined): (given: string | undefined) => void {
  if (key === undefined) return () => undefined;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const right = digest(key);
  return (given) => {
    if (given === undefined || !timingSafeEqual(digest(given), right))
      throw new RouteError('UNAUTHENTICATED', 'give the API key: metadata or header x-api-key, or ?key=');
  };
}
