/** BigQuery's documented limits, kept here because no emulator keeps them and the service says so only after the upload. */
import { SamovarError } from '../../errors.ts';
import type { Field } from './contract.ts';

/** One row of newline-delimited JSON: 100 MB. */
export const ROW_BYTES_MAX = 104_857_600;
/** One gzip file of a load: 4 GB. */
export const GZIP_FILE_BYTES_MAX = 4 * 1024 ** 3;
/** One plain file of a load: 5 TB. */
export const PLAIN_FILE_BYTES_MAX = 5 * 1024 ** 4;
/** Loads of one table in a day, failed ones included. */
export const LOADS_PER_TABLE_AND_DAY_MAX = 1_500;
/** Columns of one table, nested ones included. */
export const COLUMNS_MAX = 10_000;
/** Columns a table may be clustered by. */
export const CLUSTER_COLUMNS_MAX = 4;
/** RECORDs within RECORDs. */
export const NESTING_MAX = 15;

const DAY_MS = 86_400_000;

/** Throws `too-large` for a row (in UTF-8 bytes, newline included) that no load would take. */
export function checkRowBytes(bytes: number, subject: string): void {
  if (bytes <= ROW_BYTES_MAX) return;
  throw new SamovarError(
    'too-large',
    `${subject}: a row of ${bytes} bytes; a warehouse row may have ${ROW_BYTES_MAX}`,
    {
      subject,
      remedy: 'Shrink the row before it is written: cut its longest texts.',
    },
  );
}

/** Throws `too-large` for a file (stored bytes) that BigQuery would refuse whole. */
export function checkFileBytes(bytes: number, gzip: boolean, subject: string): void {
  const bytesMax = gzip ? GZIP_FILE_BYTES_MAX : PLAIN_FILE_BYTES_MAX;
  if (bytes <= bytesMax) return;
  const kind = gzip ? 'gzip' : 'plain';
  throw new SamovarError(
    'too-large',
    `${subject}: ${bytes} bytes; BigQuery loads ${kind} files of at most ${bytesMax}`,
    {
      subject,
      remedy: 'Write several smaller files, each a load of its own.',
    },
  );
}

/** Throws `config` for a schema with more columns or deeper nesting than a table may have. */
export function checkSchemaSize(schema: readonly Field[], subject: string): void {
  const columns = countColumns(schema);
  if (columns > COLUMNS_MAX)
    throw schemaError(subject, `${columns} columns`, `${COLUMNS_MAX}, nested ones included`);
  const depth = nesting(schema);
  if (depth > NESTING_MAX) throw schemaError(subject, `records ${depth} deep`, `${NESTING_MAX}`);
}

export interface LoadBudget {
  /** Loads that may still be submitted now. */
  readonly left: number;
  /** When the next one may be, in milliseconds since the epoch; `nowMs` while some are left. */
  readonly nextMs: number;
}

/**
 * What is left of a table's loads. BigQuery refills over 24 hours and counts failed loads too, so every submitted load of the
 * last 24 hours counts, whatever became of it. Times in milliseconds since the epoch, in any order.
 */
export function loadBudget(recentLoadTimesMs: readonly number[], nowMs: number): LoadBudget {
  const counted = recentLoadTimesMs.filter((timeMs) => timeMs > nowMs - DAY_MS).sort((a, b) => a - b);
  const left = Math.max(0, LOADS_PER_TABLE_AND_DAY_MAX - counted.length);
  const blocking = counted[counted.length - LOADS_PER_TABLE_AND_DAY_MAX];
  return { left, nextMs: left > 0 || blocking === undefined ? nowMs : blocking + DAY_MS };
}

function countColumns(fields: readonly Field[]): number {
  return fields.reduce((sum, field) => sum + 1 + countColumns(field.fields ?? []), 0);
}

function nesting(fields: readonly Field[]): number {
  return Math.max(0, ...fields.map((field) => (field.fields === undefined ? 0 : 1 + nesting(field.fields))));
}

function schemaError(subject: string, seen: string, allowed: string): SamovarError {
  return new SamovarError('config', `table ${subject}: its schema has ${seen}; BigQuery allows ${allowed}`, {
    subject,
    remedy: 'Make the schema smaller.',
  });
}
