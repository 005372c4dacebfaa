import { SamovarError } from '../errors.ts';
import type { LogRecord } from '../mutation-log/contract.ts';
import { decodeMutation } from '../records/mutation/codec.ts';
import { diffPull } from '../records/mutation/diff.ts';
import { diffReviews } from '../records/mutation/diff-parts.ts';
import { type GithubReview, timeOf } from '../records/mutation/github-json.ts';
import type { Mutation, PullState } from '../records/mutation/types.ts';
import { pagesOf } from './mutation-sync-pages.ts';
import { commit, issueMutation, type RepoRun } from './mutation-sync-state.ts';

/** Pull requests in one query: what REST has only one by one, at three requests each. */
const BATCH = 25;

const FRAGMENT = `fragment Pull on PullRequest {
  isDraft merged mergedAt mergeCommit { oid } headRefName headRefOid headRepository { nameWithOwner } baseRefName
  commits { totalCount } additions deletions changedFiles reviewDecision
  reviews(first: 100) {
    pageInfo { hasNextPage }
    nodes { fullDatabaseId author { login ... on User { databaseId } ... on Bot { databaseId } } body state submittedAt commit { oid } authorAssociation }
  }
}`;

interface PullNode {
  readonly isDraft?: boolean;
  readonly merged?: boolean;
  readonly mergedAt?: string | null;
  readonly mergeCommit?: { readonly oid: string } | null;
  readonly headRefName?: string;
  readonly headRefOid?: string;
  readonly headRepository?: { readonly nameWithOwner: string } | null;
  readonly baseRefName?: string;
  readonly commits?: { readonly totalCount: number };
  readonly additions?: number;
  readonly deletions?: number;
  readonly changedFiles?: number;
  readonly reviewDecision?: string | null;
  readonly reviews?: {
    readonly pageInfo: { readonly hasNextPage: boolean };
    readonly nodes: readonly (ReviewNode | null)[];
  };
}

interface ReviewNode {
  readonly fullDatabaseId: string | null;
  readonly author: { readonly login: string; readonly databaseId?: number | null } | null;
  readonly body: string;
  readonly state: string;
  readonly submittedAt: string | null;
  readonly commit: { readonly oid: string } | null;
  readonly authorAssociation: string;
}

/** State and reviews of pull requests that changed: noted when their issues were told of, crossed off when they are written. */
export async function syncPulls(run: RepoRun): Promise<void> {
  const { github } = run.context.store;
  const repo = run.corpus.id;
  while (true) {
    const numbers = github.pulls(repo, BATCH);
    if (numbers.length === 0) return;
    const nodes = await query(run, numbers);
    const mutations: Mutation[] = [];
    for (const number of numbers) {
      const node = nodes[`p${number}`];
      if (node !== null && node !== undefined) mutations.push(...(await pullMutations(run, number, node)));
    }
    await commit(run, mutations, () => {
      for (const number of numbers) github.removePull(repo, number);
    });
    // In a dry run nothing is crossed off.
    if (run.writer === undefined) return;
  }
}

/** Pull requests that records tell of as changed, and none of whose records behind that tells their state. */
export function notePulls(run: RepoRun, records: readonly LogRecord[]): void {
  const { github } = run.context.store;
  for (const { payload } of records) {
    const { githubIssue } = decodeMutation(payload);
    if (githubIssue?.samovar?.pull !== undefined) github.removePull(run.corpus.id, githubIssue.number);
    else if (githubIssue?.pullRequest === true) github.addPull(run.corpus.id, githubIssue.number);
  }
}

async function query(run: RepoRun, numbers: readonly number[]) {
  const [, , owner = '', name = ''] = run.path.split('/');
  const fields = numbers.map((number) => `p${number}: pullRequest(number: ${number}) { ...Pull }`);
  const text = `query Pulls($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {\n${fields.join('\n')}\n} }\n${FRAGMENT}`;
  const { signal } = run.context;
  const data = (await run.context.github.graphql(
    text,
    { owner, name },
    { account: run.name.owner, ...(signal !== undefined && { signal }) },
  )) as { readonly repository?: Readonly<Record<string, PullNode | null>> | null };
  if (data.repository !== null && data.repository !== undefined) return data.repository;
  throw new SamovarError('missing', `${owner}/${name}: GitHub's GraphQL does not know it`);
}

async function pullMutations(run: RepoRun, number: number, node: PullNode): Promise<readonly Mutation[]> {
  const known = run.corpus.issue(number);
  if (known === undefined || known.notExist) return [];
  const pull = diffPull(known.pull, pullOf(node));
  const reviews = diffReviews(run.corpus.reviews(number), await reviewsOf(run, number, node));
  if (pull === undefined && reviews.length === 0) return [];
  return [
    issueMutation(run, {
      number,
      ...(reviews.length > 0 && { reviews }),
      ...(pull !== undefined && { samovar: { pull } }),
    }),
  ];
}

function pullOf(node: PullNode): PullState {
  const mergedAt = timeOf(node.mergedAt);
  return {
    draft: node.isDraft ?? false,
    merged: node.merged ?? false,
    ...(mergedAt !== undefined && { mergedAt }),
    ...(node.mergeCommit && { mergeCommit: node.mergeCommit.oid }),
    ...(node.headRefName !== undefined && { headRef: node.headRefName }),
    ...(node.headRefOid !== undefined && { headSha: node.headRefOid }),
    ...(node.headRepository && { headRepo: node.headRepository.nameWithOwner }),
    ...(node.baseRefName !== undefined && { baseRef: node.baseRefName }),
    commits: node.commits?.totalCount ?? 0,
    additions: node.additions ?? 0,
    deletions: node.deletions ?? 0,
    changedFiles: node.changedFiles ?? 0,
    ...(node.reviewDecision && { reviewDecision: node.reviewDecision }),
  };
}

type ReviewJson = GithubReview & Readonly<Record<string, unknown>>;

async function reviewsOf(run: RepoRun, number: number, node: PullNode): Promise<readonly ReviewJson[]> {
  if (node.reviews?.pageInfo.hasNextPage !== true)
    return (node.reviews?.nodes ?? []).flatMap((review) => (review === null ? [] : reviewJson(review)));
  const all: ReviewJson[] = [];
  for await (const page of pagesOf<ReviewJson>(run, `${run.path}/pulls/${number}/reviews?`))
    all.push(...page);
  // A pending one is its author's alone.
  return all.filter(({ state }) => state !== 'PENDING');
}

function reviewJson(review: ReviewNode): readonly ReviewJson[] {
  const id = Number(review.fullDatabaseId ?? Number.NaN);
  if (!Number.isSafeInteger(id) || review.state === 'PENDING') return [];
  const userId = review.author?.databaseId;
  return [
    {
      id,
      user: review.author && userId ? { id: userId, login: review.author.login } : null,
      body: review.body,
      state: review.state,
      submitted_at: review.submittedAt,
      commit_id: review.commit?.oid ?? null,
      author_association: review.authorAssociation,
    },
  ];
}
