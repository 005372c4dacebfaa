import { SamovarError } from '../../errors.ts';
import type { Field, TableSpec } from './contract.ts';
import { CLUSTER_COLUMNS_MAX, checkSchemaSize } from './limits.ts';
import { checkColumn, checkTable } from './names.ts';

export interface AddedField {
  /** Dotted name: `test.flaky`. */
  readonly path: string;
  readonly parents: readonly Field[];
  readonly field: Field;
}

export interface SchemaDiff {
  readonly added: readonly AddedField[];
  /** One line for each column that cannot be made to fit. */
  readonly conflicts: readonly string[];
}

/**
 * What must change so that a table with columns `existing` takes rows of `wanted`. Columns only the table has are left alone.
 * A REQUIRED column cannot be added and a NULLABLE one cannot become REQUIRED; the other way round (rows that must have a
 * column where the table does not ask for it) is no conflict either.
 */
export function diffSchema(
  existing: readonly Field[],
  wanted: readonly Field[],
  parents: readonly Field[] = [],
): SchemaDiff {
  const added: AddedField[] = [];
  const conflicts: string[] = [];
  // Column names are the same whatever their case in both warehouses.
  const byName = new Map(existing.map((field) => [field.name.toLowerCase(), field]));
  for (const field of wanted) {
    const path = [...parents.map((parent) => parent.name), field.name].join('.');
    const found = byName.get(field.name.toLowerCase());
    if (found === undefined) {
      if (field.mode === 'REQUIRED')
        conflicts.push(`${path}: not in the table, and a REQUIRED column cannot be added`);
      else added.push({ path, parents, field });
    } else if (shape(found) !== shape(field)) {
      conflicts.push(`${path}: the table has ${shape(found)}, the schema wants ${shape(field)}`);
    } else if (field.mode === 'REQUIRED' && found.mode !== 'REQUIRED') {
      conflicts.push(`${path}: the table allows nulls, the schema wants REQUIRED`);
    } else if (field.type === 'RECORD') {
      const inner = diffSchema(found.fields ?? [], field.fields ?? [], [...parents, field]);
      added.push(...inner.added);
      conflicts.push(...inner.conflicts);
    }
  }
  return { added, conflicts };
}

/** Throws `incompatible` with one line for each conflict. */
export function assertCompatible(table: string, { conflicts }: SchemaDiff): void {
  if (conflicts.length === 0) return;
  const lines = conflicts.map((line) => `\n  ${line}`).join('');
  throw new SamovarError('incompatible', `table ${table} cannot take rows of this schema:${lines}`, {
    subject: table,
    remedy:
      'Load into a table of another name, or change the schema file so that it only adds nullable columns.',
  });
}

/** Throws `config` for a table no warehouse could make. */
export function checkSpec(table: TableSpec): void {
  checkTable(table.name);
  checkColumns(table.schema, table.name);
  checkSchemaSize(table.schema, table.name);
  const { partitionBy, clusterBy = [], key } = table;
  const top = new Map(table.schema.map((field) => [field.name, field]));
  const problem = (text: string): never => {
    throw new SamovarError('config', `table ${table.name}: ${text}`, { subject: table.name });
  };
  if (!top.has(key)) problem(`its key ${key} is not a column`);
  if (partitionBy !== undefined && top.get(partitionBy)?.type !== 'TIMESTAMP')
    problem(`partitionBy names ${partitionBy}, which is not a TIMESTAMP column`);
  if (clusterBy.length > CLUSTER_COLUMNS_MAX)
    problem(`clusterBy names ${clusterBy.length} columns; at most ${CLUSTER_COLUMNS_MAX} are allowed`);
  for (const name of clusterBy) {
    const field = top.get(name);
    if (field === undefined || field.type === 'RECORD' || field.mode === 'REPEATED')
      problem(`clusterBy names ${name}, which is not a plain column`);
  }
}

function checkColumns(fields: readonly Field[], table: string): void {
  const seen = new Set<string>();
  for (const field of fields) {
    const name = checkColumn(field.name).toLowerCase();
    if (seen.has(name))
      throw new SamovarError('config', `table ${table}: column ${field.name} is there twice`, {
        subject: table,
      });
    seen.add(name);
    if ((field.type === 'RECORD') !== (field.fields !== undefined && field.fields.length > 0))
      throw new SamovarError(
        'config',
        `table ${table}: column ${field.name} must be a RECORD with fields, or neither`,
        { subject: table },
      );
    checkColumns(field.fields ?? [], table);
  }
}

function shape(field: Field): string {
  return field.mode === 'REPEATED' ? `${field.type} REPEATED` : field.type;
}
