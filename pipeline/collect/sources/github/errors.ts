import { SamovarError } from '../../../errors.ts';
import { type Headers, numberIn, resetMsOf } from './pool.ts';

/** What octokit throws, as far as it is looked at. */
interface Refusal {
  readonly status?: number;
  readonly message?: string;
  readonly name?: string;
  readonly cause?: unknown;
  readonly response?: { readonly headers?: Headers; readonly data?: unknown };
}

/** After a limit that does not say until when: GitHub asks for a minute at least. */
const PAUSE_MS = 60_000;
const PAUSE_MIN_MS = 5_000;

export function statusOf(error: unknown): { readonly status: number; readonly headers: Headers } {
  const { status = 0, response } = (error ?? {}) as Refusal;
  return { status, headers: response?.headers ?? {} };
}

/** Until when (epoch milliseconds) a limit forbids to ask, by what GitHub said of it; undefined: it is no limit. */
export function pauseOf(error: unknown, nowMs: number): number | undefined {
  const { status, headers } = statusOf(error);
  const message = String((error as Refusal | null)?.message ?? '');
  const limited = /rate limit|abuse/i.test(message) || isSpent(headers) || isGraphqlLimit(error);
  if (!(status === 429 || ((status === 403 || status === 200) && limited))) return undefined;
  const afterS = numberIn(headers, 'retry-after');
  if (afterS !== undefined) return nowMs + afterS * 1000;
  const resetMs = isSpent(headers) ? resetMsOf(headers, nowMs) : undefined;
  // An hour that is over and still refused is not asked for again and again.
  return resetMs === undefined ? nowMs + PAUSE_MS : Math.max(nowMs + PAUSE_MIN_MS, resetMs);
}

const isSpent = (headers: Headers) => numberIn(headers, 'x-ratelimit-remaining') === 0;

function isGraphqlLimit(error: unknown): boolean {
  const { data } = (error as Refusal | null)?.response ?? {};
  const { errors = [] } = (data ?? {}) as { readonly errors?: readonly { readonly type?: string }[] };
  return Array.isArray(errors) && errors.some(({ type }) => type === 'RATE_LIMITED');
}

/** In our words, without a token: octokit's errors carry the request with its headers. */
export function errorOf(error: unknown, what: string): SamovarError {
  if (error instanceof SamovarError) return error;
  const { status = 0, message = String(error), cause } = (error ?? {}) as Refusal;
  const reason = message.replaceAll(/\s+/g, ' ').slice(0, 300);
  const details = { subject: what, ...(status >= 400 && { status }) };
  if (cause !== undefined) return new SamovarError('network', `${what}: no answer: ${reason}`, details);
  if (status === 404) return new SamovarError('missing', `${what}: not found`, details);
  if (status === 401 || status === 403)
    return new SamovarError('denied', `${what}: refused with ${status}: ${reason}`, {
      ...details,
      remedy: 'Give SAMOVAR_GITHUB_TOKENS a token that may read it.',
    });
  if (status >= 500) return new SamovarError('unavailable', `${what}: ${status}: ${reason}`, details);
  if (status >= 400) return new SamovarError('refused', `${what}: ${status}: ${reason}`, details);
  return new SamovarError('network', `${what}: ${reason}`, details);
}
