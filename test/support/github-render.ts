import type {
  World,
  WorldComment,
  WorldEvent,
  WorldIssue,
  WorldMilestone,
  WorldRepo,
  WorldReview,
  WorldReviewComment,
  WorldUser,
} from './github-world.ts';

/** What REST answers look like, with fields nobody reads too. `base` is the server's own URL. */
export type Json = Readonly<Record<string, unknown>>;

export const isoTime = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
const isoOrNull = (seconds: number | undefined) => (seconds === undefined ? null : isoTime(seconds));

export const repoUrl = (base: string, { owner, name }: WorldRepo): string => `${base}/repos/${owner}/${name}`;

export function userJson(base: string, user: WorldUser | null | undefined): Json | null {
  if (user === null || user === undefined) return null;
  const { id, login } = user;
  return { login, id, node_id: `U_${id}`, url: `${base}/users/${login}`, type: 'User', site_admin: false };
}

export function repoJson(base: string, repo: WorldRepo): Json {
  const { id, owner, name, defaultBranch, hasIssues } = repo;
  return {
    ...{ id, node_id: `R_${id}`, name, full_name: `${owner}/${name}`, private: false },
    ...{ owner: { login: owner, type: 'Organization' }, url: repoUrl(base, repo) },
    ...{ has_issues: hasIssues, default_branch: defaultBranch, archived: false, disabled: false },
  };
}

export function issueJson(base: string, repo: WorldRepo, issue: WorldIssue): Json {
  const { id, number, title, body, state, locked, pull } = issue;
  const url = `${repoUrl(base, repo)}/issues/${number}`;
  return {
    ...{
      url,
      repository_url: repoUrl(base, repo),
      comments_url: `${url}/comments`,
      events_url: `${url}/events`,
    },
    ...{ id, node_id: `I_${id}`, number, title, user: userJson(base, issue.user), state, locked },
    labels: issue.labels.map((label) => labelJson(base, repo, label)),
    assignee: userJson(base, issue.assignees[0]),
    assignees: issue.assignees.map((user) => userJson(base, user)),
    milestone: issue.milestone === undefined ? null : milestoneJson(base, repo, issue.milestone),
    comments: [...repo.comments.values()].filter((comment) => comment.issue === number).length,
    ...{ created_at: isoTime(issue.createdS), updated_at: isoTime(issue.updatedS) },
    ...{ closed_at: isoOrNull(issue.closedS), author_association: 'NONE', active_lock_reason: null },
    ...(pull && {
      draft: pull.draft,
      pull_request: { url: `${repoUrl(base, repo)}/pulls/${number}`, merged_at: isoOrNull(pull.mergedAt) },
    }),
    ...{ body, reactions: { url: `${url}/reactions`, total_count: 0 }, state_reason: issue.stateReason },
    performed_via_github_app: null,
  };
}

/** As a GET of that one gives it: with who closed it. */
export function wholeIssueJson(base: string, repo: WorldRepo, issue: WorldIssue): Json {
  return { ...issueJson(base, repo, issue), closed_by: userJson(base, issue.closedBy) };
}

export function labelJson(base: string, repo: WorldRepo, { id, name }: { id: number; name: string }): Json {
  const url = `${repoUrl(base, repo)}/labels/${encodeURIComponent(name)}`;
  return { id, node_id: `L_${id}`, url, name, color: 'ededed', default: false, description: null };
}

export function milestoneJson(
  base: string,
  repo: WorldRepo,
  { id, number, title, state }: WorldMilestone,
): Json {
  const url = `${repoUrl(base, repo)}/milestones/${number}`;
  return { url, id, node_id: `M_${id}`, number, title, description: null, state, due_on: null };
}

export function commentJson(base: string, repo: WorldRepo, comment: WorldComment): Json {
  const { id, issue, user, body, createdS, updatedS } = comment;
  return {
    ...{ url: `${repoUrl(base, repo)}/issues/comments/${id}`, id, node_id: `C_${id}` },
    ...{ issue_url: `${repoUrl(base, repo)}/issues/${issue}`, user: userJson(base, user), body },
    ...{ created_at: isoTime(createdS), updated_at: isoTime(updatedS), author_association: 'NONE' },
    performed_via_github_app: null,
  };
}

export function reviewCommentJson(base: string, repo: WorldRepo, comment: WorldReviewComment): Json {
  const { id, issue, user, body, createdS, updatedS, review, path, line, commitId, inReplyTo } = comment;
  return {
    ...{ url: `${repoUrl(base, repo)}/pulls/comments/${id}`, id, pull_request_review_id: review, path, line },
    ...{ diff_hunk: '@@ -1 +1 @@', commit_id: commitId, user: userJson(base, user), body },
    ...{ pull_request_url: `${repoUrl(base, repo)}/pulls/${issue}`, side: 'RIGHT', position: 1 },
    ...{ created_at: isoTime(createdS), updated_at: isoTime(updatedS), author_association: 'MEMBER' },
    ...(inReplyTo !== undefined && { in_reply_to_id: inReplyTo }),
  };
}

export function reviewJson(base: string, repo: WorldRepo, review: WorldReview): Json {
  const { id, issue, user, body, state, submittedS, commitId, association } = review;
  return {
    ...{ id, node_id: `PRR_${id}`, user: userJson(base, user), body, state, author_association: association },
    ...{ pull_request_url: `${repoUrl(base, repo)}/pulls/${issue}`, submitted_at: isoTime(submittedS) },
    commit_id: commitId,
  };
}

/** `whole`: in a repository's list, with its issue in it. */
export function eventJson(
  base: string,
  { world, repo }: { readonly world: World; readonly repo: WorldRepo },
  { id, issue, event, actor, createdS, more }: WorldEvent,
  whole: boolean,
): Json {
  const about = repo.issues.get(issue);
  const people = Object.entries(more).map(([key, value]) => [key, asUser(base, world, value)]);
  return {
    ...{ id, node_id: `E_${id}`, url: `${repoUrl(base, repo)}/issues/events/${id}` },
    ...{ actor: userJson(base, actor), event, commit_id: null, commit_url: null },
    ...{ created_at: isoTime(createdS), ...Object.fromEntries(people), performed_via_github_app: null },
    ...(whole && { issue: about === undefined ? null : issueJson(base, repo, about) }),
  };
}

function asUser(base: string, { users }: World, value: unknown): unknown {
  return [...users.values()].includes(value as WorldUser) ? userJson(base, value as WorldUser) : value;
}
