import type { Warehouse } from '../backends/warehouse/contract.ts';
import { encodeMutation } from '../records/mutation/codec.ts';
import type { Mutation } from '../records/mutation/types.ts';
import { type Destination, startFilling } from './mutation-migrate-destination.ts';
import { type QueryResult, runMutationQuery } from './mutation-queries.ts';
import { replayLog } from './mutation-replay.ts';
import { type RepoStats, repoStats } from './mutation-stats.ts';
import { loadMutations, type MutationTablesContext } from './mutation-tables.ts';
import type { MutationTable } from './mutation-tables-config.ts';

export interface DemoRequest {
  readonly tables: Omit<MutationTablesContext, 'corpus' | 'openLog' | 'warehouse'> & {
    readonly warehouse: Warehouse;
  };
  readonly configured: readonly MutationTable[];
  readonly histories: readonly {
    readonly owner: string;
    readonly name: string;
    readonly mutations: readonly Mutation[];
  }[];
  readonly destination: (repo: { readonly owner: string; readonly name: string }) => Destination;
  /** Epoch milliseconds from which ages are counted. */
  readonly asOfMs: number;
  readonly onStep?: (step: string) => void;
}

export interface DemoResult {
  readonly repositories: readonly RepoStats[];
  /** Written to the logs by this run. */
  readonly added: number;
  /** Applied to the database by this run. */
  readonly replayed: number;
  /** Rows that this run wrote to the warehouse. */
  readonly rows: number;
  readonly asOfMs: number;
  readonly queries: readonly (QueryResult & { readonly name: string })[];
}

const SHOWN = ['open-issues', 'first-response', 'review-load'] as const;

/**
 * The whole way, with what was recorded: into the logs, from these into the database, from there into the warehouse, and some
 * questions to it. What is there already is recognised: a second run adds nothing.
 */
export async function runDemo(request: DemoRequest): Promise<DemoResult> {
  const { tables, histories, onStep = () => undefined } = request;
  const { store, signal, warehouse } = tables;
  let added = 0;
  let replayed = 0;
  for (const { owner, name, mutations } of histories) {
    onStep(`${owner}/${name}`);
    const destination = request.destination({ owner, name });
    added += await writeHistory(destination, mutations, signal);
    const repo = store.transaction(() => store.corpus.repo(owner, name));
    replayed += (await replayLog({ store, repo, source: destination.log }, { signal })).records;
  }
  onStep('warehouse');
  const repos = histories.flatMap(({ owner, name }) => store.corpus.find(owner, name) ?? []);
  const openLog = async (repo: { readonly owner: string; readonly name: string }) =>
    request.destination(repo).log;
  const loaded = await loadMutations(
    { ...tables, corpus: store.corpus, openLog },
    { tables: request.configured, replace: false, check: false },
  );
  const queries = [];
  for (const name of SHOWN) {
    const asked = { name, tables: request.configured, nowMs: request.asOfMs, rules: [], signal };
    queries.push({ name, ...(await runMutationQuery(warehouse, asked)) });
  }
  return {
    repositories: await repoStats({ repos, segments: async (repo) => (await openLog(repo)).segments() }),
    added,
    replayed,
    rows: loaded.tables.reduce((sum, { rows }) => sum + rows, 0),
    asOfMs: request.asOfMs,
    queries,
  };
}

async function writeHistory(
  destination: Destination,
  mutations: readonly Mutation[],
  signal: AbortSignal,
): Promise<number> {
  const filling = await startFilling(destination, { dryRun: false, call: { signal } });
  try {
    for (const mutation of mutations) filling.take(encodeMutation(mutation));
    return (await filling.finish()).added;
  } catch (error) {
    await filling.abandon().catch(() => undefined);
    throw error;
  }
}
