/** What the fake GitHub knows: repositories and what happens in them. Times are whole seconds, as GitHub's are. */

export interface WorldUser {
  readonly id: number;
  login: string;
}

export interface WorldLabel {
  readonly id: number;
  name: string;
}

export interface WorldMilestone {
  readonly id: number;
  readonly number: number;
  title: string;
  state: 'open' | 'closed';
}

export interface WorldPull {
  draft: boolean;
  mergedAt: number | undefined;
  mergeCommit: string | undefined;
  headRef: string;
  headSha: string;
  /** Undefined: the fork is gone. */
  headRepo: string | undefined;
  baseRef: string;
  commits: number;
  additions: number;
  deletions: number;
  changedFiles: number;
  reviewDecision: string | undefined;
}

export interface WorldIssue {
  readonly id: number;
  readonly number: number;
  title: string;
  body: string | null;
  /** Null: the account was deleted. */
  user: WorldUser | null;
  state: 'open' | 'closed';
  stateReason: string | null;
  locked: boolean;
  assignees: WorldUser[];
  labels: WorldLabel[];
  milestone: WorldMilestone | undefined;
  createdS: number;
  updatedS: number;
  closedS: number | undefined;
  closedBy: WorldUser | undefined;
  pull?: WorldPull;
}

export interface WorldComment {
  readonly id: number;
  readonly issue: number;
  user: WorldUser | null;
  body: string;
  createdS: number;
  updatedS: number;
}

export interface WorldReviewComment extends WorldComment {
  readonly review: number;
  path: string;
  line: number | null;
  readonly commitId: string;
  readonly inReplyTo?: number;
}

export interface WorldReview {
  readonly id: number;
  readonly issue: number;
  user: WorldUser | null;
  body: string;
  state: string;
  readonly submittedS: number;
  readonly commitId: string;
  readonly association: string;
}

export interface WorldEvent {
  readonly id: number;
  readonly issue: number;
  readonly event: string;
  readonly actor: WorldUser | null;
  readonly createdS: number;
  /** Fields of this kind of event, as JSON has them. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** Where an issue is that was there. */
export type Departure = 'deleted' | { readonly repo: number; readonly number: number };

export interface WorldRepo {
  readonly id: number;
  owner: string;
  name: string;
  defaultBranch: string;
  hasIssues: boolean;
  /** `gone`: 404, `blocked`: 451. */
  state: 'ok' | 'gone' | 'blocked';
  readonly issues: Map<number, WorldIssue>;
  readonly departed: Map<number, Departure>;
  readonly comments: Map<number, WorldComment>;
  readonly reviewComments: Map<number, WorldReviewComment>;
  readonly reviews: Map<number, WorldReview>;
  /** By id, ascending. */
  readonly events: WorldEvent[];
  readonly labels: Map<number, WorldLabel>;
  readonly milestones: Map<number, WorldMilestone>;
  nextNumber: number;
}

export interface World {
  /** Epoch milliseconds by GitHub's clock. */
  nowMs: number;
  readonly repos: WorldRepo[];
  /** Old `owner/name` to the repository that was renamed. */
  readonly renamed: Map<string, WorldRepo>;
  readonly users: Map<string, WorldUser>;
  nextId: number;
}

/** Ids begin beyond 2^31: whoever keeps them in 32 bits is found out. */
const FIRST_ID = 2 ** 31 + 1;

export function createWorld(nowMs: number): World {
  return { nowMs, repos: [], renamed: new Map(), users: new Map(), nextId: FIRST_ID };
}

export function newId(world: World): number {
  world.nextId += 1;
  return world.nextId;
}

export const nowS = (world: World): number => Math.floor(world.nowMs / 1000);

export function userNamed(world: World, login: string): WorldUser {
  let user = world.users.get(login);
  if (user === undefined) {
    user = { id: newId(world), login };
    world.users.set(login, user);
  }
  return user;
}

export function addRepo(world: World, fullName: string): WorldRepo {
  const [owner = '', name = ''] = fullName.split('/');
  const repo: WorldRepo = {
    ...{ id: newId(world), owner, name, defaultBranch: 'main', hasIssues: true, state: 'ok' },
    ...{ issues: new Map(), departed: new Map(), comments: new Map(), reviewComments: new Map() },
    ...{ reviews: new Map(), events: [], labels: new Map(), milestones: new Map(), nextNumber: 1 },
  };
  world.repos.push(repo);
  return repo;
}

/** Names are not told apart by case. `moved`: it has another name now. */
export function findRepo(
  world: World,
  fullName: string,
): { readonly repo: WorldRepo; readonly moved: boolean } | undefined {
  const wanted = fullName.toLowerCase();
  const repo = world.repos.find(({ owner, name }) => `${owner}/${name}`.toLowerCase() === wanted);
  if (repo !== undefined) return { repo, moved: false };
  const renamed = world.renamed.get(wanted);
  return renamed && { repo: renamed, moved: true };
}

export function renameRepo(world: World, repo: WorldRepo, fullName: string): void {
  world.renamed.set(`${repo.owner}/${repo.name}`.toLowerCase(), repo);
  const [owner = '', name = ''] = fullName.split('/');
  repo.owner = owner;
  repo.name = name;
}
