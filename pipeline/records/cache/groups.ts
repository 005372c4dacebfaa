import { fieldsOf, listOf, nameOf, ordered, personOf, sortedSet } from './fields.ts';

export type Acl = 'admin' | 'commit';

export type GroupValue = {
  readonly members: readonly string[];
  /** Packages that the group may commit to, and whether as an admin. */
  readonly packages: Readonly<Record<string, Acl>>;
};

/** Names of one page of Pagure's groups: texts, or objects with a name. */
export function groupName(item: unknown): string | undefined {
  return nameOf(item) ?? nameOf(fieldsOf(item)?.name);
}

export interface GroupPage {
  readonly members: readonly string[];
  readonly packages: readonly string[];
  /** Items that are none. */
  readonly leftOut: number;
}

/** One page of a group with its projects; those that are no rpms are not packages. Undefined: it is no group. */
export function groupPage(answer: unknown): GroupPage | undefined {
  const fields = fieldsOf(answer);
  const projects = listOf(fields?.projects);
  if (fields === undefined || projects === undefined) return undefined;
  const rpms = projects
    .map(fieldsOf)
    .filter((project) => project === undefined || project.namespace === 'rpms');
  const packages = rpms.flatMap((project) => nameOf(project?.name) ?? []);
  const people = listOf(fields.members) ?? [];
  const members = people.flatMap((member) => personOf(member) ?? []);
  return { members, packages, leftOut: rpms.length - packages.length + people.length - members.length };
}

export function groupValue(
  members: Iterable<string>,
  commit: Iterable<string>,
  admin: Iterable<string>,
): GroupValue {
  const acls = new Map<string, Acl>([...commit].map((name) => [name, 'commit']));
  for (const name of admin) acls.set(name, 'admin');
  return { members: sortedSet(members), packages: ordered(acls) };
}
