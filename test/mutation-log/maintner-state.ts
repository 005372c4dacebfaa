import type { IssueEvent, Timestamp, User } from '../../pipeline/records/mutation/types.ts';
import type { Corpus, CorpusRepo, IssueState } from '../../pipeline/store/corpus-types.ts';

/** What a corpus knows, in the words of test/peers/maintner/state, so that the two can be compared. */
export function stateOf(corpus: Corpus): unknown {
  return corpus.repos().map((repo) => repoState(corpus, repo));
}

function repoState(corpus: Corpus, repo: CorpusRepo) {
  return {
    repo: `${repo.owner}/${repo.name}`,
    labels: repo.labels().map(({ id, name = '' }) => ({ id: String(id), name })),
    milestones: repo.milestones().map(({ id, title = '', number = 0n, closed }) => ({
      id: String(id),
      title,
      number: Number(number),
      closed: closed?.val ?? false,
    })),
    issues: repo.issues({ after: 0, limit: 100_000 }).map((issue) => issueState(corpus, repo, issue)),
  };
}

function issueState(corpus: Corpus, repo: CorpusRepo, issue: IssueState) {
  const { number, notExist } = issue;
  if (notExist) return { number, notExist };
  const userOf = (id: bigint | undefined) =>
    id === undefined || id === 0n ? '' : `${id}/${corpus.login(id) ?? ''}`;
  const user = (one: User | undefined) => userOf(one?.id);
  return {
    number,
    notExist,
    id: String(issue.id),
    closed: issue.closed,
    locked: issue.locked,
    pullRequest: issue.pullRequest,
    user: user(issue.user),
    closedBy: user(issue.closedBy),
    assignees: issue.assignees.map(user).sort(),
    created: timeOf(issue.created),
    updated: timeOf(issue.updated),
    closedAt: timeOf(issue.closedAt),
    title: issue.title,
    body: issue.body,
    milestone: milestoneOf(issue),
    labels: issue.labels.map(({ id, name = '' }) => ({ id: String(id), name })),
    comments: byId(
      repo.comments(number).map((one) => ({
        id: String(one.id),
        user: user(one.user),
        body: one.body ?? '',
        created: timeOf(one.created),
        updated: timeOf(one.updated),
      })),
    ),
    events: byId(repo.events(number).map((one) => eventState(one, userOf))),
    // maintner shows reviews of pull requests only.
    reviews: issue.pullRequest
      ? byId(
          repo.reviews(number).map((one) => ({
            id: String(one.id),
            actor: userOf(one.actorId),
            body: one.body ?? '',
            state: one.state ?? '',
            commitId: one.commitId ?? '',
            association: one.actorAssociation ?? '',
            created: timeOf(one.created),
            otherJson: Buffer.from(one.otherJson ?? []).toString(),
          })),
        )
      : [],
  };
}

function eventState(event: IssueEvent, userOf: (id: bigint | undefined) => string) {
  const { commit, dismissedReview: dismissed, teamReviewer: team } = event;
  return {
    id: String(event.id),
    type: event.eventType ?? '',
    created: timeOf(event.created),
    actor: userOf(event.actorId),
    label: event.label?.name ?? '',
    milestone: event.milestone?.title ?? '',
    assignee: userOf(event.assigneeId),
    assigner: userOf(event.assignerId),
    from: event.renameFrom ?? '',
    to: event.renameTo ?? '',
    commit: commit?.commitId ?? '',
    commitUrl:
      commit === undefined
        ? ''
        : `https://api.github.com/repos/${commit.owner}/${commit.repo}/commits/${commit.commitId}`,
    reviewer: userOf(event.reviewerId),
    requester: userOf(event.reviewRequesterId),
    team: team === undefined ? '' : `${team.id}/${team.slug ?? ''}`,
    dismissed:
      dismissed === undefined
        ? ''
        : `${dismissed.reviewId ?? 0n}/${dismissed.state ?? ''}/${dismissed.dismissalMessage ?? ''}`,
    otherJson: Buffer.from(event.otherJson ?? []).toString(),
  };
}

function milestoneOf({ milestone }: IssueState): string {
  if (milestone === undefined) return '';
  return milestone === 'none' ? 'none' : String(milestone.id);
}

/** Go's time that was never said is 1970 in some places and the year 1 in others. */
function timeOf(time: Timestamp | undefined): string {
  return time === undefined ? '' : String(time.seconds);
}

function byId<T extends { readonly id: string }>(list: readonly T[]): readonly T[] {
  return [...list].sort((a, b) => Number(BigInt(a.id) - BigInt(b.id)));
}
