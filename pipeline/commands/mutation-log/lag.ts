import type { Context } from '../../context.ts';
import { type RepositoryLag, tableLags } from '../../jobs/mutation-lag.ts';
import { loadMutationTables } from '../../jobs/mutation-tables-config.ts';
import type { ScrapedValues } from '../../monitor/contract.ts';
import type { CorpusRepo } from '../../store/corpus-types.ts';
import type { Store } from '../../store/open.ts';

export type LagsOf = (repos: readonly CorpusRepo[]) => readonly RepositoryLag[];

/** How far the warehouse's tables have what the database knows; the warehouse itself is not opened. */
export async function lagReader(context: Context, store: Store, tablesFile?: string): Promise<LagsOf> {
  const { warehouse } = context.settings;
  const tables = await loadMutationTables(tablesFile);
  return (repos) => tableLags({ store, tables, warehouseUrl: warehouse, nowMs: context.nowMs }, repos);
}

/** For the page of metrics. */
export function lagValues(lags: readonly RepositoryLag[]): Pick<ScrapedValues, 'mutationTables'> {
  return {
    mutationTables: lags.flatMap(({ repository, tables }) => tables.map((lag) => ({ repository, ...lag }))),
  };
}
