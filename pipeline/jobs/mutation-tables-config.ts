import type { TableSpec, WriterKind } from '../backends/warehouse/contract.ts';
import { readSchema, shippedFile } from '../config/shipped.ts';
import { guess } from '../config/similar.ts';
import { type TableConfig, tableSpec } from '../config/tables.ts';
import { type ConfigDocument, readConfig } from '../config/yaml.ts';
import { SamovarError } from '../errors.ts';
import { latestViewOf } from './kind-tables.ts';

/** What rows there are, each for a table of its own. */
export const MUTATION_KINDS = [
  'mutations',
  'issues',
  'pulls',
  'comments',
  'reviews',
  'events',
  'labels',
  'milestones',
] as const;
export type MutationKind = (typeof MUTATION_KINDS)[number];

/** A table of mutation logs, as config/mutation-tables.yaml describes it. */
export interface MutationTable {
  readonly kind: MutationKind;
  readonly config: TableConfig;
  readonly spec: TableSpec;
  /** What queries read: the table, or the view of its latest rows where older ones stay. */
  readonly relation: string;
}

interface TableEntry {
  readonly name?: string;
  readonly writer?: WriterKind;
  readonly partition?: string;
  readonly cluster?: readonly string[];
  readonly schema?: string;
}

/** The tables of a file; default: the shipped one. Throws one `config` error that names every bad line. */
export async function loadMutationTables(file?: string): Promise<readonly MutationTable[]> {
  const from = file ?? shippedFile('config/mutation-tables.yaml');
  const document = await readConfig(from, { file: from, schema: await readSchema('mutation-tables') });
  const entries = document.value as Readonly<Partial<Record<MutationKind, TableEntry>>>;
  reportTwins(document, entries);
  document.finish();
  const kinds = MUTATION_KINDS.filter((kind) => entries[kind] !== undefined);
  return Promise.all(kinds.map((kind) => tableOf(kind, entries[kind] ?? {})));
}

export function findMutationTable(tables: readonly MutationTable[], name: string): MutationTable {
  const table = tables.find(({ kind, config }) => kind === name || config.name === name);
  if (table !== undefined) return table;
  const names = tables.map(({ config }) => config.name);
  throw new SamovarError('config', `there is no table "${name}" of mutation logs`, {
    subject: name,
    remedy: `${guess(name, names)}The configured tables are: ${names.join(', ')}.`,
  });
}

function reportTwins(
  document: ConfigDocument,
  entries: Readonly<Partial<Record<MutationKind, TableEntry>>>,
): void {
  const seen = new Map<string, string>();
  for (const [kind, { name = kind }] of Object.entries(entries)) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined)
      document.report([kind], `is named ${name} as ${other} is; allowed are names that differ`, kind);
    seen.set(name.toLowerCase(), kind);
  }
}

async function tableOf(kind: MutationKind, entry: TableEntry): Promise<MutationTable> {
  const name = entry.name ?? kind;
  const writer = entry.writer ?? 'load';
  const shipped = kind === 'mutations' ? 'schemas/mutations.json' : `schemas/github/${kind}.json`;
  const config: TableConfig = {
    name,
    days: 0,
    ...(entry.partition !== undefined && { partition: entry.partition }),
    cluster: entry.cluster ?? [],
    writer,
    // Kettle knew no such tables.
    kettleLedger: '',
    schemaFile: entry.schema ?? shippedFile(shipped),
  };
  return {
    kind,
    config,
    spec: await tableSpec(config),
    relation: writer === 'load' ? name : latestViewOf(name),
  };
}
