import { codeOfStatus, describeError, type ErrorCode, SamovarError } from '../errors.ts';
import { isRecord } from './client-node-json.ts';

const SAID_LENGTH_MAX = 1_000;

/** What a server says when it refuses: a `Status` object, if the server is one of Kubernetes. */
export interface Said {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly name?: string; readonly kind?: string };
}

export function saidIn(body: string): Said {
  try {
    const value: unknown = JSON.parse(body);
    if (isRecord(value) && value.kind === 'Status') return value as Said;
  } catch {
    // A proxy's page, or plain text.
  }
  return { message: body.trim().slice(0, SAID_LENGTH_MAX) };
}

export interface Refusal {
  /** `patch Deployment default/x` */
  readonly doing: string;
  readonly status: number;
  readonly said: Said;
  readonly retryAfterMs?: number;
}

export function refusal({ doing, status, said, retryAfterMs }: Refusal): SamovarError {
  const reason = said.reason === undefined ? '' : ` ${said.reason}`;
  const code = isOurMistake(said) ? 'refused' : codeOf(status);
  const remedy = REMEDIES[code];
  return new SamovarError(
    code,
    `cannot ${doing}: the Kubernetes API server says ${status}${reason}: ${shortened(said.message)}`,
    {
      subject: doing,
      status,
      ...(remedy && { remedy }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  );
}

/** To apply what the kind has no field for is answered with a 500, though it will never be right. */
function isOurMistake({ message = '' }: Said): boolean {
  return message.startsWith('failed to create typed patch object');
}

/** A patch that is refused is shown with the whole object, a Secret's data among it. */
function shortened(message: string | undefined): string {
  if (!message) return 'nothing more';
  const said = message.replace(/(patch: Invalid value: )"(?:[^"\\]|\\.)*"/, '$1"..."');
  if (said.length <= SAID_LENGTH_MAX) return said;
  return `${said.slice(0, SAID_LENGTH_MAX / 2)} ... ${said.slice(-SAID_LENGTH_MAX / 2)}`;
}

const REMEDIES: Partial<Record<ErrorCode, string>> = {
  denied: 'Give the account the right by a Role and a RoleBinding; `kubectl auth can-i` tells what it has.',
  missing: 'See whether the namespace is there, and whether `kubectl api-resources` lists the kind.',
  conflict: 'Read it again, and decide anew.',
};

/** 410 is a version that is too old: what was read has to be read anew, as with any conflict. */
function codeOf(status: number): ErrorCode {
  if (status === 410) return 'conflict';
  if (status === 413 || status < 400) return 'refused';
  return codeOfStatus(status);
}

const TLS = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

export function broken(doing: string, cause: unknown): SamovarError {
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  const isTls = typeof code === 'string' && TLS.test(code);
  return new SamovarError('network', `cannot ${doing}: the connection failed: ${describeError(cause)}`, {
    subject: doing,
    remedy: isTls
      ? 'See which certificate authority the kubeconfig names for this cluster.'
      : 'See whether the Kubernetes API server can be reached from here.',
    cause,
  });
}

export function tooLate(doing: string, timeoutMs: number): SamovarError {
  return new SamovarError('timeout', `cannot ${doing}: no whole answer after ${timeoutMs} ms`, {
    subject: doing,
    remedy: 'See how the Kubernetes API server is, or allow more time.',
  });
}

export function stopped(doing: string): SamovarError {
  return new SamovarError('aborted', `stopped before the end of: ${doing}`, { subject: doing });
}

export function malformed(doing: string, why: string): SamovarError {
  return new SamovarError('malformed', `cannot ${doing}: ${why}`, {
    subject: doing,
    remedy: 'See whether the address is that of a Kubernetes API server.',
  });
}
