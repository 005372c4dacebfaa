import { join } from 'node:path';
import { ROW_VERSION, ROW_WRITTEN } from '../backends/warehouse/contract.ts';
import { SamovarError } from '../errors.ts';
import type { LogPosition, LogSegment } from '../mutation-log/contract.ts';
import type { Corpus, CorpusRepo } from '../store/corpus-types.ts';
import { latestViewOf, type MutationTable } from './mutation-tables-config.ts';
import { endOf, type LogReader, makeRows, type RowsContext, type RowsMade } from './mutation-tables-rows.ts';
import { destinationOf, type TablesContext } from './tables.ts';
import { openTableWriter } from './writer.ts';

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

export interface MutationTableResult {
  readonly table: string;
  /** Written by this load. */
  readonly rows: number;
  /** Of NDJSON. */
  readonly bytes: number;
  /** Rows that there are to be, those of deleted things included. */
  readonly known: number;
  /** Of these, what the warehouse has not confirmed. */
  readonly missing: number;
  /** Seconds since the oldest of the missing; undefined: none is missing, or it tells no time. */
  readonly secondsBehind: number | undefined;
  /** Counted there: rows, and different keys. Undefined: not counted. */
  readonly warehouse: { readonly rows: number; readonly keys: number } | undefined;
  /** Nothing is missing, and what was counted is what there is to be: once where load jobs write. */
  readonly complete: boolean;
}

export interface MutationLoad {
  readonly repositories: readonly RepositoryRows[];
  readonly tables: readonly MutationTableResult[];
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
  const tables: MutationTableResult[] = [];
  for (const table of request.tables) tables.push(await loadTable(context, table, request));
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

async function loadTable(
  context: MutationTablesContext,
  table: MutationTable,
  { replace, check }: MutationLoadRequest,
): Promise<MutationTableResult> {
  const { store, warehouse, nowMs, signal } = context;
  const { mutationRows } = store;
  const { kind, config, spec } = table;
  const destination = destinationOf(store, config, warehouse.url);
  // What was emitted is emitted again, in files of which a later one must not be passed over.
  if (replace) store.transaction(() => mutationRows.unsettle(destination));
  const around = { ...context, rows: mutationRows.rowsOf(kind), workDir: join(context.workDir, 'mutations') };
  const writer = openTableWriter(around, config, spec);
  const { rows, bytes } = await writer.writeAll({ replace }).finally(() => writer.close());
  if (config.writer !== 'load') await ensureLatest(context, table);
  const left = store.transaction(() => mutationRows.settle(kind, destination));
  const known = mutationRows.counts(kind).rows;
  const counted = check ? await countRows(context, config.name, signal) : undefined;
  // An appended table keeps older rows of a key: only its keys can be compared.
  const right =
    counted === undefined || (counted.keys === known && (config.writer !== 'load' || counted.rows === known));
  return {
    table: config.name,
    rows,
    bytes,
    known,
    missing: left.rows,
    secondsBehind:
      left.oldestAt === undefined ? undefined : Math.max(0, Math.round(nowMs() / 1000 - left.oldestAt)),
    warehouse: counted,
    complete: left.rows === 0 && right,
  };
}

function ensureLatest({ warehouse, signal }: MutationTablesContext, { config, spec }: MutationTable) {
  const view = { name: latestViewOf(config.name), table: spec, columns: [ROW_WRITTEN, ROW_VERSION] };
  return warehouse.ensureLatestView(view, { signal });
}

async function countRows({ warehouse }: MutationTablesContext, table: string, signal: AbortSignal) {
  const sql = `SELECT COUNT(*) AS row_count, COUNT(DISTINCT path) AS key_count FROM ${warehouse.tableName(table)}`;
  const [found] = await warehouse.query(sql, { signal });
  return { rows: Number(found?.row_count ?? 0), keys: Number(found?.key_count ?? 0) };
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
