/** The only format so far; a change that an older reader would misread gets the next number. */
export const FORMAT = 1;

type Check = (value: unknown) => boolean;

const count: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const seconds: Check = (value) => value === undefined || Number.isSafeInteger(value);
const text: Check = (value) => typeof value === 'string' && value !== '';

/** Each field: what it must be, and how to tell. */
const FIELDS: Readonly<Record<string, readonly [string, Check]>> = {
  format: [String(FORMAT), (value) => value === FORMAT],
  file: ['the name of a file beside it, without a folder', isFileName],
  table: ['the name of a table or ledger', text],
  generation: ['a whole number from 0 on', count],
  rows: ['a whole number from 0 on', count],
  bytes: ['a whole number from 0 on', count],
  fileBytes: ['a whole number from 0 on', count],
  sha256: ['64 hexadecimal digits', (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)],
  createdAt: ['a time in ISO 8601', isTime],
  version: ['the version of Samovar that wrote it', text],
  replace: ['true or false', (value) => typeof value === 'boolean'],
  firstFinished: ['whole epoch seconds, or absent', seconds],
  lastFinished: ['whole epoch seconds, or absent', seconds],
};

/** Why a value is no manifest; empty when it is one. Unknown fields are allowed: a later version may add some. */
export function manifestProblems(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ['it is not a JSON object'];
  const manifest = value as Readonly<Record<string, unknown>>;
  return Object.entries(FIELDS)
    .filter(([name, [, check]]) => !check(Object.hasOwn(manifest, name) ? manifest[name] : undefined))
    .map(([name, [wanted]]) => `${name} must be ${wanted}, and is ${describe(manifest[name])}`);
}

/** A manifest from elsewhere must not lead to a file elsewhere. */
function isFileName(value: unknown): boolean {
  return (
    typeof value === 'string' && value !== '' && value !== '.' && value !== '..' && !/[/\\\0]/.test(value)
  );
}

function isTime(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}

function describe(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 80);
}
