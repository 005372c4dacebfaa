import { randomUUID } from 'node:crypto';
import type { StatusName } from './status.ts';

/** What of a call is told to who keeps traces. */
export interface CallSpan {
  /** W3C's header of this call: for the log. */
  readonly traceparent: string;
  /** One attempt to ask a worker. */
  attempt(attributes: AttemptAttributes): AttemptSpan;
  end(status: StatusName): void;
}

export interface AttemptAttributes {
  /** `owner/name`. */
  readonly repo: string;
  /** `HOST:PORT`. */
  readonly address: string;
  readonly path: string;
  /** From 1. */
  readonly attempt: number;
}

export interface AttemptSpan {
  /** W3C's header, for the worker. */
  readonly traceparent: string;
  end(status: StatusName): void;
}

export interface Tracing {
  /** A call begins. `get`: the client's headers; `way`: how it came. */
  begin(path: string, way: 'grpc' | 'json', get: (name: string) => string | undefined): CallSpan;
}

const TRACE = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/;

/** Where nobody keeps traces: the client's goes on with a part of our own, or one begins, so that logs can be put together. */
export const NO_TRACING: Tracing = {
  begin: (_path, _way, get) => {
    const traceparent = traceOf(get('traceparent'));
    const attempt = { traceparent, end: () => undefined };
    return { traceparent, attempt: () => attempt, end: () => undefined };
  },
};

function traceOf(given: string | undefined): string {
  const [, trace = hexDigits(), flags = '00'] = TRACE.exec(given ?? '') ?? [];
  return `00-${trace}-${hexDigits().slice(0, 16)}-${flags}`;
}

/** 32 of them. Node keeps random bytes for UUIDs in stock, and for nothing else. */
function hexDigits(): string {
  return randomUUID().replaceAll('-', '');
}
