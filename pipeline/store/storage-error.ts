import { SamovarError } from '../errors.ts';

/** What SQLite or the disk refused, as an error of ours; anything else as it came. */
export function storageError(cause: unknown, what: string, file: string): unknown {
  if (cause instanceof SamovarError) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !(code.startsWith('SQLITE_') || code.startsWith('E'))) {
    return cause instanceof TypeError
      ? new SamovarError('storage', `${what}: ${cause.message}`, { subject: file, cause })
      : cause;
  }
  return new SamovarError('storage', what, { subject: file, remedy: remedyFor(code), cause });
}

function remedyFor(code: string): string {
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC')
    return 'Free disk space, then run again: it goes on where it stopped.';
  if (code.startsWith('SQLITE_BUSY')) return 'Another process is writing to it: wait for that one to end.';
  if (code.startsWith('SQLITE_READONLY') || code === 'EACCES' || code === 'EROFS')
    return 'Make the file and its folder writable.';
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT'))
    return 'Restore the file from a copy, or move it away to collect anew.';
  return 'Check that the path exists and can be written.';
}
