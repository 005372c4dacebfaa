import { describeError, type ErrorCode, SamovarError } from '../errors.ts';
import type { Paint } from './colour.ts';
import { safeText } from './text.ts';

/** What to do about an error that brings no advice of its own. */
const NOW: Readonly<Record<ErrorCode, string>> = {
  config: 'Correct it: `samovar config check` looks at every file, --help shows the flags.',
  timeout:
    'Run it again. If it stays: look at the network, lower `threads`, raise `request_timeout_seconds`.',
  network: 'Run it again. If it stays: look at network, proxy and name service.',
  throttled: 'Run it again later, with fewer `threads` or `requests_in_flight`.',
  unavailable: "Run it again. If it stays: look at the server's own status page.",
  denied: 'Give the account the role it lacks; a public bucket needs `anonymous: true` and no account.',
  refused: "Correct what the server's words name, and run it again.",
  missing: 'Correct the name, or make what is missing.',
  conflict: 'Look who has it: often an earlier run is still at it. Then run it again.',
  malformed: 'Correct the thing named, and run it again; `samovar dead-letters list` names objects.',
  'too-large': 'Make it smaller, or raise the limit named.',
  incompatible: 'Use another table or database, or a newer Samovar.',
  storage: 'Free disk space and check permissions; what was committed is safe.',
  aborted: 'Run it again: it goes on where it stopped.',
  internal: 'This is a bug in Samovar: please report it with these lines.',
};

/** What of the command came to nothing, by code. */
const WHAT: Partial<Readonly<Record<ErrorCode, string>>> = {
  config: 'cannot be done as it was asked for',
  aborted: 'was stopped',
};

export interface Failure {
  /** `samovar make-db: failed`. */
  readonly what: string;
  readonly why: string;
  readonly now: string;
  /** Of a bug: where it is. */
  readonly stack?: string;
}

/** An error in three parts: what came to nothing, why, and what to do now. `command`: its words, as they were typed. */
export function failureOf(error: unknown, command: readonly string[]): Failure {
  const code: ErrorCode = error instanceof SamovarError ? error.code : 'internal';
  const own = error instanceof SamovarError ? error.remedy : systemRemedy(error);
  const isBug = !(error instanceof SamovarError) && own === undefined;
  const name = ['samovar', ...command].join(' ');
  return {
    what: `${name}: ${WHAT[code] ?? 'failed'}`,
    why: describeError(error).split('\n').map(safeText).join('\n'),
    now: own ?? NOW[code],
    ...(isBug && error instanceof Error && error.stack !== undefined && { stack: error.stack }),
  };
}

/** What the operating system refuses is nobody's bug. */
function systemRemedy(error: unknown): string | undefined {
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  if (typeof code !== 'string' || typeof syscall !== 'string') return undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return 'Free disk space, then run it again: it goes on where it stopped.';
  return 'Check that the file or folder exists and that this user may read and write it, then run it again.';
}

export function failureText({ what, why, now, stack }: Failure, { bold, red }: Paint): string {
  const label = (text: string) => `${bold(text)}   `;
  // Several things wrong are a line each, from its beginning: editors find the place in `buckets.yaml:2:3: ...` there.
  const lines = why.split('\n');
  const whys = lines.length === 1 ? [`${label('why')}${why}`] : [`${label('why')}each of these:`, ...lines];
  return [red(bold(what)), ...whys, ...(stack === undefined ? [] : [stack]), `${label('now')}${now}`].join(
    '\n',
  );
}
