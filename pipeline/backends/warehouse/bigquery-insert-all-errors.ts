import { SamovarError } from '../../errors.ts';
import { type JobError, jobErrorText } from './bigquery-errors.ts';
import type { AppendOutcome } from './contract.ts';

interface InsertError {
  readonly index?: number;
  readonly errors?: readonly JobError[];
}

/** Reasons that say something of the server, not of the row. */
const PASSING = new Set(['timeout', 'backendError', 'internalError', 'rateLimitExceeded', 'quotaExceeded']);
/** Why a row was not taken that another row's fault stopped. */
const STOPPED = 'stopped';
const SIZE = /request payload size exceeds|malformed or illegal request|too large|<html|<!doctype/i;

/**
 * The rows that were refused, when that is what the library threw; throws everything else on. `from`: index of the first row of
 * the request among the caller's. Throws `unavailable` where no row is to blame, `too-large` where a smaller request may do.
 */
export function rowFailures(error: unknown, what: string, from: number): AppendOutcome {
  if (isTooLarge(error)) throw new SamovarError('too-large', `${what}: more than one request may hold`);
  const failures = insertErrors(error);
  if (failures === undefined) throw error;
  const refused = failures.flatMap(({ index = 0, errors = [] }) => {
    const own = errors.filter(({ reason = '' }) => reason !== STOPPED && !PASSING.has(reason));
    return own.length === 0 ? [] : [{ index: from + Number(index), reason: jobErrorText(own) }];
  });
  if (refused.length > 0) return { refused, tooLarge: [] };
  const [first] = failures.map(({ errors = [] }) => jobErrorText(errors));
  throw new SamovarError('unavailable', `${what}: rows were not taken, through no fault of theirs: ${first}`);
}

/**
 * True for an answer that a smaller request may not get: BigQuery's own, or a page of what stands before it, which says so in
 * HTML, by no certain words.
 */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === 413 || (error.code === 400 && SIZE.test(error.message));
}

/** The library's PartialFailureError carries the answer; its own list has lost the indexes. */
function insertErrors(error: unknown): readonly InsertError[] | undefined {
  if (!(error instanceof Error) || error.name !== 'PartialFailureError' || !('response' in error))
    return undefined;
  return (error.response as { readonly insertErrors?: readonly InsertError[] }).insertErrors ?? [];
}
