import { fieldsOf, listOf, sortedSet } from './fields.ts';

/** What a user or a group owns. Who is admin of a package may commit too: `commit` has every package. */
export type Owned = {
  readonly commit: readonly string[];
  readonly admin: readonly string[];
};

/** By the user's own rights, not by those of a group. */
export type UserPackages = Owned & { readonly groups: readonly string[] };

export type GroupPackages = Owned & { readonly members: readonly string[] };

interface Collected {
  readonly commit: Set<string>;
  readonly admin: Set<string>;
  /** Groups of a user, members of a group. */
  readonly others: Set<string>;
}

type Table = Map<string, Collected>;

/** Users with their packages and groups, of cached owners and groups. Who is only a member of a group is there too. */
export function userPackages(owners: unknown, groups: unknown): ReadonlyMap<string, UserPackages> {
  const people: Table = new Map();
  for (const [name, value] of entriesOf(owners)) {
    const owner = fieldsOf(value);
    for (const user of textsOf(owner?.users)) {
      entry(people, user).commit.add(name);
      if (user === owner?.main) entry(people, user).admin.add(name);
    }
  }
  for (const [group, { members }] of groupPackages(owners, groups))
    for (const member of members) entry(people, member).others.add(group);
  return new Map([...people].map(([name, one]) => [name, { ...sorted(one), groups: sortedSet(one.others) }]));
}

/** Groups with their packages and members: those that dist-git names, and those that are owners. */
export function groupPackages(owners: unknown, groups: unknown): ReadonlyMap<string, GroupPackages> {
  const found: Table = new Map();
  for (const [group, value] of entriesOf(groups)) {
    const known = entry(found, group);
    for (const [name, acl] of entriesOf(fieldsOf(value)?.packages)) {
      known.commit.add(name);
      if (acl === 'admin') known.admin.add(name);
    }
    for (const member of textsOf(fieldsOf(value)?.members)) known.others.add(member);
  }
  for (const [name, value] of entriesOf(owners))
    for (const group of textsOf(fieldsOf(value)?.groups)) entry(found, group).commit.add(name);
  return new Map([...found].map(([name, one]) => [name, { ...sorted(one), members: sortedSet(one.others) }]));
}

function entry(table: Table, name: string): Collected {
  const known = table.get(name) ?? { commit: new Set(), admin: new Set(), others: new Set() };
  table.set(name, known);
  return known;
}

function sorted({ commit, admin }: Collected): Owned {
  return { commit: sortedSet(commit), admin: sortedSet(admin) };
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return Object.entries(fieldsOf(value) ?? {});
}

function textsOf(value: unknown): readonly string[] {
  return (listOf(value) ?? []).filter((one) => typeof one === 'string');
}
