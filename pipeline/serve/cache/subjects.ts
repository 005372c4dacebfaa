import type { Cache } from '../../cache/engine.ts';
import { PACKAGES_LIST, SUBJECT_PROVIDERS } from './blocks.ts';
import { ORPHAN, type Query } from './names.ts';

/** `user_packages[USER]` is `{commit, admin, groups}`, `group_packages[GROUP]` is `{commit, admin, members}`. */
export interface Owned {
  /** All of them: who is admin of a package may commit too. A user's are without those of groups. */
  readonly commit: readonly string[];
  readonly admin: readonly string[];
  /** Users only: where the user is a member. */
  readonly groups: readonly string[];
}

/** What became of one name that was asked for. pending: nothing is cached yet that could tell. */
export type Resolved =
  | { readonly kind: 'found'; readonly owned: Owned }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'pending' };

export interface Subjects {
  resolve(kind: 'user' | 'group', name: string): Resolved;
  /** Whether there is such a package; undefined: not known yet. */
  hasPackage(name: string): boolean | undefined;
  /** All packages of a query, sorted, with what could not be found. */
  packagesOf(query: Query): QueryPackages;
}

export interface QueryPackages {
  readonly packages: readonly string[];
  /** `user NAME`, `group NAME`, `package NAME`. */
  readonly unknown: readonly string[];
  /** Providers that must be there before the rest is known. */
  readonly pending: readonly string[];
}

const NOTHING: Owned = { commit: [], admin: [], groups: [] };

export function createSubjects(cache: Cache): Subjects {
  const lists = createLists(cache);
  const resolve: Subjects['resolve'] = (kind, name) => {
    const { packages, all } = SUBJECT_PROVIDERS[kind];
    const { json, isAbsent } = cache.read(packages, name);
    if (json !== undefined) return { kind: 'found', owned: ownedOf(json) };
    const known = lists(all);
    const isUnknown = isAbsent || (known !== undefined && !known.has(name));
    if (!isUnknown) return { kind: 'pending' };
    // Nobody's packages may all have found somebody.
    return name === ORPHAN ? { kind: 'found', owned: NOTHING } : { kind: 'unknown' };
  };
  const hasPackage = (name: string) => lists(PACKAGES_LIST)?.has(name);
  return { resolve, hasPackage, packagesOf: (query) => packagesOf(query, resolve, hasPackage) };
}

function packagesOf(
  query: Query,
  resolve: Subjects['resolve'],
  hasPackage: Subjects['hasPackage'],
): QueryPackages {
  const packages = new Set<string>();
  const unknown: string[] = [];
  const pending = new Set<string>();
  const subjects = [
    ...query.users.map((name) => ['user', name] as const),
    ...query.groups.map((name) => ['group', name] as const),
  ];
  for (const [kind, name] of subjects) {
    const resolved = resolve(kind, name);
    if (resolved.kind === 'unknown') unknown.push(`${kind} ${name}`);
    else if (resolved.kind === 'pending') pending.add(SUBJECT_PROVIDERS[kind].packages);
    else for (const owned of resolved.owned[query.acl]) packages.add(owned);
  }
  for (const name of query.packages) {
    const there = hasPackage(name);
    if (there === true) packages.add(name);
    else if (there === false) unknown.push(`package ${name}`);
    else pending.add(PACKAGES_LIST);
  }
  return { packages: [...packages].sort(), unknown, pending: [...pending] };
}

/** The names in a list entry as a set, made anew only when the entry has changed. Undefined: nothing is cached of it. */
function createLists(cache: Cache): (provider: string) => ReadonlySet<string> | undefined {
  const made = new Map<string, { readonly seq: number; readonly names: ReadonlySet<string> }>();
  return (provider) => {
    const { json, seq } = cache.read(provider, '');
    if (json === undefined) return undefined;
    const last = made.get(provider);
    if (last?.seq === seq) return last.names;
    const names = new Set(textsOf(JSON.parse(json)));
    made.set(provider, { seq, names });
    return names;
  };
}

function ownedOf(json: string): Owned {
  const value = JSON.parse(json) as Partial<Record<keyof Owned, unknown>> | null;
  return { commit: textsOf(value?.commit), admin: textsOf(value?.admin), groups: textsOf(value?.groups) };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
