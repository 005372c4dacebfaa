import type { CorpusRepo } from '../../pipeline/store/corpus-types.ts';
import type { World, WorldIssue, WorldRepo } from './github-world.ts';

/** What can be known of a repository, in one form for GitHub's side and for ours: field by field, ids as texts, times in seconds. */
export interface RepoView {
  readonly labels: readonly unknown[];
  readonly milestones: readonly unknown[];
  readonly issues: readonly unknown[];
  readonly gone: readonly unknown[];
}

const who = (user: { readonly id: number | bigint; readonly login?: string } | null | undefined) =>
  user === null || user === undefined ? undefined : `${user.login} ${user.id}`;
const ids = (a: { readonly id: string }, b: { readonly id: string }) => Number(BigInt(a.id) - BigInt(b.id));

/** As GitHub has it. */
export function worldView(world: World, repo: WorldRepo): RepoView {
  return {
    labels: [...repo.labels.values()].map(({ id, name }) => ({ id: String(id), name })).sort(ids),
    milestones: [...repo.milestones.values()]
      .map(({ id, number, title, state }) => ({ id: String(id), number, title, closed: state === 'closed' }))
      .sort(ids),
    issues: [...repo.issues.values()]
      .sort((a, b) => a.number - b.number)
      .map((issue) => worldIssue(repo, issue)),
    gone: [...repo.departed]
      .sort(([a], [b]) => a - b)
      .map(([number, departure]) => {
        if (departure === 'deleted') return { number };
        const there = world.repos.find(({ id }) => id === departure.repo) as WorldRepo;
        return { number, to: `${there.owner}/${there.name}#${departure.number}` };
      }),
  };
}

function worldIssue(repo: WorldRepo, issue: WorldIssue) {
  const mine = <T extends { readonly issue: number; readonly id: number }>(things: Iterable<T>) =>
    [...things].filter((thing) => thing.issue === issue.number);
  const closing = mine(repo.events).findLast(({ event }) => event === 'closed');
  return {
    ...{ number: issue.number, id: String(issue.id), title: issue.title, body: issue.body ?? '' },
    ...{ user: who(issue.user), closed: issue.state === 'closed', locked: issue.locked },
    ...{ created: issue.createdS, updated: issue.updatedS, closedAt: issue.closedS },
    stateReason: issue.stateReason ?? undefined,
    milestone: issue.milestone === undefined ? undefined : `${issue.milestone.title} ${issue.milestone.id}`,
    assignees: issue.assignees.map(who).sort(),
    labels: issue.labels.map(({ id, name }) => `${name} ${id}`).sort(),
    pull: issue.pull && worldPull(issue),
    comments: mine(repo.comments.values())
      .map((one) => ({
        id: String(one.id),
        user: who(one.user),
        body: one.body,
        times: [one.createdS, one.updatedS],
      }))
      .sort(ids),
    events: mine(repo.events).map(
      ({ id, event, actor, createdS }) => `${id} ${event} ${actor?.id} ${createdS}`,
    ),
    reviews: mine(repo.reviews.values())
      .map(({ id, user, body, state, submittedS, commitId, association }) => ({
        ...{ id: String(id), user: String(user?.id), body, state, submittedS, commitId, association },
      }))
      .sort(ids),
    reviewComments: mine(repo.reviewComments.values())
      .map((one) => ({
        ...{
          id: String(one.id),
          review: String(one.review),
          user: who(one.user),
          body: one.body,
          path: one.path,
        },
        ...{ line: one.line ?? undefined, commitId: one.commitId, times: [one.createdS, one.updatedS] },
      }))
      .sort(ids),
    hasCloser: closing !== undefined,
  };
}

function worldPull({ pull }: WorldIssue) {
  const { mergedAt, ...rest } = pull as NonNullable<WorldIssue['pull']>;
  return { ...rest, merged: mergedAt !== undefined, mergedAt };
}

/** As we have it. */
export function corpusView(corpus: CorpusRepo): RepoView {
  const all = corpus.issues({ after: 0, limit: 1_000_000 });
  const open = all.filter(({ notExist }) => !notExist);
  return {
    labels: corpus.labels().map(({ id, name }) => ({ id: String(id), name })),
    milestones: corpus.milestones().map(({ id, number, title, closed }) => ({
      ...{ id: String(id), number: Number(number), title, closed: closed?.val ?? false },
    })),
    issues: open.map((issue) => corpusIssue(corpus, issue.number)),
    gone: all
      .filter(({ notExist }) => notExist)
      .map(({ number, transferredTo: to }) => ({ number, ...(to !== undefined && { to }) })),
  };
}

function corpusIssue(corpus: CorpusRepo, number: number) {
  const issue = corpus.issue(number);
  if (issue === undefined) throw new Error(`no issue ${number}`);
  const { milestone, pull } = issue;
  const seconds = (time: { readonly seconds: number } | undefined) => time?.seconds;
  const events = corpus.events(number);
  return {
    ...{ number, id: String(issue.id), title: issue.title, body: issue.body },
    ...{ user: who(issue.user), closed: issue.closed, locked: issue.locked },
    ...{
      created: seconds(issue.created),
      updated: seconds(issue.updated),
      closedAt: seconds(issue.closedAt),
    },
    stateReason: issue.stateReason,
    milestone:
      milestone === undefined || milestone === 'none' ? undefined : `${milestone.title} ${milestone.id}`,
    assignees: issue.assignees.map(who).sort(),
    labels: issue.labels.map(({ id, name }) => `${name} ${id}`).sort(),
    pull: issue.pullRequest
      ? {
          ...{ draft: pull?.draft ?? false, mergeCommit: pull?.mergeCommit, headRef: pull?.headRef },
          ...{ headSha: pull?.headSha, headRepo: pull?.headRepo, baseRef: pull?.baseRef },
          ...{
            commits: pull?.commits ?? 0,
            additions: pull?.additions ?? 0,
            deletions: pull?.deletions ?? 0,
          },
          ...{ changedFiles: pull?.changedFiles ?? 0, reviewDecision: pull?.reviewDecision },
          ...{ merged: pull?.merged ?? false, mergedAt: seconds(pull?.mergedAt) },
        }
      : undefined,
    comments: corpus
      .comments(number)
      .map((one) => ({
        ...{ id: String(one.id), user: who(one.user), body: one.body ?? '' },
        times: [seconds(one.created), seconds(one.updated)],
      }))
      .sort(ids),
    events: events
      .toSorted((a, b) => Number(a.id - b.id))
      .map(({ id, eventType, actorId, created }) => `${id} ${eventType} ${actorId} ${created?.seconds}`),
    reviews: corpus
      .reviews(number)
      .map((one) => ({
        ...{ id: String(one.id), user: String(one.actorId), body: one.body ?? '', state: one.state },
        ...{ submittedS: seconds(one.created), commitId: one.commitId, association: one.actorAssociation },
      }))
      .sort(ids),
    reviewComments: corpus
      .reviewComments(number)
      .map((one) => ({
        ...{ id: String(one.id), review: String(one.reviewId), user: who(one.user), body: one.body ?? '' },
        ...{ path: one.path, line: one.line, commitId: one.commitId },
        times: [seconds(one.created), seconds(one.updated)],
      }))
      .sort(ids),
    hasCloser: events.some(({ eventType }) => eventType === 'closed'),
  };
}
