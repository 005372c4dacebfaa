import type { Github, GithubAnswer } from '../collect/sources/github/client.ts';
import type { LogWriter } from '../mutation-log/contract.ts';
import { encodeMutation } from '../records/mutation/codec.ts';
import type { GithubIssueMutation, GithubMutation, Mutation } from '../records/mutation/types.ts';
import type { CorpusRepo } from '../store/corpus-types.ts';
import type { Store } from '../store/open.ts';

export interface SyncContext {
  readonly store: Pick<Store, 'transaction' | 'github' | 'corpus'>;
  readonly github: Github;
  readonly nowMs: () => number;
  readonly signal?: AbortSignal;
  /** Only says what would be written. */
  readonly dryRun?: boolean;
  /** The repository's log. Not asked for in a dry run. */
  readonly openWriter: (owner: string, name: string) => Promise<LogWriter>;
  readonly overlapMs: number;
  readonly flushMs: number;
  /** How long something must be missing before it counts as deleted. */
  readonly deletionGraceMs: number;
  /** Between two whole listings, which find what was deleted. */
  readonly reconcileMs: number;
  readonly onStep?: (step: SyncStep) => void;
  readonly warn?: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

export interface SyncStep {
  /** `owner/name` */
  readonly repo: string;
  readonly step:
    | 'replay'
    | 'repository'
    | 'labels'
    | 'issues'
    | 'comments'
    | 'events'
    | 'pulls'
    | 'deletions';
  readonly mutations: number;
}

/** One repository's turn. */
export interface RepoRun {
  readonly context: SyncContext;
  readonly name: { readonly owner: string; readonly repo: string };
  readonly corpus: CorpusRepo;
  readonly writer: LogWriter | undefined;
  /** `/repos/owner/name`, by the name it has now. */
  path: string;
  mutations: number;
  flushedAtMs: number;
  /** In a dry run: issues that were told of, which the corpus does not get. */
  readonly seen: Set<number>;
}

/** Words for a mutation of an issue of this repository. */
export function issueMutation(run: RepoRun, said: Omit<GithubIssueMutation, 'owner' | 'repo'>): Mutation {
  return { githubIssue: { ...run.name, ...said } };
}

export function repoMutation(run: RepoRun, said: Omit<GithubMutation, 'owner' | 'repo'>): Mutation {
  return { github: { ...run.name, ...said } };
}

/**
 * Writes mutations: first into the log, then, in one transaction, into the corpus together with what `within` notes. A stop in
 * between leaves records that the corpus does not have; the next turn replays them, and asks GitHub again from where it was.
 */
export async function commit(
  run: RepoRun,
  mutations: readonly Mutation[],
  within: () => void = () => undefined,
): Promise<void> {
  const { context, writer, corpus } = run;
  run.mutations += mutations.length;
  if (writer === undefined) return;
  const records = mutations.length === 0 ? [] : await writer.append(mutations.map(encodeMutation));
  context.store.transaction(() => {
    if (records.length > 0) corpus.apply(records);
    within();
  });
  if (context.nowMs() - run.flushedAtMs < context.flushMs) return;
  await writer.flush(callOf(context));
  run.flushedAtMs = context.nowMs();
}

const callOf = ({ signal }: SyncContext) => (signal === undefined ? {} : { signal });

/** Asks GitHub for something of the repository; with the ETag that is known of it. */
export async function ask(run: RepoRun, path: string, etag?: string): Promise<GithubAnswer> {
  const { context, name } = run;
  return context.github.get(path, {
    account: name.owner,
    ...callOf(context),
    ...(etag !== undefined && { etag }),
  });
}

export function tell(run: RepoRun, step: SyncStep['step']): void {
  const { owner, repo } = run.name;
  run.context.onStep?.({ repo: `${owner}/${repo}`, step, mutations: run.mutations });
}
