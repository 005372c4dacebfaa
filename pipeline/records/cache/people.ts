import { fieldsOf, listOf, ordered, sortedSet } from './fields.ts';
import type { Acl } from './groups.ts';

export type UserPackages = {
  /** By the user's own rights, not by those of a group. */
  readonly packages: Readonly<Record<string, Acl>>;
  /** Those of which the user is the point of contact. */
  readonly primary_packages: readonly string[];
  readonly groups: readonly string[];
};

export type GroupPackages = {
  readonly packages: Readonly<Record<string, Acl>>;
  readonly members: readonly string[];
};

interface Person {
  readonly packages: Map<string, Acl>;
  readonly groups: Set<string>;
}

/** Users with their packages and groups: of cached owners and groups. Members of groups without a package of their own are there too. */
export function userPackages(owners: unknown, groups: unknown): ReadonlyMap<string, UserPackages> {
  const people = new Map<string, Person>();
  const person = (name: string) => {
    const known = people.get(name) ?? { packages: new Map(), groups: new Set() };
    people.set(name, known);
    return known;
  };
  for (const [name, value] of Object.entries(fieldsOf(owners) ?? {})) {
    const owner = fieldsOf(value);
    for (const user of listOf(owner?.users) ?? [])
      if (typeof user === 'string')
        person(user).packages.set(name, user === owner?.main ? 'admin' : 'commit');
  }
  for (const [group, { members }] of groupPackages(owners, groups))
    for (const member of members) person(member).groups.add(group);
  return new Map([...people].map(([name, one]) => [name, summed(one)]));
}

function summed({ packages, groups }: Person): UserPackages {
  const primary = [...packages].flatMap(([name, acl]) => (acl === 'admin' ? [name] : []));
  return { packages: ordered(packages), primary_packages: sortedSet(primary), groups: sortedSet(groups) };
}

/** Groups with their packages: those that dist-git names, and those that owners are. */
export function groupPackages(owners: unknown, groups: unknown): ReadonlyMap<string, GroupPackages> {
  const found = new Map<
    string,
    { readonly packages: Map<string, Acl>; readonly members: readonly string[] }
  >();
  for (const [group, value] of Object.entries(fieldsOf(groups) ?? {})) {
    const packages = Object.entries(fieldsOf(fieldsOf(value)?.packages) ?? {});
    const members = (listOf(fieldsOf(value)?.members) ?? []).filter((one) => typeof one === 'string');
    const acls = packages.map(([name, acl]) => [name, acl === 'admin' ? 'admin' : 'commit'] as const);
    found.set(group, { packages: new Map(acls), members });
  }
  for (const [name, value] of Object.entries(fieldsOf(owners) ?? {}))
    for (const group of listOf(fieldsOf(value)?.groups) ?? []) {
      if (typeof group !== 'string') continue;
      const known = found.get(group) ?? { packages: new Map<string, Acl>(), members: [] };
      found.set(group, known);
      if (!known.packages.has(name)) known.packages.set(name, 'commit');
    }
  return new Map(
    [...found].map(([group, { packages, members }]) => [group, { packages: ordered(packages), members }]),
  );
}
