import type { Derived, DeriveRequest, Json } from '../../cache/contract.ts';
import { SamovarError } from '../../errors.ts';
import { sortedSet } from '../../records/cache/fields.ts';
import {
  groupsOfPackages,
  type PackageSources,
  packageBlock,
  packageNames,
} from '../../records/cache/packages.ts';
import { groupPackages, userPackages } from '../../records/cache/people.ts';
import { HOUR_MS } from '../clocks.ts';
import { CALENDARS } from './calendars.ts';
import { GROUPS } from './groups.ts';
import { KOSCHEI } from './koschei.ts';
import { type FedoraProvider, type MakeConfig, RELEASES, usual } from './make.ts';
import { ORPHANS } from './orphans.ts';
import { OWNERS } from './owners.ts';
import { list, mapping, object, type Schema, TEXTS } from './shapes.ts';
import { isBulk, VERSIONS } from './versions.ts';

const PEOPLE = object({ users: TEXTS, groups: TEXTS });
const ANY_LIST = list({});
const BLOCK = object({
  maintainers: PEOPLE,
  admins: PEOPLE,
  updates: ANY_LIST,
  overrides: ANY_LIST,
  koschei: ANY_LIST,
  orphans: { type: 'object' },
  fails_to_install: ANY_LIST,
  calendars: { type: ['array', 'null'] },
  package_versions: mapping({ type: 'object' }),
  missing: TEXTS,
});

const SOURCES = [OWNERS, GROUPS, 'bodhi_updates', 'bodhi_overrides', KOSCHEI, ORPHANS, CALENDARS];

/** How versions come: all in one value, package by package, or not at all. */
type VersionsKind = 'bulk' | 'keyed' | 'none';

export const packageStatic: FedoraProvider = {
  name: 'package_static',
  needs: ['src'],
  make: (config) => {
    const versions = !config.isThere(VERSIONS) ? 'none' : isBulk(config) ? 'bulk' : 'keyed';
    return usual(config, 6 * HOUR_MS, {
      name: 'package_static',
      title: 'What bulk upstreams say of each package',
      kind: 'derived',
      schema: BLOCK,
      // Asked package by package, versions change all day long: they come in whenever another source changes.
      dependsOn: [RELEASES, ...SOURCES, ...(versions === 'bulk' ? [VERSIONS] : [])],
      mayLack: [RELEASES, VERSIONS, ...SOURCES].filter((source) => source !== OWNERS),
      derive: (request) => blocks(request, config, versions),
    });
  },
};

function* blocks(request: DeriveRequest, config: MakeConfig, kind: VersionsKind): Iterable<Derived> {
  const { read, signal } = request;
  const sources = sourcesOf(request, config);
  const groupsOf = groupsOfPackages(sources.groups);
  const bulk = kind === 'bulk' ? read(VERSIONS, '') : {};
  for (const name of packageNames(sources)) {
    signal.throwIfAborted();
    const versions = kind === 'keyed' ? { [name]: read(VERSIONS, name) ?? {} } : bulk;
    yield { key: name, value: packageBlock(name, { ...sources, versions }, groupsOf) };
  }
}

/** Without owners there are no packages: nothing is derived then, and what was stays. Of a provider that is off nothing is missing. */
function sourcesOf({ read }: DeriveRequest, { isThere }: MakeConfig): Omit<PackageSources, 'versions'> {
  const owners = read(OWNERS, '');
  if (owners === undefined) {
    throw new SamovarError('missing', 'packages are those that have owners, and none are cached yet', {
      subject: OWNERS,
      remedy: `Refresh ${OWNERS} first.`,
    });
  }
  const entryOf = (name: string) => (isThere(name) ? read(name, '') : {});
  return {
    owners,
    groups: entryOf(GROUPS),
    updates: entryOf('bodhi_updates'),
    overrides: entryOf('bodhi_overrides'),
    koschei: entryOf(KOSCHEI),
    orphans: entryOf(ORPHANS),
    calendars: entryOf(CALENDARS),
  };
}

const OWNED = { commit: TEXTS, admin: TEXTS };
const OF_PEOPLE = [OWNERS, GROUPS];

export const users = derivedOf('user_packages', 'Packages of each user', {
  schema: object({ ...OWNED, groups: TEXTS }),
  derive: ({ owners, groups }) => [...userPackages(owners, groups)],
});

export const groupsPackages = derivedOf('group_packages', 'Packages of each group', {
  schema: object({ ...OWNED, members: TEXTS }),
  derive: ({ owners, groups }) => [...groupPackages(owners, groups)],
});

export const allPackages = derivedOf('all_fedora_packages', 'Names of all packages', {
  dependsOn: SOURCES,
  derive: (sources) => [['', packageNames(sources)]],
});

export const allPackagers = derivedOf('all_fedora_packagers', 'Names of all packagers', {
  derive: ({ owners, groups }) => [['', packagers(owners, groups)]],
});

export const allGroups = derivedOf('all_fedora_groups', 'Names of all groups', {
  derive: ({ owners, groups }) => [['', sortedSet(groupPackages(owners, groups).keys())]],
});

/** Who owns what nobody does is no packager, though it has packages. */
function packagers(owners: unknown, groups: unknown): readonly string[] {
  return sortedSet(userPackages(owners, groups).keys()).filter((name) => name !== 'orphan');
}

interface Rule {
  readonly schema?: Schema;
  readonly dependsOn?: readonly string[];
  readonly derive: (sources: Omit<PackageSources, 'versions'>) => readonly (readonly [string, Json])[];
}

function derivedOf(name: string, title: string, rule: Rule): FedoraProvider {
  const { schema = TEXTS, dependsOn = OF_PEOPLE, derive } = rule;
  const entries = (request: DeriveRequest, config: MakeConfig) =>
    derive(sourcesOf(request, config)).map(([key, value]) => ({ key, value }));
  return {
    name,
    needs: ['src'],
    make: (config) =>
      usual(config, 6 * HOUR_MS, {
        ...{ name, title, kind: 'derived', schema, dependsOn },
        mayLack: dependsOn.filter((source) => source !== OWNERS),
        derive: (request) => entries(request, config),
      }),
  };
}
