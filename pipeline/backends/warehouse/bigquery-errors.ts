import { codeOfStatus, type ErrorCode, SamovarError } from '../../errors.ts';

const MESSAGE_LENGTH_MAX = 300;
const ERRORS_SHOWN_MAX = 5;
const NETWORK_CODE = /^(?:E[A-Z]+|UND_ERR_\w+|ERR_STREAM_PREMATURE_CLOSE)$/;

/** BigQuery's own reasons, which say more than the status. */
const REASONS: Readonly<Record<string, ErrorCode>> = {
  rateLimitExceeded: 'throttled',
  jobRateLimitExceeded: 'throttled',
  backendError: 'unavailable',
  jobBackendError: 'unavailable',
  internalError: 'unavailable',
  jobInternalError: 'unavailable',
  tableUnavailable: 'unavailable',
  quotaExceeded: 'refused',
  notFound: 'missing',
  duplicate: 'conflict',
  accessDenied: 'denied',
  resourcesExceeded: 'too-large',
  bytesBilledLimitExceeded: 'too-large',
};

const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /bytesBilledLimitExceeded/,
    'Ask for fewer days or one job; `samovar query NAME --dry-run` tells what a question costs. If it is worth it, raise query_gigabytes.',
  ],
  [
    /quotaExceeded/,
    'A quota of the project or the table is used up: load less often, wait for it to refill, or ask for more.',
  ],
  [
    /accessDenied|401|403/,
    'Give the account roles/bigquery.dataEditor on the dataset and roles/bigquery.jobUser on the project.',
  ],
  [
    /default credentials/,
    'Set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.',
  ],
  [/[Nn]ot found: Dataset|dataset .*not found/, 'Make the dataset first: `bq mk --dataset PROJECT:DATASET`.'],
  [/[Nn]ot found: Table/, 'Make the table first (ensureTable).'],
];

export interface JobError {
  readonly reason?: string;
  readonly message?: string;
  readonly location?: string;
}

/** What a failed request means. Errors that are ours already pass through; no token and no request is kept. */
export function requestError(what: string, subject: string, error: unknown): SamovarError {
  if (error instanceof SamovarError) return error;
  const message = safeText(messageOf(error));
  const reason = firstReason(error);
  const status = statusOf(error);
  const code = REASONS[reason ?? ''] ?? codeOf(error, status, message);
  const remedy = remedyOf(`${reason ?? ''} ${status ?? ''} ${message}`);
  return new SamovarError(
    code,
    `${what}: ${status === undefined ? '' : `BigQuery answered ${status}: `}${message}`,
    {
      subject,
      ...(status !== undefined && { status }),
      ...(remedy !== undefined && { remedy }),
    },
  );
}

/** What a job that ended in an error means. `invalid`: the code where BigQuery blames what it was given. */
export function jobError(
  what: string,
  subject: string,
  errors: readonly JobError[],
  invalid: ErrorCode,
): SamovarError {
  const first = errors[0] ?? {};
  const text = jobErrorText(errors);
  if (/streaming buffer/i.test(text))
    return new SamovarError(
      'refused',
      `${what}: rows still in the streaming buffer cannot be removed (${text})`,
      {
        subject,
        remedy:
          'Wait until the buffer is empty, about 90 minutes after the last streamed row, and load again.',
      },
    );
  const code = REASONS[first.reason ?? ''] ?? invalid;
  const remedy =
    remedyOf(`${first.reason ?? ''} ${text}`) ??
    (code === 'malformed'
      ? 'No row was loaded. Correct the rows or the schema and load again under a new job id.'
      : undefined);
  return new SamovarError(code, `${what}: ${text}`, { subject, ...(remedy !== undefined && { remedy }) });
}

/** The first few of a job's errors, in one bounded line. */
export function jobErrorText(errors: readonly JobError[]): string {
  // The final error often comes again as the first of the list.
  const texts = [
    ...new Set(
      errors.map(
        ({ reason, message, location }) =>
          `${message ?? reason ?? 'no reason given'}${location ? ` (at ${location})` : ''}`,
      ),
    ),
  ];
  const shown = texts.slice(0, ERRORS_SHOWN_MAX).map(safeText).join('; ');
  return texts.length > ERRORS_SHOWN_MAX ? `${shown}; and ${texts.length - ERRORS_SHOWN_MAX} more` : shown;
}

/** With the cause, where the message alone says no more than `fetch failed`. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function codeOf(error: unknown, status: number | undefined, message: string): ErrorCode {
  if (status !== undefined) return codeOfStatus(status);
  const code = textField(error, 'code') || textField(field(error, 'cause'), 'code');
  if (textField(error, 'type') === 'request-timeout' || code === 'ETIMEDOUT') return 'timeout';
  if (/default credentials|invalid_grant|keyfile|private key/i.test(message)) return 'denied';
  if (NETWORK_CODE.test(code) || /socket hang up|network|premature close|terminated/i.test(message))
    return 'network';
  return 'refused';
}

function remedyOf(text: string): string | undefined {
  return REMEDIES.find(([seen]) => seen.test(text))?.[1];
}

/** Bounded, on one line, and without anything that looks like a token. */
function safeText(text: string): string {
  const line = text
    .replace(/\b(?:Bearer\s+\S+|ya29\.\S+|eyJ[\w-]+\.[\w.-]+)/g, '[token]')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > MESSAGE_LENGTH_MAX ? `${line.slice(0, MESSAGE_LENGTH_MAX)}…` : line;
}

function firstReason(error: unknown): string | undefined {
  const errors = field(error, 'errors');
  const reason = Array.isArray(errors) ? textField(errors[0], 'reason') : '';
  return reason === '' ? undefined : reason;
}

function statusOf(error: unknown): number | undefined {
  const status = Number(field(error, 'code'));
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
}

function textField(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === 'string' ? found : '';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
