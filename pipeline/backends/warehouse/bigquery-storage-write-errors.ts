import { type ErrorCode, SamovarError } from '../../errors.ts';
import { jobErrorText } from './bigquery-errors.ts';

/** gRPC's status codes, as far as they mean something here. */
export const ALREADY_EXISTS = 6;
const OUT_OF_RANGE = 11;
const DEADLINE_EXCEEDED = 4;
const FAILED_PRECONDITION = 9;
const CODES: Readonly<Record<number, ErrorCode>> = {
  // Cancelled, unknown, and below aborted, internal, unavailable: told by the server of one request, so it did not do it.
  1: 'unavailable',
  2: 'unavailable',
  [DEADLINE_EXCEEDED]: 'timeout',
  5: 'missing',
  [ALREADY_EXISTS]: 'conflict',
  7: 'denied',
  8: 'throttled',
  10: 'unavailable',
  [OUT_OF_RANGE]: 'conflict',
  13: 'unavailable',
  14: 'unavailable',
  16: 'denied',
};
/** Of a whole connection that broke: what became of requests on the way nobody knows. Cancelled, unknown, aborted, internal, unavailable. */
const BROKEN: ReadonlySet<number> = new Set([1, 2, 10, 13, 14]);

/** BigQuery's words, and gRPC's own, under various codes. */
const TOO_LARGE = /request too large|message larger than max/i;

/** The last two: the file that GOOGLE_APPLICATION_CREDENTIALS names is not there or is none. */
const NO_CREDENTIALS = /default credentials|invalid_grant|keyfile|private key|ENOENT|not a file/i;

const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [TOO_LARGE, 'Nothing was written. Append fewer rows at once.'],
  [/finali[sz]ed/i, 'Open another stream: this one has ended.'],
  [NO_CREDENTIALS, 'Set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.'],
  [/denied|permission/i, 'Give the account roles/bigquery.dataEditor on the dataset.'],
];

interface GrpcError {
  readonly code?: number | string | null;
  readonly message?: string | null;
}

/** What the server's word on one request means; nothing of that request was written. */
export function answerError(what: string, subject: string, error: GrpcError): SamovarError {
  const message = error.message ?? '';
  if (TOO_LARGE.test(message)) return grpcError(what, subject, error, 'too-large');
  const ended = error.code === FAILED_PRECONDITION || /stream.*finali[sz]ed/i.test(message);
  return grpcError(what, subject, error, ended ? 'conflict' : (CODES[Number(error.code)] ?? 'refused'));
}

/** What the failure of a call or of a whole connection means. Errors that are ours already pass through. */
export function connectionError(what: string, subject: string, thrown: unknown): SamovarError {
  if (thrown instanceof SamovarError) return thrown;
  const error: GrpcError = thrown instanceof Error ? thrown : { message: String(thrown) };
  if (NO_CREDENTIALS.test(error.message ?? '')) return grpcError(what, subject, error, 'denied');
  // No status of gRPC's: it is the way to the server, or to the credentials, that failed.
  if (typeof error.code !== 'number' || BROKEN.has(error.code))
    return grpcError(what, subject, error, 'network');
  return answerError(what, subject, error);
}

function grpcError(what: string, subject: string, { code, message }: GrpcError, as: ErrorCode): SamovarError {
  const text = jobErrorText([{ message: message ?? '' }]);
  const remedy = REMEDIES.find(([seen]) => seen.test(text))?.[1];
  return new SamovarError(
    as,
    `${subject}: ${what}: ${text}${typeof code === 'number' ? ` (gRPC status ${code})` : ''}`,
    {
      subject,
      ...(remedy !== undefined && { remedy }),
    },
  );
}
