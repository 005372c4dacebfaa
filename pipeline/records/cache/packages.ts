import { fieldsOf, listOf, own, sortedSet } from './fields.ts';
import type { Acl } from './groups.ts';
import { type OrphanBlock, orphanBlock } from './orphans.ts';

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

/** A part of a cached value, passed on as it is. */
type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** What does not belong to one package's own upstreams, put together once for all readers. */
export type PackageBlock = {
  readonly maintainers: { readonly users: readonly string[]; readonly groups: readonly string[] };
  /** Those of the maintainers who are admins. */
  readonly admins: { readonly users: readonly string[]; readonly groups: readonly string[] };
  readonly updates: readonly Plain[];
  readonly overrides: readonly Plain[];
  readonly koschei: readonly Plain[];
  readonly orphans: OrphanBlock;
  readonly fails_to_install: readonly Plain[];
  readonly calendars: readonly Plain[] | null;
  readonly package_versions: Plain;
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
export function packageNames({
  owners,
  updates,
  overrides,
  orphans,
}: Omit<PackageSources, 'versions'>): readonly string[] {
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
  return {
    maintainers: { users, groups: names },
    admins: { users: users.filter((user) => user === owner?.main), groups: names.filter(isAdmin) },
    updates: plainList(sources.updates, name) ?? [],
    overrides: plainList(sources.overrides, name) ?? [],
    koschei: plainList(sources.koschei, name) ?? [],
    orphans: orphanBlock(sources.orphans, name),
    fails_to_install: [],
    calendars: plainList(sources.calendars, name) ?? null,
    package_versions: (fieldsOf(own(fieldsOf(sources.versions), name)) as Plain | undefined) ?? {},
    missing: missingOf(sources),
  };
}

/** Cached values are JSON, whatever else they are. */
function plainList(value: unknown, name: string): readonly Plain[] | undefined {
  return listOf(own(fieldsOf(value), name)) as readonly Plain[] | undefined;
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
