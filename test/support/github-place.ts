import {
  newId,
  nowS,
  userNamed,
  type World,
  type WorldEvent,
  type WorldIssue,
  type WorldRepo,
} from './github-world.ts';

/** Where deeds are done. */
export interface Place {
  readonly world: World;
  readonly repo: WorldRepo;
  readonly tick: () => number;
}

export function issueOf({ repo }: Place, number: number): WorldIssue {
  return found(repo.issues, number);
}

export function touched(at: Place, number: number): WorldIssue {
  const issue = issueOf(at, number);
  issue.updatedS = at.tick();
  return issue;
}

export function found<T>(things: ReadonlyMap<number, T>, id: number): T {
  const thing = things.get(id);
  if (thing === undefined) throw new Error(`the fake GitHub has no ${id}`);
  return thing;
}

export function event({ world, repo }: Place, issue: number, name: string, more: WorldEvent['more']): void {
  const actor = userNamed(world, 'keeper');
  repo.events.push({ id: newId(world), issue, event: name, actor, createdS: nowS(world), more });
}

export function labelNamed({ world, repo }: Place, name: string) {
  for (const label of repo.labels.values()) if (label.name === name) return label;
  const label = { id: newId(world), name };
  repo.labels.set(label.id, label);
  return label;
}

export function milestoneNamed({ world, repo }: Place, title: string) {
  for (const milestone of repo.milestones.values()) if (milestone.title === title) return milestone;
  const number = repo.milestones.size + 1;
  const milestone = { id: newId(world), number, title, state: 'open' as const };
  repo.milestones.set(milestone.id, milestone);
  return milestone;
}
