import { event, issueOf, labelNamed, milestoneNamed, type Place, touched } from './github-place.ts';
import { reviewDeeds, talkDeeds } from './github-talk.ts';
import {
  addRepo,
  newId,
  nowS,
  userNamed,
  type World,
  type WorldIssue,
  type WorldPull,
  type WorldRepo,
} from './github-world.ts';

/** What people do in a repository of the fake GitHub. Each deed leaves the traces that GitHub's own leaves: times, events. */
export interface Deeds {
  readonly repo: WorldRepo;
  issue(said?: NewIssue): number;
  pull(said?: NewIssue & { readonly pull?: Partial<WorldPull> }): number;
  edit(number: number, change: Partial<Pick<WorldIssue, 'title' | 'body'>>): void;
  /** Changes what is at hand without any trace, times too. */
  set(number: number, change: Partial<WorldIssue>): void;
  setPull(number: number, change: Partial<WorldPull>): void;
  close(number: number, reason?: string): void;
  reopen(number: number): void;
  lock(number: number, locked: boolean): void;
  merge(number: number): void;
  assign(number: number, ...logins: readonly string[]): void;
  label(number: number, ...names: readonly string[]): void;
  milestone(number: number, title: string | undefined): void;
  comment(number: number, body: string, login?: string): number;
  editComment(id: number, body: string): void;
  deleteComment(id: number): void;
  review(number: number, state: string, body?: string): number;
  dismiss(id: number): void;
  reviewComment(number: number, review: number, body: string): number;
  editReviewComment(id: number, body: string): void;
  deleteReviewComment(id: number): void;
  renameLabel(name: string, to: string): void;
  deleteLabel(name: string): void;
  deleteMilestone(title: string): void;
  deleteIssue(number: number): void;
  /** Gives the number it has there. */
  transfer(number: number, to: WorldRepo): number;
}

export interface NewIssue {
  readonly title?: string;
  readonly body?: string | null;
  readonly login?: string;
  readonly labels?: readonly string[];
}

/** Time goes on by `stepMs` with each deed; 0: all in one second. */
export function deedsIn(
  world: World,
  repoOrName: WorldRepo | string,
  { stepMs = 1000 }: { readonly stepMs?: number } = {},
): Deeds {
  const repo = typeof repoOrName === 'string' ? addRepo(world, repoOrName) : repoOrName;
  const at: Place = {
    world,
    repo,
    tick: () => {
      world.nowMs += stepMs;
      return nowS(world);
    },
  };
  return {
    repo,
    ...issueDeeds(at),
    ...stateDeeds(at),
    ...talkDeeds(at),
    ...reviewDeeds(at),
    ...endDeeds(at),
  };
}

const PULL: WorldPull = {
  ...{ draft: false, mergedAt: undefined, mergeCommit: undefined, headRef: 'topic', headSha: 'a'.repeat(40) },
  ...{ headRepo: 'someone/fork', baseRef: 'main', commits: 1, additions: 2, deletions: 3, changedFiles: 1 },
  reviewDecision: undefined,
};

function issueDeeds(at: Place) {
  const { world, repo } = at;
  const add = ({ title, body = null, login = 'author', labels = [] }: NewIssue, pull?: WorldPull): number => {
    const createdS = at.tick();
    const number = repo.nextNumber;
    repo.nextNumber += 1;
    repo.issues.set(number, {
      ...{ id: newId(world), number, title: title ?? `Issue ${number}`, body, user: userNamed(world, login) },
      ...{ state: 'open', stateReason: null, locked: false, assignees: [], milestone: undefined },
      labels: labels.map((name) => labelNamed(at, name)),
      ...{ createdS, updatedS: createdS, closedS: undefined, closedBy: undefined },
      ...(pull && { pull }),
    });
    return number;
  };
  return {
    issue: (said: NewIssue = {}) => add(said),
    pull: (said: NewIssue & { readonly pull?: Partial<WorldPull> } = {}) =>
      add(said, { ...PULL, ...said.pull }),
    edit: (number: number, change: Partial<Pick<WorldIssue, 'title' | 'body'>>) => {
      const issue = touched(at, number);
      if (change.title !== undefined)
        event(at, number, 'renamed', { rename: { from: issue.title, to: change.title } });
      Object.assign(issue, change);
    },
    set: (number: number, change: Partial<WorldIssue>) => void Object.assign(issueOf(at, number), change),
    setPull: (number: number, change: Partial<WorldPull>) =>
      void Object.assign(touched(at, number).pull as WorldPull, change),
  };
}

