import { randomUUID } from 'node:crypto';
import type { StatusName } from '../../net/grpc-status.ts';

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

const TRACE = /^00-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})$/;

/** What W3C's header says; undefined for none, and for one that is not to be read. */
export function parentOf(
  text: string | undefined,
): { readonly trace: string; readonly span: string; readonly flags: number } | undefined {
  const [, trace, span, flags = ''] = TRACE.exec(text ?? '') ?? [];
  return trace === undefined || span === undefined
    ? undefined
    : { trace, span, flags: Number.parseInt(flags, 16) };
}

/** Where nobody keeps traces: the client's goes on with a part of our own, or one begins, so that logs can be put together. */
export const NO_TRACING: Tracing = {
  begin: (_path, _way, get) => {
    const traceparent = traceOf(get('traceparent'));
    const attempt = { traceparent, end: () => undefined };
    return { traceparent, attempt: () => attempt, end: () => undefined };
  },
};

function traceOf(given: string | undefined): string {
  const { trace = hexDigits(), flags = 0 } = parentOf(given) ?? {};
  return `00-${trace}-${hexDigits().slice(0, 16)}-${flags.toString(16).padStart(2, '0')}`;
}

/** 32 of them. Node keeps random bytes for UUIDs in stock, and for nothing else. */
function hexDigits(): string {
  return randomUUID().replaceAll('-', '');
}
