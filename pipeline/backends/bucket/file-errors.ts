import { type ErrorCode, SamovarError } from '../../errors.ts';
import type { CallOptions } from './contract.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EISDIR: 'refused',
  ENOTDIR: 'refused',
  ENOTEMPTY: 'refused',
  ENAMETOOLONG: 'refused',
  EEXIST: 'conflict',
  // Too many open files, and a network file system that does not answer: later may be better.
  EMFILE: 'unavailable',
  ENFILE: 'unavailable',
  EAGAIN: 'unavailable',
  ESTALE: 'unavailable',
};

/** An error of the file system in our terms; what is in no list is `storage` (disk full, I/O error). */
export function fileError(subject: string, what: string, error: unknown): SamovarError {
  if (error instanceof SamovarError) return error;
  const errno = errnoOf(error);
  const code = CODES[errno] ?? 'storage';
  const remedy =
    code === 'denied'
      ? { remedy: 'Give this user the right to the file and to every directory above it.' }
      : {};
  return new SamovarError(code, `${subject}: could not be ${what} (${errno || 'unknown error'})`, {
    subject,
    cause: error,
    ...remedy,
  });
}

/** Throws `aborted` when the run is ending. */
export function throwIfAborted(subject: string, options: CallOptions): void {
  const { signal } = options;
  if (signal?.aborted)
    throw new SamovarError('aborted', `${subject}: given up, the run is ending`, {
      subject,
      cause: signal.reason,
    });
}

/** `ENOENT` and the like, or ''. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