function stateDeeds(at: Place) {
  const by = () => userNamed(at.world, 'keeper');
  return {
    close: (number: number, reason = 'completed') => {
      const issue = touched(at, number);
      const closedS = nowS(at.world);
      Object.assign(issue, {
        state: 'closed',
        stateReason: issue.pull ? null : reason,
        closedS,
        closedBy: by(),
      });
      event(at, number, 'closed', { state_reason: issue.stateReason, commit_id: null, commit_url: null });
    },
    reopen: (number: number) => {
      const reopened = { state: 'open', stateReason: 'reopened', closedS: undefined, closedBy: undefined };
      Object.assign(touched(at, number), reopened);
      event(at, number, 'reopened', { state_reason: null });
    },
    lock: (number: number, locked: boolean) => {
      touched(at, number).locked = locked;
      event(at, number, locked ? 'locked' : 'unlocked', { lock_reason: locked ? 'spam' : null });
    },
    merge: (number: number) => {
      const issue = touched(at, number);
      const now = nowS(at.world);
      Object.assign(issue, { state: 'closed', closedS: now, closedBy: by() });
      Object.assign(issue.pull as WorldPull, { mergedAt: now, mergeCommit: 'c'.repeat(40) });
      const { owner, name } = at.repo;
      const commit_url = `https://api.github.com/repos/${owner}/${name}/commits/${'c'.repeat(40)}`;
      event(at, number, 'merged', { commit_id: 'c'.repeat(40), commit_url });
      event(at, number, 'closed', { commit_id: null, commit_url: null });
    },
    assign: (number: number, ...logins: readonly string[]) => {
      const issue = touched(at, number);
      const now = logins.map((login) => userNamed(at.world, login));
      for (const assignee of now.filter((one) => !issue.assignees.includes(one)))
        event(at, number, 'assigned', { assignee, assigner: by() });
      for (const assignee of issue.assignees.filter((one) => !now.includes(one)))
        event(at, number, 'unassigned', { assignee, assigner: by() });
      issue.assignees = now;
    },
    label: (number: number, ...names: readonly string[]) => {
      const issue = touched(at, number);
      const now = names.map((name) => labelNamed(at, name));
      for (const { name } of now.filter((one) => !issue.labels.includes(one)))
        event(at, number, 'labeled', { label: { name, color: 'ededed' } });
      for (const { name } of issue.labels.filter((one) => !now.includes(one)))
        event(at, number, 'unlabeled', { label: { name, color: 'ededed' } });
      issue.labels = now;
    },
    milestone: (number: number, title: string | undefined) => {
      const issue = touched(at, number);
      const before = issue.milestone;
      issue.milestone = title === undefined ? undefined : milestoneNamed(at, title);
      if (before) event(at, number, 'demilestoned', { milestone: { title: before.title } });
      if (title !== undefined) event(at, number, 'milestoned', { milestone: { title } });
    },
  };
}

function endDeeds(at: Place) {
  const { world, repo } = at;
  return {
    // No issue's time changes by these three.
    renameLabel: (name: string, to: string) => {
      at.tick();
      labelNamed(at, name).name = to;
    },
    deleteLabel: (name: string) => {
      at.tick();
      const label = labelNamed(at, name);
      repo.labels.delete(label.id);
      for (const issue of repo.issues.values()) issue.labels = issue.labels.filter((one) => one !== label);
    },
    deleteMilestone: (title: string) => {
      at.tick();
      const milestone = milestoneNamed(at, title);
      repo.milestones.delete(milestone.id);
      for (const issue of repo.issues.values()) {
        if (issue.milestone === milestone) issue.milestone = undefined;
      }
    },
    deleteIssue: (number: number) => {
      at.tick();
      remove(repo, number);
      repo.departed.set(number, 'deleted');
    },
    transfer: (number: number, to: WorldRepo) => {
      at.tick();
      const issue = issueOf(at, number);
      remove(repo, number);
      const there = to.nextNumber;
      to.nextNumber += 1;
      const updatedS = nowS(world);
      to.issues.set(there, {
        ...issue,
        id: newId(world),
        number: there,
        labels: [],
        milestone: undefined,
        updatedS,
      });
      repo.departed.set(number, { repo: to.id, number: there });
      return there;
    },
  };
}

/** What was said in it goes with it. */
function remove(repo: WorldRepo, number: number): void {
  repo.issues.delete(number);
  for (const things of [repo.comments, repo.reviewComments, repo.reviews]) {
    for (const { id, issue } of things.values()) if (issue === number) things.delete(id);
  }
  const kept = repo.events.filter(({ issue }) => issue !== number);
  repo.events.splice(0, repo.events.length, ...kept);
}
