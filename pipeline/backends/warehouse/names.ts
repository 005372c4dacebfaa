import { SamovarError } from '../../errors.ts';

/** BigQuery's rules: older projects carry a domain in front (`example.com:project`). */
const PROJECT = /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/;
const DATASET = /^[A-Za-z0-9_]{1,1024}$/;
/** Letters, marks, digits, connectors, dashes and spaces; a partition may follow a `$`. */
const TABLE = /^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]+(?:\$(?:\d{4}|\d{6}|\d{8}|\d{10}))?$/u;
const TABLE_BYTES_MAX = 1_024;
const COLUMN = /^[\p{L}_][\p{L}\p{N}_]{0,299}$/u;
const JOB_ID = /^[A-Za-z0-9_-]{1,1024}$/;

/** Throws `config` unless it is a project's id. */
export function checkProject(name: string): string {
  return check(PROJECT.test(name), 'project', name, '6 to 30 lower-case letters, digits and dashes');
}

/** Throws `config` unless it is a dataset's name. */
export function checkDataset(name: string): string {
  return check(DATASET.test(name), 'dataset', name, 'at most 1,024 letters, digits and underscores');
}

/** Throws `config` unless it is a table's name, with or without a partition (`table$20260131`). */
export function checkTable(name: string): string {
  const fits = TABLE.test(name) && Buffer.byteLength(name) <= TABLE_BYTES_MAX;
  return check(fits, 'table', name, 'letters, digits, dashes and underscores, at most 1,024 bytes of UTF-8');
}

/** Throws `config` unless it is a column's name in both warehouses. */
export function checkColumn(name: string): string {
  return check(
    COLUMN.test(name),
    'column',
    name,
    'letters, digits and underscores, not a digit first, at most 300',
  );
}

/** Throws `config` unless BigQuery takes it as a job's id. */
export function checkJobId(id: string): string {
  return check(JOB_ID.test(id), 'job id', id, 'at most 1,024 letters, digits, dashes and underscores');
}

function check(fits: boolean, what: string, name: string, allowed: string): string {
  if (fits) return name;
  throw new SamovarError(
    'config',
    `${what} ${JSON.stringify(name.slice(0, 100))} is not allowed: ${allowed}`,
    {
      subject: name.slice(0, 100),
      remedy: `Rename it in the configuration: ${allowed}.`,
    },
  );
}
