import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import grpc from '@grpc/grpc-js';
import type { Around } from './calls.ts';
import { RouteError } from './status.ts';

/** What of a client's words goes on to the worker. */
const PASSED_ON = ['x-api-key', 'tracestate', 'x-request-id'] as const;
const VALUE_CHARS_MAX = 512;
const TRACE = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/;

export interface AroundOptions {
  readonly nowMs: () => number;
  /** For calls that bring no deadline, and for those that bring a later one. */
  readonly callMs: number;
}

/** A client's words by name, its deadline (milliseconds since the epoch; Infinity: none), and whether it is gone. */
export function aroundOf(
  get: (name: string) => string | undefined,
  deadlineMs: number,
  signal: AbortSignal,
  { nowMs, callMs }: AroundOptions,
): Around {
  // Each worker that is asked for one request listens to it.
  setMaxListeners(0, signal);
  const metadata = new grpc.Metadata();
  for (const name of PASSED_ON) {
    const value = get(name);
    if (value !== undefined && value.length <= VALUE_CHARS_MAX && /^[\x20-\x7e]+$/.test(value))
      metadata.set(name, value);
  }
  metadata.set('traceparent', traceOf(get('traceparent')));
  return { deadlineMs: Math.min(deadlineMs, nowMs() + callMs), metadata, signal };
}

/** W3C's trace context: the client's trace goes on with a part of our own, or one begins. */
export function traceOf(given: string | undefined): string {
  const [, trace = hexDigits(), flags = '00'] = TRACE.exec(given ?? '') ?? [];
  return `00-${trace}-${hexDigits().slice(0, 16)}-${flags}`;
}

/** 32 of them. Node keeps random bytes for UUIDs in stock, and for nothing else. */
function hexDigits(): string {
  return randomUUID().replaceAll('-', '');
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
