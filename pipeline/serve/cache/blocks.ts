/**
 * Which provider each part of an answer is of: the one place that knows. The only shapes that are looked into are those of
 * `package_static[PACKAGE]` (an object of the blocks below, `maintainers`, and `missing`, the names of blocks of which nothing is
 * known), of users and groups (subjects.ts), and of the three lists of names.
 */

/** A block of a package's answer that is an entry of its own, by package. */
export interface KeyedBlock {
  /** Its name in `data` of an answer. */
  readonly block: 'bzs' | 'prs' | 'abrt_reports';
  readonly provider: string;
  /** Whose items are added for those who may see them. */
  readonly privateProvider?: string;
  /** JSON text that stands for nothing. */
  readonly empty: string;
}

export const KEYED_BLOCKS: readonly KeyedBlock[] = [
  { block: 'bzs', provider: 'package_bugs', privateProvider: 'package_private_bugs', empty: '[]' },
  { block: 'prs', provider: 'package_prs', empty: '[]' },
  {
    block: 'abrt_reports',
    provider: 'abrt_issues',
    empty: '{"outstanding_problems":[],"problems_present":false}',
  },
];

/** Holds all other blocks of a package, as members of one object. */
export const STATIC_PROVIDER = 'package_static';

/** Blocks of the static entry: what they are made of, and the JSON text that stands for nothing. */
export const STATIC_BLOCKS = {
  updates: { provider: 'bodhi_updates', empty: '[]' },
  overrides: { provider: 'bodhi_overrides', empty: '[]' },
  koschei: { provider: 'koschei_data', empty: '[]' },
  orphans: { provider: 'orphans', empty: '{"orphaned":false,"depends_on_orphaned":false}' },
  fails_to_install: { provider: 'health_check', empty: '[]' },
  package_versions: { provider: 'package_versions_generic', empty: '{}' },
  calendars: { provider: 'calendars', empty: 'null' },
} as const;

export const MAINTAINERS_EMPTY = '{"users":[],"groups":[]}';

/** Maps from who is asked for to packages, and the lists that say who there is. */
export const SUBJECT_PROVIDERS = {
  user: { packages: 'user_packages', all: 'all_fedora_packagers' },
  group: { packages: 'group_packages', all: 'all_fedora_groups' },
} as const;
export const PACKAGES_LIST = 'all_fedora_packages';

/** Pages of one entry each. `empty`: what is answered, with 202, while nothing is cached. */
export const SINGLE_PAGES = [
  { path: '/api/v1/releases', provider: 'fedora_releases', empty: undefined },
  { path: '/api/v1/landing_page', provider: 'schedule', empty: undefined },
  { path: '/api/v1/packager_dashboard/all_fedora_packages', provider: 'all_fedora_packages', empty: '[]' },
  { path: '/api/v1/packager_dashboard/all_fedora_packagers', provider: 'all_fedora_packagers', empty: '[]' },
  { path: '/api/v1/packager_dashboard/all_fedora_groups', provider: 'all_fedora_groups', empty: '[]' },
] as const;
