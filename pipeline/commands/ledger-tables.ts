import { join } from 'node:path';
import { loadTables, type TableConfig, tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { loadMutationTables } from '../jobs/mutation-tables-config.ts';
import { destinationName, destinationOf, type TablesContext } from '../jobs/tables.ts';
import { repairLedger, type TableCheck, type VerifyContext, verifyTable } from '../jobs/verify.ts';
import { kindRows } from '../jobs/verify-rows.ts';
import { openTableWriter } from '../jobs/writer.ts';
import type { RepairedTable } from '../show/ledger.ts';
import type { Store } from '../store/open.ts';
import { findTable } from './make-json.ts';

/** A table that the ledger tells of. */
export interface LedgerTable {
  readonly config: TableConfig;
  /** Of the rows of mutation logs that it has; undefined: it has builds. */
  readonly kind?: string;
}

/**
 * Tables of builds, and those of mutation logs that this database has written. Where it has written only the latter, only those.
 * `name`: that one. Throws `config` where there is none of that name.
 */
export async function ledgerTables(
  { settings }: Context,
  { ledger }: Pick<Store, 'ledger'>,
  name?: string,
): Promise<readonly LedgerTable[]> {
  const isWritten = (config: TableConfig) =>
    ledger.findDestination(destinationName(config, settings.warehouse)) !== undefined;
  const builds = await loadTables(settings.tablesFile);
  const mutations = (await loadMutationTables()).filter(({ config }) => isWritten(config));
  const ofBuilds = mutations.length === 0 || builds.some(isWritten) ? builds : [];
  const all: readonly LedgerTable[] = [...ofBuilds.map((config) => ({ config })), ...mutations];
  if (name === undefined) return all;
  const found = all.find(({ config }) => config.name === name);
  return [found ?? { config: findTable([...builds, ...mutations.map(({ config }) => config)], name) }];
}

export async function verifyLedgerTable(
  context: VerifyContext,
  { config, kind }: LedgerTable,
): Promise<TableCheck> {
  const spec = await tableSpec(config);
  return verifyTable(
    context,
    config,
    spec,
    kind === undefined ? undefined : kindRows(context.store, kind, spec),
  );
}

/** Writes again what is missing, doubled or different. */
export async function repairLedgerTable(
  tables: TablesContext,
  { config, kind }: LedgerTable,
): Promise<RepairedTable> {
  const { store, warehouse } = tables;
  const spec = await tableSpec(config);
  const rows = kind === undefined ? undefined : kindRows(store, kind, spec);
  const around =
    kind === undefined
      ? tables
      : { ...tables, rows: store.mutationRows.rowsOf(kind), workDir: join(tables.workDir, 'mutations') };
  const writer = openTableWriter(around, config, spec);
  try {
    // What an earlier run left open is ended first: it may be the whole difference.
    await writer.open();
    const check = await verifyTable(tables, config, spec, rows);
    const mended = repairLedger(tables, config, check, rows);
    const written = await writer.writeAll({ replace: false });
    if (kind !== undefined)
      store.transaction(() => store.mutationRows.settle(kind, destinationOf(store, config, warehouse.url)));
    return { table: config.name, unit: check.unit, ...mended, rows: written.rows };
  } finally {
    await writer.close();
  }
}
