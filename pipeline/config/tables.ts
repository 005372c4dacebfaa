import { readFile } from 'node:fs/promises';
import {
  APPEND_COLUMNS,
  type Field,
  type TableSpec,
  type WriterKind,
} from '../backends/warehouse/contract.ts';
import { SamovarError } from '../errors.ts';
import { readSchema, shippedFile } from './shipped.ts';
import { type ConfigDocument, type ConfigText, parseConfig, readConfig } from './yaml.ts';

/** The column whose value identifies a build's row in every table. */
const KEY_COLUMN = 'path';

/** One table of the warehouse, as config/tables.yaml describes it. */
export interface TableConfig {
  readonly name: string;
  /** Builds finished within so many days are in the table, fractions allowed; 0: all builds. */
  readonly days: number;
  /** The table is made anew when its oldest row is older than so many days; absent: never. */
  readonly replaceAfterDays?: number;
  /** A TIMESTAMP column, by whose day the table is partitioned; absent: flat. */
  readonly partition?: string;
  readonly cluster: readonly string[];
  /** How streamed rows are written. */
  readonly writer: WriterKind;
  /** Table of an old Kettle database whose builds count as emitted to this table. */
  readonly kettleLedger: string;
  /** Path of a JSON file of columns. */
  readonly schemaFile: string;
}

/** One entry of the file, after its schema has accepted it. */
interface TableEntry {
  readonly days: number;
  readonly replace_after_days?: number;
  readonly partition?: string;
  readonly cluster?: readonly string[];
  readonly writer?: WriterKind;
  readonly kettle_ledger?: string;
  readonly schema?: string;
}

type Columns = ReadonlyMap<string, readonly Field[]>;

/**
 * Reads a tables file and checks it against the columns of each table's schema. Throws one `config` error that names every
 * bad line.
 */
export async function loadTables(file: string): Promise<readonly TableConfig[]> {
  const document = await readConfig(file, { file, schema: await readSchema('tables') });
  const columns = new Map<string, readonly Field[]>();
  for (const { schemaFile } of entriesOf(document).map(tableOf)) {
    if (!columns.has(schemaFile)) columns.set(schemaFile, await readColumns(schemaFile));
  }
  return tablesOf(document, columns);
}

/** As `loadTables`, of a text and without a look at the schemas' columns. */
export function parseTables(text: string, source: ConfigText): readonly TableConfig[] {
  return tablesOf(parseConfig(text, source), new Map());
}

/** The table as a warehouse driver makes it. Throws `config` when its schema file cannot be read. */
export async function tableSpec(table: TableConfig): Promise<TableSpec> {
  return {
    name: table.name,
    schema: [...(await readColumns(table.schemaFile)), ...(table.writer === 'load' ? [] : APPEND_COLUMNS)],
    ...(table.partition !== undefined && { partitionBy: table.partition }),
    ...(table.cluster.length > 0 && { clusterBy: table.cluster }),
    key: KEY_COLUMN,
  };
}

/** Kettle's name for the ledger of a window: 1 → build_emitted_1, 0.5 → build_emitted_0_5, 0 → build_emitted. */
export function kettleLedgerOf(days: number): string {
  return days === 0 ? 'build_emitted' : `build_emitted_${String(days).replace('.', '_')}`;
}

function entriesOf(document: ConfigDocument): readonly (readonly [string, TableEntry])[] {
  return Object.entries(document.value as Readonly<Record<string, TableEntry>>);
}

function tablesOf(document: ConfigDocument, columns: Columns): readonly TableConfig[] {
  const tables = entriesOf(document).map(tableOf);
  const seen = new Map<string, string>();
  for (const table of tables) {
    // BigQuery tells `Day` from `day`, DuckDB does not.
    const other = seen.get(table.name.toLowerCase());
    if (other !== undefined) {
      document.report([], `differs from "${other}" only by case; allowed are names that differ`, table.name);
    }
    seen.set(table.name.toLowerCase(), table.name);
    reportWindow(document, table);
    reportColumns(document, table, columns.get(table.schemaFile));
  }
  document.finish();
  return tables;
}

function reportWindow(document: ConfigDocument, { name, days, replaceAfterDays }: TableConfig): void {
  if (replaceAfterDays === undefined) return;
  const path = [name, 'replace_after_days'];
  if (days === 0) {
    document.report(
      path,
      'this table keeps all builds (days: 0), so it is never made anew; leave the key out',
    );
  } else if (replaceAfterDays < days) {
    const why = `${replaceAfterDays} is below days (${days}), so the table would be made anew in every cycle`;
    document.report(path, `${why}; allowed: ${days} or more`);
  }
}

function reportColumns(
  document: ConfigDocument,
  table: TableConfig,
  columns: readonly Field[] | undefined,
): void {
  if (columns === undefined) return;
  const { name, partition, cluster, schemaFile } = table;
  const column = (wanted: string) => columns.find((field) => field.name === wanted);
  const timestamps = columns.filter((field) => field.type === 'TIMESTAMP').map((field) => field.name);
  if (partition !== undefined && column(partition)?.type !== 'TIMESTAMP') {
    const what = `"${partition}" is no TIMESTAMP column of ${schemaFile}`;
    document.report([name, 'partition'], `${what}; allowed: ${timestamps.join(', ')}`);
  }
  for (const [at, wanted] of cluster.entries()) {
    const field = column(wanted);
    if (field !== undefined && field.type !== 'RECORD' && field.mode !== 'REPEATED') continue;
    const usable = columns.filter((one) => one.type !== 'RECORD' && one.mode !== 'REPEATED');
    const what = `"${wanted}" is no plain column of ${schemaFile}`;
    document.report(
      [name, 'cluster', String(at)],
      `${what}; allowed: ${usable.map((one) => one.name).join(', ')}`,
    );
  }
}

function tableOf([name, entry]: readonly [string, TableEntry]): TableConfig {
  return {
    name,
    days: entry.days,
    ...(entry.replace_after_days !== undefined && { replaceAfterDays: entry.replace_after_days }),
    ...(entry.partition !== undefined && { partition: entry.partition }),
    cluster: entry.cluster ?? [],
    writer: entry.writer ?? 'load',
    kettleLedger: entry.kettle_ledger ?? kettleLedgerOf(entry.days),
    schemaFile: entry.schema ?? shippedFile('schemas/build.json'),
  };
}

async function readColumns(file: string): Promise<readonly Field[]> {
  const remedy = 'Name a JSON file with a list of BigQuery columns, each with at least name and type.';
  const refuse = (why: string, cause?: unknown) =>
    new SamovarError('config', `cannot use the schema ${file}: ${why}`, { subject: file, remedy, cause });
  let fields: unknown;
  try {
    fields = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw refuse('it cannot be read as JSON', cause);
  }
  if (!Array.isArray(fields) || fields.length === 0) throw refuse('it is not a list of columns');
  const bad = fields.findIndex((field) => !isField(field));
  if (bad >= 0) throw refuse(`its entry ${bad + 1} has no name or no type`);
  return fields as readonly Field[];
}

function isField(value: unknown): boolean {
  const field = value as Partial<Record<'name' | 'type', unknown>> | null;
  return typeof field?.name === 'string' && typeof field.type === 'string';
}
