import type { IncomingHttpHeaders } from 'node:http';
import { codeOfStatus, SamovarError } from '../../errors.ts';

const RETRY_AFTER_MAX_MS = 600_000;
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
]);

export function abortedError(subject: string, cause: unknown): SamovarError {
  return new SamovarError('aborted', `${subject}: given up, the run is ending`, { subject, cause });
}

export function timeoutError(
  subject: string,
  timeoutMs: number,
  answered: boolean,
  bytes: number,
): SamovarError {
  const seen = answered ? `no next byte came after ${bytes} bytes` : 'no answer came';
  return new SamovarError('timeout', `${subject}: ${seen} within ${timeoutMs} ms`, { subject });
}

/** What a failed connection means. Errors that are ours already (deadline, abort, size) pass through. */
export function connectionError(subject: string, error: unknown, bytes: number): SamovarError {
  if (error instanceof SamovarError) return error;
  const code = stringField(error, 'code');
  if (code === 'UND_ERR_BODY_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new SamovarError('timeout', `${subject}: no next byte came within the deadline`, {
      subject,
      cause: error,
    });
  }
  if (TIMEOUT_CODES.has(code))
    return new SamovarError('timeout', `${subject}: no connection within the deadline`, {
      subject,
      cause: error,
    });
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return new SamovarError('aborted', `${subject}: given up, the bucket was closed`, {
      subject,
      cause: error,
    });
  }
  const when = bytes > 0 ? ` after ${bytes} bytes of the answer` : '';
  return new SamovarError('network', `${subject}: the connection failed${when}`, { subject, cause: error });
}

/** The error for a status that is not a success; 404 on a read has been taken as an answer before. */
export function statusError(
  subject: string,
  status: number,
  details: { readonly headers?: IncomingHttpHeaders; readonly body?: string; readonly anonymous: boolean },
): SamovarError {
  const code = codeOfStatus(status);
  const retryAfterMs = parseRetryAfterMs(details.headers ?? {});
  const remedy = remedyOf(status, details.anonymous);
  return new SamovarError(
    code,
    `${subject}: the server answered ${status}${explanation(details.body ?? '')}`,
    {
      subject,
      status,
      ...(remedy === undefined ? {} : { remedy }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}

/** Milliseconds of a Retry-After in seconds or as a date; the date is measured from the server's own Date header, so no clock is needed. */
export function parseRetryAfterMs(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after']?.trim();
  if (value === undefined || value === '') return undefined;
  const wishMs = /^\d+$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.parse(headers.date ?? '');
  return Number.isFinite(wishMs) ? Math.min(Math.max(wishMs, 0), RETRY_AFTER_MAX_MS) : undefined;
}

function remedyOf(status: number, anonymous: boolean): string | undefined {
  if (status !== 401 && status !== 403) return undefined;
  return anonymous
    ? 'No credentials were found: set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.'
    : 'Give the account roles/storage.objectViewer on this bucket (objectUser for writing).';
}

/** The server's own words, from a JSON error or the start of a page, kept short. */
function explanation(body: string): string {
  const words = errorMessage(body) ?? body.replace(/<[^>]*>/g, ' ');
  const line = words.replace(/[\s\x00-\x1f\x7f]+/g, ' ').trim();
  if (line === '') return '';
  return ` (${line.length > 300 ? `${line.slice(0, 300)}…` : line})`;
}

function errorMessage(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const error = field(parsed, 'error');
    const message = typeof error === 'string' ? error : field(error, 'message');
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

/** A field of an unknown value, or undefined. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** A string field of an unknown value, or ''. */
export function stringField(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === 'string' ? found : '';
}
