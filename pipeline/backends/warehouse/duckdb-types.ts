import { DuckDBListType, DuckDBStructType, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import type { Field } from './contract.ts';

const SCALARS = {
  STRING: 'VARCHAR',
  INTEGER: 'BIGINT',
  FLOAT: 'DOUBLE',
  BOOLEAN: 'BOOLEAN',
  TIMESTAMP: 'TIMESTAMPTZ',
} as const;

const FIELD_TYPES: Readonly<Partial<Record<DuckDBTypeId, Field['type']>>> = {
  [DuckDBTypeId.VARCHAR]: 'STRING',
  [DuckDBTypeId.BIGINT]: 'INTEGER',
  [DuckDBTypeId.DOUBLE]: 'FLOAT',
  [DuckDBTypeId.BOOLEAN]: 'BOOLEAN',
  [DuckDBTypeId.TIMESTAMP_TZ]: 'TIMESTAMP',
};

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A column's type in DuckDB. `arriving`: as it is read, where a timestamp is still text, because it may be a number of seconds. */
export function columnType(field: Field, arriving = false): string {
  const item =
    field.type === 'RECORD'
      ? `STRUCT(${(field.fields ?? []).map((inner) => `${quoteName(inner.name)} ${columnType(inner, arriving)}`).join(', ')})`
      : field.type === 'TIMESTAMP' && arriving
        ? 'VARCHAR'
        : SCALARS[field.type];
  return field.mode === 'REPEATED' ? `${item}[]` : item;
}

/**
 * The expression that makes a stored value of one read: seconds and texts become timestamps wherever they stand, and a
 * repeated column that is not there becomes an empty one, as in BigQuery.
 */
export function storedValue(field: Field, read: string, depth = 0): string {
  if (field.mode === 'REPEATED') {
    const item = `item${depth}`;
    const one = storedValue({ ...field, mode: 'NULLABLE' }, item, depth + 1);
    const list = one === item ? read : `list_transform(${read}, lambda ${item}: ${one})`;
    return `coalesce(${list}, [])`;
  }
  // to_timestamp counts from the epoch; a text that is no number must be a time of its own.
  if (field.type === 'TIMESTAMP')
    return `coalesce(to_timestamp(try_cast(${read} AS DOUBLE)), CAST(${read} AS TIMESTAMPTZ))`;
  if (field.type !== 'RECORD' || !needsConversion(field)) return read;
  const parts = (field.fields ?? []).map((inner) => {
    const name = quoteName(inner.name);
    return `${name} := ${storedValue(inner, `(${read}).${name}`, depth)}`;
  });
  return `CASE WHEN ${read} IS NULL THEN NULL ELSE struct_pack(${parts.join(', ')}) END`;
}

/** The columns of a table as schema fields, from the types a query gives. A type no schema has is left out: it is the owner's own. */
export function fieldsOf(names: readonly string[], types: readonly DuckDBType[]): readonly Field[] {
  return names.flatMap((name, at) => fieldOf(name, types[at]) ?? []);
}

function fieldOf(name: string, type: DuckDBType | undefined): Field | undefined {
  if (type === undefined) return undefined;
  if (type instanceof DuckDBListType) {
    const item = fieldOf(name, type.valueType);
    return item && { ...item, mode: 'REPEATED' };
  }
  if (type instanceof DuckDBStructType)
    return { name, type: 'RECORD', mode: 'NULLABLE', fields: fieldsOf(type.entryNames, type.entryTypes) };
  const scalar = FIELD_TYPES[type.typeId];
  return scalar && { name, type: scalar, mode: 'NULLABLE' };
}

function needsConversion(field: Field): boolean {
  return (field.fields ?? []).some(
    (inner) => inner.type === 'TIMESTAMP' || inner.mode === 'REPEATED' || needsConversion(inner),
  );
}
