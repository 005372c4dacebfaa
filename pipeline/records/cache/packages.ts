import { fieldsOf, listOf, own, sortedSet } from './fields.ts';
import type { Acl } from './groups.ts';
import { orphanBlock } from './orphans.ts';

/** Cached values as they were read; undefined: missing. Nothing of them is believed to be of any shape. */
export interface PackageSources {
  readonly owners: unknown;
  readonly groups: unknown;
  readonly updates: unknown;
  readonly overrides: unknown;
  readonly koschei: unknown;
  readonly orphans: unknown;
  readonly calendars: unknown;
  readonly versions: unknown;
}

/** What does not belong to one package's own upstreams, put together once for all readers. */
export type PackageBlock = {
  readonly maintainers: { readonly users: readonly string[]; readonly groups: readonly string[] };
  /** Those of the maintainers who are admins. */
  readonly admins: { readonly users: readonly string[]; readonly groups: readonly string[] };
  readonly updates: readonly unknown[];
  readonly overrides: readonly unknown[];
  readonly koschei: readonly unknown[];
  readonly orphans: unknown;
  readonly fails_to_install: readonly unknown[];
  readonly calendars: readonly unknown[] | null;
  readonly package_versions: unknown;
  /** Blocks of which nothing is known, not even that there is nothing. */
  readonly missing: readonly string[];
};

/** Which groups have a package, by package. */
export type GroupsOfPackages = ReadonlyMap<string, ReadonlyMap<string, Acl>>;

export function groupsOfPackages(groups: unknown): GroupsOfPackages {
  const found = new Map<string, Map<string, Acl>>();
  for (const [group, value] of Object.entries(fieldsOf(groups) ?? {})) {
    for (const [name, acl] of Object.entries(fieldsOf(fieldsOf(value)?.packages) ?? {})) {
      const of = found.get(name) ?? new Map<string, Acl>();
      found.set(name, of.set(group, acl === 'admin' ? 'admin' : 'commit'));
    }
  }
  return found;
}

/** Packages that have an owner, or that anything is said of. */
export function packageNames({ owners, updates, overrides, orphans }: PackageSources): readonly string[] {
  return sortedSet(
    [owners, updates, overrides, orphans].flatMap((value) => Object.keys(fieldsOf(value) ?? {})),
  );
}

export function packageBlock(
  name: string,
  sources: PackageSources,
  groupsOf: GroupsOfPackages,
): PackageBlock {
  const owner = fieldsOf(own(fieldsOf(sources.owners), name));
  const users = texts(owner?.users);
  const groups = new Map<string, Acl>(texts(owner?.groups).map((group) => [group, 'commit']));
  for (const [group, acl] of groupsOf.get(name) ?? []) groups.set(group, acl);
  const isAdmin = (group: string) => groups.get(group) === 'admin';
  const names = sortedSet(groups.keys());
  const calendars = listOf(own(fieldsOf(sources.calendars), name));
  return {
    maintainers: { users, groups: names },
    admins: { users: users.filter((user) => user === owner?.main), groups: names.filter(isAdmin) },
    updates: listOf(own(fieldsOf(sources.updates), name)) ?? [],
    overrides: listOf(own(fieldsOf(sources.overrides), name)) ?? [],
    koschei: listOf(own(fieldsOf(sources.koschei), name)) ?? [],
    orphans: orphanBlock(sources.orphans, name),
    fails_to_install: [],
    calendars: calendars ?? null,
    package_versions: fieldsOf(own(fieldsOf(sources.versions), name)) ?? {},
    missing: missingOf(sources),
  };
}

function missingOf({
  updates,
  overrides,
  koschei,
  orphans,
  calendars,
  versions,
}: PackageSources): readonly string[] {
  const blocks = { updates, overrides, koschei, orphans, calendars, package_versions: versions };
  return Object.entries(blocks).flatMap(([block, value]) => (value === undefined ? [block] : []));
}

function texts(value: unknown): readonly string[] {
  return (listOf(value) ?? []).filter((one) => typeof one === 'string');
}
