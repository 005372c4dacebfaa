import { isoTime } from './github-render.ts';
import {
  findRepo,
  type World,
  type WorldIssue,
  type WorldRepo,
  type WorldReview,
  type WorldUser,
} from './github-world.ts';
import { type Args, type Field, type GraphqlResult, runQuery, type Schema } from './graphql-run.ts';

interface About {
  readonly world: World;
  readonly repo: WorldRepo;
  readonly issue: WorldIssue;
}

interface Page<T> {
  readonly all: readonly T[];
  readonly from: number;
  readonly nodes: readonly T[];
}

/** Runs a query on what the fake GitHub knows. */
export function answerQuery(world: World, query: string, variables: Args): GraphqlResult {
  return runQuery(schemaOf(world), query, variables);
}

const plain = <T>(get: (source: T) => unknown): Field => ({ get: get as Field['get'] });
const thing = <T>(type: string, get: (source: T) => unknown): Field => ({ type, get: get as Field['get'] });
const time = (seconds: number | undefined) => (seconds === undefined ? null : isoTime(seconds));

function connection<T, U>(
  type: string,
  all: (source: T, args: Args) => readonly U[],
  args: Field['args'] = {},
): Field {
  return {
    type,
    paged: true,
    args,
    get: ((source: T, given: Args) => pageOf(all(source, given), given)) as Field['get'],
  };
}

function pageOf<T>(all: readonly T[], { first, after }: Args): Page<T> {
  const from = after === undefined || after === null ? 0 : Number(String(after).replace('cursor:', ''));
  return { all, from, nodes: all.slice(from, from + Number(first ?? 0)) };
}

function connectionType(node: string): Readonly<Record<string, Field>> {
  return {
    totalCount: plain(({ all }: Page<unknown>) => all.length),
    nodes: thing(node, ({ nodes }: Page<unknown>) => nodes),
    pageInfo: thing('PageInfo', (page: Page<unknown>) => page),
  };
}

function schemaOf(world: World): Schema {
  return {
    types: {
      Query: queryType(world),
      RateLimit: Object.fromEntries(
        ['cost', 'limit', 'remaining', 'used'].map((name) => [name, plain(() => 1)]),
      ),
      PageInfo: {
        hasNextPage: plain(({ all, from, nodes }: Page<unknown>) => from + nodes.length < all.length),
        endCursor: plain(({ from, nodes }: Page<unknown>) =>
          nodes.length === 0 ? null : `cursor:${from + nodes.length}`,
        ),
      },
      Repository: repositoryType(world),
      Issue: issueType(),
      PullRequest: { ...issueType(), ...pullType() },
      IssueOrPullRequest: {},
      PullRequestReview: reviewType(),
      Actor: { login: plain(({ login }: WorldUser) => login) },
      User: { login: plain(({ login }: WorldUser) => login), databaseId: plain(({ id }: WorldUser) => id) },
      ...Object.fromEntries(
        ['Bot', 'Mannequin', 'Organization', 'EnterpriseUserAccount'].map((name) => [
          name,
          { databaseId: plain(({ id }: WorldUser) => id), login: plain(({ login }: WorldUser) => login) },
        ]),
      ),
      Commit: { oid: plain((oid: string) => oid) },
      IssueConnection: connectionType('Issue'),
      PullRequestConnection: connectionType('PullRequest'),
      PullRequestReviewConnection: connectionType('PullRequestReview'),
      PullRequestCommitConnection: { totalCount: plain(({ all }: Page<unknown>) => all.length) },
      IssueCommentConnection: { totalCount: plain(({ all }: Page<unknown>) => all.length) },
    },
    typeOf: (type, source) => {
      if (type === 'Actor') return 'User';
      if (type === 'IssueOrPullRequest') return (source as About).issue.pull ? 'PullRequest' : 'Issue';
      return type;
    },
  };
}

function queryType(world: World): Readonly<Record<string, Field>> {
  const repository = (_: never, { owner, name }: Args) => {
    const found = findRepo(world, `${String(owner)}/${String(name)}`);
    return found?.repo.state === 'ok' ? found.repo : undefined;
  };
  return {
    repository: {
      type: 'Repository',
      args: { owner: true, name: true, followRenames: false },
      get: repository,
    },
    rateLimit: { type: 'RateLimit', get: () => ({}) },
  };
}

