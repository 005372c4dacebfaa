import { describeError, type ErrorCode, SamovarError } from '../../errors.ts';

const MESSAGE_LENGTH_MAX = 400;

interface Rule {
  readonly seen: RegExp;
  readonly code: ErrorCode;
  readonly remedy?: string;
}

/** DuckDB's errors have no codes: what they say decides, first match first. */
const RULES: readonly Rule[] = [
  {
    seen: /set lock on file|Conflicting lock|already attached|being used by another process/i,
    code: 'conflict',
    remedy: 'One process at a time writes a DuckDB file: end the other one, or give this one another file.',
  },
  {
    seen: /JSON transform error|Malformed JSON|maximum_object_size|NOT NULL constraint|Conversion Error|UTF-?8|Invalid Unicode/i,
    code: 'malformed',
    remedy: 'No row of the file was loaded. Correct the row or the schema and load again under a new job id.',
  },
  {
    seen: /Out of Memory/i,
    code: 'storage',
    remedy: 'Load smaller files, or free memory and space for temporary files on this machine.',
  },
  {
    seen: /No space left|disk is full/i,
    code: 'storage',
    remedy: 'Free space on the disk that holds the file.',
  },
  { seen: /Parser Error|Binder Error|Catalog Error|Invalid Input|Not implemented/i, code: 'refused' },
  {
    seen: /not a valid DuckDB database file|newer version of DuckDB|storage version/i,
    code: 'incompatible',
    remedy: 'Give another file name; the one named is no DuckDB database this version can read.',
  },
];

/** What a failure of DuckDB means. Errors that are ours already pass through. */
export function duckDbError(what: string, subject: string, error: unknown): SamovarError {
  if (error instanceof SamovarError) return error;
  const seen = describeError(error);
  const rule = RULES.find((each) => each.seen.test(seen));
  return new SamovarError(rule?.code ?? 'storage', `${what}: ${firstWords(seen)}`, {
    subject,
    cause: error,
    ...(rule?.remedy !== undefined && { remedy: rule.remedy }),
  });
}

/** The first lines, without DuckDB's advice on flags that are ours to choose. */
function firstWords(text: string): string {
  const words = text.split(/\nTry setting|\n\n|\nPossible solutions|\nCandidate/)[0] ?? '';
  const line = words.replace(/\s+/g, ' ').trim();
  return line.length > MESSAGE_LENGTH_MAX ? `${line.slice(0, MESSAGE_LENGTH_MAX)}…` : line;
}
