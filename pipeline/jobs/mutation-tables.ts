import { SamovarError } from '../errors.ts';
import type { LogPosition, LogSegment } from '../mutation-log/contract.ts';
import type { Corpus, CorpusRepo } from '../store/corpus-types.ts';
import { type KindTableResult, loadKindTable } from './kind-tables.ts';
import type { MutationTable } from './mutation-tables-config.ts';
import { endOf, type LogReader, makeRows, type RowsContext, type RowsMade } from './mutation-tables-rows.ts';
import type { TablesContext } from './tables.ts';

export interface MutationTablesContext extends Omit<TablesContext, 'rows'> {
  readonly corpus: Corpus;
  /** The log of a repository; undefined: there is none (any more). */
  readonly openLog: (repo: CorpusRepo) => Promise<LogReader | undefined>;
  readonly onProgress?: RowsContext['onProgress'];
}

export interface MutationLoadRequest {
  readonly tables: readonly MutationTable[];
  /** `owner/name`; default: all of the corpus. */
  readonly repositories?: readonly string[];
  /** Tables are made anew, from the rows that are stored. */
  readonly replace: boolean;
  /** Counts the warehouse's rows too. */
  readonly check: boolean;
}

/** How far a repository's log has become rows. */
export interface RepositoryRows extends RowsMade {
  readonly repository: string;
  /** The end of the log; undefined: it has no record. */
  readonly log: LogPosition | undefined;
  /** The end of what the corpus has applied. */
  readonly corpus: LogPosition | undefined;
  /** Bytes of the log that have no row yet: the corpus has not applied them. */
  readonly bytesBehind: number;
  /** Epoch seconds of the latest change that a record with a row tells of; undefined where none told a time. */
  readonly latestAt: number | undefined;
}

export interface MutationLoad {
  readonly repositories: readonly RepositoryRows[];
  readonly tables: readonly KindTableResult[];
  /** Every table has every row of the corpus, once, and the corpus has the whole of every log. */
  readonly complete: boolean;
}

/** Makes rows of what is new in the logs of repositories, and brings the tables up to date with them. */
export async function loadMutations(
  context: MutationTablesContext,
  request: MutationLoadRequest,
): Promise<MutationLoad> {
  const repositories: RepositoryRows[] = [];
  for (const repo of wanted(context.corpus, request.repositories)) {
    repositories.push(await repositoryRows(context, repo));
  }
  const tables: KindTableResult[] = [];
  for (const table of request.tables)
    tables.push(await loadKindTable(context, table, { ...request, folder: 'mutations' }));
  const complete =
    repositories.every(({ bytesBehind }) => bytesBehind === 0) && tables.every((table) => table.complete);
  return { repositories, tables, complete };
}

function wanted(corpus: Corpus, names: readonly string[] | undefined): readonly CorpusRepo[] {
  const repos = corpus.repos();
  const unknown = names?.find((wanted) => !repos.some(({ owner, name }) => wanted === `${owner}/${name}`));
  if (unknown !== undefined)
    throw new SamovarError('config', `nothing is known of a repository ${unknown}`, {
      subject: unknown,
      remedy: `Sync it, or replay its log: samovar mutation-log replay ${unknown}`,
    });
  return names === undefined ? repos : repos.filter(({ owner, name }) => names.includes(`${owner}/${name}`));
}

async function repositoryRows(context: MutationTablesContext, repo: CorpusRepo): Promise<RepositoryRows> {
  const { store } = context;
  const log = (await context.openLog(repo)) ?? EMPTY_LOG;
  const made = await makeRows(context, repo, log);
  const segments = await log.segments();
  const { sources } = store.mutationRows;
  const lastAt = sources.position(sources.source(repo.owner, repo.name).id)?.lastAt ?? 0;
  return {
    repository: `${repo.owner}/${repo.name}`,
    ...made,
    log: segments.length === 0 ? undefined : endOf(segments),
    corpus: repo.position(),
    bytesBehind: bytesAfter(segments, made.position),
    latestAt: lastAt === 0 ? undefined : lastAt,
  };
}

const EMPTY_LOG: LogReader = { segments: () => [], read: async function* () {} };

function bytesAfter(segments: readonly LogSegment[], position: LogPosition | undefined): number {
  return segments.reduce((sum, { number, size }) => {
    if (position === undefined || number > position.segment) return sum + size;
    return number === position.segment ? sum + Math.max(0, size - position.offset) : sum;
  }, 0);
}

/** What a load would do: the tables' changes, and how much is new. Writes nothing. */
export async function planMutations(
  context: Pick<MutationTablesContext, 'store' | 'corpus' | 'warehouse' | 'openLog' | 'signal'>,
  request: Pick<MutationLoadRequest, 'tables' | 'repositories'>,
): Promise<MutationPlan> {
  const { store, warehouse, signal } = context;
  const repositories = [];
  for (const repo of wanted(context.corpus, request.repositories)) {
    const { sources } = store.mutationRows;
    const found = sources.find(repo.owner, repo.name);
    const last = found === undefined ? undefined : sources.position(found.id);
    const segments = (await (await context.openLog(repo))?.segments()) ?? [];
    const position = last === undefined ? undefined : { segment: last.segment, offset: last.endOffset };
    repositories.push({
      repository: `${repo.owner}/${repo.name}`,
      bytesBehind: bytesAfter(segments, position),
    });
  }
  const tables = [];
  for (const { config, spec } of request.tables) {
    const change = await warehouse.ensureTable(spec, { dryRun: true, signal });
    tables.push({ table: config.name, action: change.action, added: change.added });
  }
  return { repositories, tables };
}

export interface MutationPlan {
  readonly repositories: readonly { readonly repository: string; readonly bytesBehind: number }[];
  readonly tables: readonly {
    readonly table: string;
    readonly action: 'created' | 'extended' | 'unchanged';
    readonly added: readonly string[];
  }[];
}
