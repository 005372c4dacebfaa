import type { CorpusRepo } from '../store/corpus-types.ts';
import type { Store } from '../store/open.ts';
import type { MutationTable } from './mutation-tables-config.ts';
import { destinationName } from './tables.ts';

/** How far one table has the rows of one repository. */
export interface TableLag {
  readonly table: string;
  /** Rows that there are to be: of `mutations`, one for each record of the log that was read. */
  readonly rows: number;
  /** Of these, what the warehouse has not confirmed. */
  readonly missing: number;
  /** Seconds since the oldest of the missing; 0: none is missing. Undefined: it tells no time. */
  readonly lagSeconds: number | undefined;
}

export interface RepositoryLag {
  /** `owner/name` */
  readonly repository: string;
  /** The corpus has applied records of which no rows are made yet: `missing` does not count them. */
  readonly unread: boolean;
  /** Tables without a row to be are left out. */
  readonly tables: readonly TableLag[];
}

export interface LagContext {
  readonly store: Pick<Store, 'mutationRows' | 'ledger' | 'corpus'>;
  readonly tables: readonly Pick<MutationTable, 'kind' | 'config'>[];
  readonly warehouseUrl: string;
  readonly nowMs: () => number;
}

/** How far the warehouse's tables have the logs, for repositories of which rows were made; from the ledger, the warehouse is not asked. */
export function tableLags(context: LagContext, repos: readonly CorpusRepo[]): readonly RepositoryLag[] {
  const { mutationRows } = context.store;
  const all = context.tables.flatMap((table) => lagsOf(context, table));
  return repos.flatMap((repo) => {
    const source = mutationRows.sources.find(repo.owner, repo.name);
    if (source === undefined) return [];
    const tables = all.filter((lag) => lag.source === source.id).map(({ lag }) => lag);
    const read = mutationRows.sources.position(source.id);
    const applied = repo.position();
    const unread =
      applied !== undefined &&
      (read === undefined ||
        applied.segment > read.segment ||
        (applied.segment === read.segment && applied.offset > read.endOffset));
    return [{ repository: `${repo.owner}/${repo.name}`, unread, tables }];
  });
}

function lagsOf(
  { store, warehouseUrl, nowMs }: LagContext,
  { kind, config }: LagContext['tables'][number],
): readonly { readonly source: number; readonly lag: TableLag }[] {
  const destination = store.ledger.findDestination(destinationName(config, warehouseUrl));
  return store.mutationRows.lags(kind, destination).map(({ source, known, missing, oldestAt }) => ({
    source,
    lag: { table: config.name, rows: known, missing, lagSeconds: lagSeconds(missing, oldestAt, nowMs()) },
  }));
}

function lagSeconds(missing: number, oldestAt: number | undefined, nowMs: number): number | undefined {
  if (missing === 0) return 0;
  return oldestAt === undefined ? undefined : Math.max(0, Math.round(nowMs / 1000 - oldestAt));
}
