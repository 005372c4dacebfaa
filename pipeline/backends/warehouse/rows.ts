import type { Field } from './contract.ts';

const INTEGER = /^[+-]?\d{1,19}$/;
const INTEGER_MAX = 2 ** 63;
/** Years 1 to 9999, in seconds since the epoch: what a TIMESTAMP holds. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

/**
 * Why a warehouse refuses a row of newline-delimited JSON, as BigQuery would with ignoreUnknownValues off; undefined when it
 * takes it. `row` is the parsed line. A missing or null REPEATED column is an empty one, a null within one is refused.
 */
export function rowProblem(schema: readonly Field[], row: unknown): string | undefined {
  return isObject(row) ? recordProblem(schema, row, '') : `a row is ${kindOf(row)} and must be an object`;
}

function recordProblem(
  schema: readonly Field[],
  record: Readonly<Record<string, unknown>>,
  prefix: string,
): string | undefined {
  const fields = fieldMap(schema);
  for (const name in record) {
    const field = fields.byName.get(name);
    if (field === undefined) return `no such field: ${prefix}${name.slice(0, 100)}`;
    const problem = valueProblem(field, record[name], `${prefix}${name}`);
    if (problem !== undefined) return problem;
  }
  const missing = fields.required.find((name) => (record[name] ?? null) === null);
  return missing === undefined ? undefined : `${prefix}${missing} is required and is not there`;
}

function valueProblem(field: Field, value: unknown, path: string): string | undefined {
  if (value === null) return undefined;
  if (field.mode !== 'REPEATED') return itemProblem(field, value, path);
  if (!Array.isArray(value)) return `${path} is ${kindOf(value)} and must be an array`;
  for (const item of value) {
    const problem = item === null ? `${path} holds a null` : itemProblem(field, item, path);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function itemProblem(field: Field, value: unknown, path: string): string | undefined {
  if (field.type === 'RECORD') {
    if (isObject(value)) return recordProblem(field.fields ?? [], value, `${path}.`);
  } else if (fits(field.type, value)) return undefined;
  const seen = typeof value === 'string' ? `the string ${JSON.stringify(value.slice(0, 50))}` : kindOf(value);
  return `${path} is ${seen}, which is no ${field.type}`;
}

/** BigQuery reads numbers and booleans out of strings too, and strings out of both. */
function fits(type: Exclude<Field['type'], 'RECORD'>, value: unknown): boolean {
  if (typeof value === 'string') return textFits(type, value);
  if (typeof value === 'boolean') return type === 'BOOLEAN' || type === 'STRING';
  if (typeof value !== 'number') return false;
  if (type === 'INTEGER') return Number.isInteger(value) && Math.abs(value) <= INTEGER_MAX;
  if (type === 'TIMESTAMP') return value >= SECONDS_MIN && value <= SECONDS_MAX;
  return type !== 'BOOLEAN' && Number.isFinite(value);
}

function textFits(type: Exclude<Field['type'], 'RECORD'>, text: string): boolean {
  if (type === 'STRING') return true;
  if (type === 'INTEGER') return INTEGER.test(text);
  if (type === 'BOOLEAN') return /^(?:true|false)$/i.test(text);
  if (type === 'TIMESTAMP')
    return /^-?\d+(?:\.\d+)?$/.test(text) || /^\d{4}-\d{1,2}-\d{1,2}(?:[ T].*)?$/.test(text);
  return text.trim() !== '' && (Number.isFinite(Number(text)) || /^[+-]?(?:nan|inf|infinity)$/i.test(text));
}

interface FieldMap {
  readonly byName: ReadonlyMap<string, Field>;
  readonly required: readonly string[];
}

/** One map a schema, not one a row: a table has some columns and millions of rows. */
const maps = new WeakMap<readonly Field[], FieldMap>();

function fieldMap(schema: readonly Field[]): FieldMap {
  const known = maps.get(schema);
  if (known !== undefined) return known;
  const made = {
    byName: new Map(schema.map((field) => [field.name, field])),
    required: schema.filter(({ mode }) => mode === 'REQUIRED').map(({ name }) => name),
  };
  maps.set(schema, made);
  return made;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${String(value).slice(0, 50)}`;
}
