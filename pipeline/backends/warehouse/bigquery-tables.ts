import { SamovarError } from '../../errors.ts';
import { bounded, type Connection } from './bigquery-client.ts';
import type { Field, TableChange, TableInfo, TableSpec } from './contract.ts';
import { type AddedField, assertCompatible, checkSpec, diffSchema } from './schema-diff.ts';

/** Standard SQL's names of types, which the API gives for some tables. */
const TYPES: Readonly<Record<string, Field['type']>> = {
  INT64: 'INTEGER',
  FLOAT64: 'FLOAT',
  BOOL: 'BOOLEAN',
  STRUCT: 'RECORD',
};

interface TableResource {
  readonly etag?: string;
  /** `TABLE`, `VIEW`, and others. */
  readonly type?: string;
  readonly view?: { readonly query?: string };
  readonly schema?: { readonly fields?: readonly Field[] };
  readonly timePartitioning?: { readonly type?: string; readonly field?: string };
  /** 64-bit numbers as texts. */
  readonly numRows?: string;
  readonly numBytes?: string;
  readonly lastModifiedTime?: string;
}

interface EnsureOptions {
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** A table's name without the partition that may follow it. */
export function baseName(name: string): string {
  return name.split('$', 1)[0] ?? name;
}

/** See the contract. `conflict`: another program changed the table meanwhile, nothing was changed by this one. */
export async function ensureTable(
  connection: Connection,
  table: TableSpec,
  options: EnsureOptions,
): Promise<TableChange> {
  checkSpec(table);
  const existing = await findTable(connection, table.name, options.signal);
  if (existing === undefined) {
    if (!options.dryRun) await createTable(connection, table, options.signal);
    return { action: 'created', added: table.schema.map(({ name }) => name) };
  }
  assertPartitioning(table, existing);
  const columns = (existing.schema?.fields ?? []).map(normalize);
  const diff = diffSchema(columns, table.schema);
  assertCompatible(table.name, diff);
  if (diff.added.length === 0) return { action: 'unchanged', added: [] };
  if (!options.dryRun) {
    const fields = withAdded(columns, diff.added, '');
    const change = { schema: { fields }, ...(existing.etag !== undefined && { etag: existing.etag }) };
    await call(connection, `extending table ${table.name}`, options.signal, () =>
      connection.dataset.table(baseName(table.name)).setMetadata(change as never),
    );
  }
  return { action: 'extended', added: diff.added.map(({ path }) => path) };
}

/** See the contract. What the streaming buffer holds is not asked for: its estimates are not reliably there. */
export async function tableInfo(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<TableInfo | undefined> {
  const found = await findTable(connection, name, signal);
  if (found === undefined) return undefined;
  return {
    rows: numberOf(found.numRows),
    bytes: numberOf(found.numBytes),
    modifiedMs: numberOf(found.lastModifiedTime),
  };
}

function numberOf(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Table or view; undefined when there is none, nor its dataset. */
export async function findTable(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<TableResource | undefined> {
  try {
    const [resource] = await call(connection, `table ${name}`, signal, () =>
      connection.dataset.table(baseName(name)).getMetadata(),
    );
    return resource as TableResource;
  } catch (error) {
    // A missing dataset is a 404 too; making the table says so, with its remedy.
    if (error instanceof SamovarError && error.code === 'missing') return undefined;
    throw error;
  }
}

async function createTable(connection: Connection, table: TableSpec, signal: AbortSignal): Promise<void> {
  const { partitionBy, clusterBy = [] } = table;
  const resource = {
    schema: { fields: table.schema },
    ...(partitionBy !== undefined && { timePartitioning: { type: 'DAY', field: partitionBy } }),
    ...(clusterBy.length > 0 && { clustering: { fields: clusterBy } }),
  };
  await call(connection, `making table ${table.name}`, signal, () =>
    connection.dataset.createTable(baseName(table.name), resource as never),
  );
}

/** How a table is partitioned is decided when it is made. A table partitioned by its owner, unasked, stays as it is. */
function assertPartitioning(table: TableSpec, { timePartitioning }: TableResource): void {
  if (table.partitionBy === undefined) return;
  if (timePartitioning?.field === table.partitionBy && timePartitioning.type === 'DAY') return;
  const seen =
    timePartitioning === undefined
      ? 'not partitioned'
      : `partitioned by ${timePartitioning.type ?? 'an unknown unit'} of ${timePartitioning.field ?? 'its load time'}`;
  throw new SamovarError(
    'incompatible',
    `table ${table.name} is ${seen}, the configuration wants DAY of ${table.partitionBy}`,
    {
      subject: table.name,
      remedy:
        'BigQuery cannot change that: load into a table of another name, or make the configuration say what is there.',
    },
  );
}

/** Existing columns in their order and as they are, new ones after them. */
function withAdded(fields: readonly Field[], added: readonly AddedField[], prefix: string): readonly Field[] {
  const here = added
    .filter(({ path, field }) => path === `${prefix}${field.name}`)
    .map(({ field }) => ({ ...field }));
  const inner = fields.map((field) =>
    field.fields === undefined
      ? field
      : { ...field, fields: withAdded(field.fields, added, `${prefix}${field.name}.`) },
  );
  return [...inner, ...here];
}

function normalize(field: Field): Field {
  return {
    ...field,
    type: TYPES[field.type] ?? field.type,
    ...(field.fields !== undefined && { fields: field.fields.map(normalize) }),
  };
}

/** One request under the driver's deadline for one. */
export function call<T>(
  connection: Connection,
  what: string,
  signal: AbortSignal,
  body: () => Promise<T>,
): Promise<T> {
  return bounded(connection, what, { signal, timeoutMs: connection.options.timeoutMs }, body);
}