function repositoryType(world: World): Readonly<Record<string, Field>> {
  const one = (isRight: (issue: WorldIssue) => boolean): Field['get'] =>
    ((repo: WorldRepo, { number }: Args) => {
      const issue = repo.issues.get(Number(number));
      return issue !== undefined && isRight(issue) ? { world, repo, issue } : undefined;
    }) as Field['get'];
  const all = (pulls: boolean) => (repo: WorldRepo) =>
    [...repo.issues.values()]
      .filter(({ pull }) => (pull !== undefined) === pulls)
      .map((issue) => ({ world, repo, issue }));
  const order = { orderBy: false, states: false };
  return {
    databaseId: plain(({ id }: WorldRepo) => id),
    nameWithOwner: plain(({ owner, name }: WorldRepo) => `${owner}/${name}`),
    hasIssuesEnabled: plain(({ hasIssues }: WorldRepo) => hasIssues),
    issue: { type: 'Issue', args: { number: true }, get: one(({ pull }) => pull === undefined) },
    pullRequest: { type: 'PullRequest', args: { number: true }, get: one(({ pull }) => pull !== undefined) },
    issueOrPullRequest: { type: 'IssueOrPullRequest', args: { number: true }, get: one(() => true) },
    issues: connection('IssueConnection', all(false), order),
    pullRequests: connection('PullRequestConnection', all(true), order),
  };
}

function issueType(): Readonly<Record<string, Field>> {
  return {
    number: plain(({ issue }: About) => issue.number),
    databaseId: plain(({ issue }: About) => issue.id),
    fullDatabaseId: plain(({ issue }: About) => String(issue.id)),
    title: plain(({ issue }: About) => issue.title),
    closed: plain(({ issue }: About) => issue.state === 'closed'),
    createdAt: plain(({ issue }: About) => time(issue.createdS)),
    updatedAt: plain(({ issue }: About) => time(issue.updatedS)),
    comments: connection('IssueCommentConnection', ({ repo, issue }: About) =>
      [...repo.comments.values()].filter((comment) => comment.issue === issue.number),
    ),
  };
}

function pullType(): Readonly<Record<string, Field>> {
  const of = (get: (pull: NonNullable<WorldIssue['pull']>) => unknown): Field =>
    plain(({ issue }: About) => get(issue.pull as NonNullable<WorldIssue['pull']>));
  const repositoryNamed = ({ world, issue }: About) => {
    const headRepo = issue.pull?.headRepo;
    if (headRepo === undefined) return null;
    const [owner = '', name = ''] = headRepo.split('/');
    return findRepo(world, headRepo)?.repo ?? { owner, name };
  };
  return {
    state: plain(({ issue }: About) =>
      issue.pull?.mergedAt !== undefined ? 'MERGED' : issue.state.toUpperCase(),
    ),
    isDraft: of(({ draft }) => draft),
    merged: of(({ mergedAt }) => mergedAt !== undefined),
    mergedAt: of(({ mergedAt }) => time(mergedAt)),
    mergeCommit: thing('Commit', ({ issue }: About) => issue.pull?.mergeCommit ?? null),
    headRefName: of(({ headRef }) => headRef),
    headRefOid: of(({ headSha }) => headSha),
    headRepository: thing('Repository', repositoryNamed),
    baseRefName: of(({ baseRef }) => baseRef),
    additions: of(({ additions }) => additions),
    deletions: of(({ deletions }) => deletions),
    changedFiles: of(({ changedFiles }) => changedFiles),
    reviewDecision: of(({ reviewDecision }) => reviewDecision ?? null),
    commits: connection('PullRequestCommitConnection', ({ issue }: About) =>
      Array.from({ length: issue.pull?.commits ?? 0 }),
    ),
    reviews: connection(
      'PullRequestReviewConnection',
      ({ repo, issue }: About) =>
        [...repo.reviews.values()].filter((review) => review.issue === issue.number),
      { states: false, author: false },
    ),
  };
}

function reviewType(): Readonly<Record<string, Field>> {
  return {
    // GitHub's is a 32-bit number, and wrong past that: it says so in its documentation.
    databaseId: plain(({ id }: WorldReview) => (id > 2 ** 31 - 1 ? null : id)),
    fullDatabaseId: plain(({ id }: WorldReview) => String(id)),
    author: thing('Actor', ({ user }: WorldReview) => user),
    authorAssociation: plain(({ association }: WorldReview) => association),
    body: plain(({ body }: WorldReview) => body),
    state: plain(({ state }: WorldReview) => state),
    submittedAt: plain(({ submittedS }: WorldReview) => time(submittedS)),
    createdAt: plain(({ submittedS }: WorldReview) => time(submittedS)),
    updatedAt: plain(({ submittedS }: WorldReview) => time(submittedS)),
    commit: thing('Commit', ({ commitId }: WorldReview) => commitId),
  };
}
