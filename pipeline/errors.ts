/** What may be done about an error: decided by its code, in one table, never at the place that caught it. */
const RETRYABLE: ReadonlySet<string> = new Set(['timeout', 'network', 'throttled', 'unavailable']);

/** Every code an error of ours carries; docs/errors.md explains each. */
export type ErrorCode =
  /** The user's configuration or flags are wrong: exit 2. */
  | 'config'
  /** Deadline of one call passed without an answer. */
  | 'timeout'
  /** The connection failed or broke. */
  | 'network'
  /** 429: told to slow down. */
  | 'throttled'
  /** 408 or 5xx. */
  | 'unavailable'
  /** 401 or 403. */
  | 'denied'
  /** Any other refusal, 4xx. */
  | 'refused'
  /** The thing does not exist and had to. */
  | 'missing'
  /** Something with this identity exists already (HTTP 409, 412). */
  | 'conflict'
  /** Bytes that are not what they should be: broken JSON, wrong hash, wrong length. */
  | 'malformed'
  /** Past a limit of ours or of a backend's. */
  | 'too-large'
  /** A schema change that would lose or misread data. */
  | 'incompatible'
  /** The local database or disk failed. */
  | 'storage'
  /** The run was asked to stop. */
  | 'aborted'
  /** A bug of ours. */
  | 'internal';

export interface ErrorDetails {
  /** The thing concerned: an object's URL, a table, a file. Never holds a secret. */
  readonly subject?: string;
  /** What the reader can do about it, one sentence. */
  readonly remedy?: string;
  /** HTTP status, when there was one. */
  readonly status?: number;
  /** The server's wish, in milliseconds, from Retry-After. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** An error whose message says what could not be done, why and what was seen. */
export class SamovarError extends Error {
  readonly code: ErrorCode;
  readonly subject: string | undefined;
  readonly remedy: string | undefined;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SamovarError';
    this.code = code;
    this.subject = details.subject;
    this.remedy = details.remedy;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** True when the same call may succeed if made again. */
export function isRetryable(error: unknown): boolean {
  return error instanceof SamovarError && RETRYABLE.has(error.code);
}

/** The code of an HTTP status that is not a success. 404 is the caller's to judge first. */
export function codeOfStatus(status: number): ErrorCode {
  if (status === 429) return 'throttled';
  if (status === 408 || status >= 500) return 'unavailable';
  if (status === 401 || status === 403) return 'denied';
  if (status === 404 || status === 410) return 'missing';
  if (status === 409 || status === 412) return 'conflict';
  if (status === 413) return 'too-large';
  return 'refused';
}

/** One line for a log or a dead letter: message and the causes below it. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `: ${describeError(error.cause)}`;
  return `${error.message}${cause}`;
}
